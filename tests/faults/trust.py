"""Which CAs were trusted at each moment: the log of a run, replayed over what was verified at its start."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature

_UNVERIFIES = {("POST", "generateVerificationCode"), ("PUT", ""), ("DELETE", "")}


def moments(verified: Mapping[str, bool], log: Iterable[Mapping[str, Any]]) -> list[frozenset[str]]:
    """The names of the verified certificates before the first request and after each request; attested ones are not followed.

    A request counts if it took effect, even if its answer was lost.
    """
    trusted = frozenset(name for name, proven in verified.items() if proven)
    found = [trusted]
    for entry in log:
        _, mark, rest = entry["path"].partition("/certificates/")
        name, _, verb = rest.partition("/")
        status = entry["effect"] if entry["fault"] not in (None, "latency") else entry["status"]
        if mark and status is not None and 200 <= status < 300:
            if (entry["method"], verb) == ("POST", "verify"):
                trusted |= {name}
            elif (entry["method"], verb) in _UNVERIFIES:
                trusted -= {name}
        found.append(trusted)
    return found


def untrue_claims(outs: Iterable[Mapping[str, Any]], on_hub: Callable[[], Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Each resource that calls a certificate proven without evidence that holds for the certificate ``on_hub``."""
    claims = [each for each in outs if each.get("proof") == "possession"]
    found = on_hub() if claims else {}
    return [f"{each['certificateName']} is not proven: {fault}" for each in claims if (fault := _fault_of_claim(each, found))]


def _fault_of_claim(outs: Mapping[str, Any], on_hub: Mapping[str, Mapping[str, Any]]) -> str | None:
    found = on_hub.get(outs["certificateName"], {})
    if not (found.get("etag") == outs["etag"] == outs.get("provenEtag") and found["properties"]["isVerified"]):
        return "the etag of its evidence is not that of a verified certificate"
    proof, authority = (x509.load_pem_x509_certificate(outs[name].encode()) for name in ("provenBy", "certificate"))
    try:
        proof.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError):
        return "its key did not sign the proof"
    return None if proof.subject.rfc4514_string() == f"CN={outs['provenCode']}" else "the proof is for another code"
