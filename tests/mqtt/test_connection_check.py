"""The check of connections, compared with recorded chains of known verdict and with `openssl verify`."""

import base64
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import crypto

from local_azure_iot.judge import certificate, connection_check
from tests.kit.x509_cases import MARKS, cases, ids, openssl

HOST_NAME = "depends on the host name that is connected to; a device has none (RFC 9525 is about servers)"
DEPTH = "depends on a maximum depth that is given to the verifier; this check's only limit is ten (RFC 5280, 6.1.1)"
WILDCARD = "OpenSSL compares a wildcard literally, not as the names it could match (RFC 5280, 4.2.1.10); devices' names have no wildcards"
ONE_PATH = "OpenSSL validates the first path that it can build; RFC 5280, 6 leaves it to the verifier whether to look for another"
ISSUER = "a rule for issuers, not a part of path validation"
ANCHOR = "is about the trust anchor, which the hub vouches for: a path uses only its name and key (RFC 5280, 6.1.1 d)"
# Where the check's verdict differs from the expected one, strict or not, and why.
DIFFERS = {
    "cve::cve-2025-61727": WILDCARD,
    "pathlen::max-chain-depth-0-exhausted": DEPTH,
    "pathlen::max-chain-depth-1-exhausted": DEPTH,
    "rfc5280::eku::ee-wrong-eku": "depends on serverAuth; a device's certificate needs clientAuth, which is checked apart from the path",
    "rfc5280::nc::permitted-dns-match-noncritical": f"{ISSUER} (RFC 5280, 4.2.1.10: critical)",
    "rfc5280::nc::not-allowed-in-ee-noncritical": f"{ISSUER} (RFC 5280, 4.2.1.10: in authorities only)",
    "rfc5280::nc::nc-forbids-same-chain-ica": ONE_PATH,
    "rfc5280::nc::nc-forbids-dnsname-wildcard-san": WILDCARD,
    "rfc5280::pc::ica-noncritical-pc": f"{ISSUER} (RFC 5280, 4.2.1.11: critical)",
    "rfc5280::san::ip-in-dns": HOST_NAME,
    "rfc5280::ca-as-leaf-wrong-san": HOST_NAME,
    "rfc5280::aki::cross-signed-root-missing-aki": f"{ANCHOR} (4.2.1.1)",
    "rfc5280::root-non-critical-basic-constraints": f"{ANCHOR} (4.2.1.9)",
    "rfc5280::serial::zero": f"{ISSUER} (RFC 5280, 4.1.2.2: positive)",
}
# What only `--strict` refuses: RFC 5280, 4 requires it of issuers, and in recordings Azure accepts CA certificates without extensions.
ONLY_STRICT = {
    "rfc5280::aki::leaf-missing-aki": "4.2.1.1",
    "rfc5280::aki::intermediate-missing-aki": "4.2.1.1",
    "rfc5280::ski::root-missing-ski": "4.2.1.2",
    "rfc5280::ski::intermediate-missing-ski": "4.2.1.2",
    "rfc5280::ca-empty-subject": "4.1.2.6",
    "rfc5280::root-missing-basic-constraints": "4.2.1.9",
    "rfc5280::leaf-ku-keycertsign": "4.2.1.9",
}
# Where the `openssl` command differs because its version is another one than that of the library that the check calls.
EXACT = "OpenSSL 3.0 excludes the moment of notAfter; RFC 5280, 4.1.2.5 includes it, and so do newer versions"
COMMAND_DIFFERS = {
    "rfc5280::validity::notafter-exact": EXACT,
    "rfc5280::validity::notafter-fractional": EXACT,
    "rfc5280::root-non-critical-basic-constraints": "OpenSSL 3.0 requires it of a trust anchor too, newer versions do not",
}
pytestmark = MARKS


def moment(case: dict[str, Any]) -> datetime:
    """The case's own time, or the middle of the peer's validity."""
    if case.get("validation_time"):
        return datetime.fromisoformat(case["validation_time"])
    peer = certificate.read(_der(case["peer_certificate"]))
    assert peer.not_before
    assert peer.not_after
    return peer.not_before + (peer.not_after - peer.not_before) / 2


def _der(text: str) -> bytes:
    return base64.b64decode("".join(text.strip().splitlines()[1:-1]))


def verdict(case: dict[str, Any], *, strict: bool) -> str:
    """The check's verdict on the path."""
    sent = [case["peer_certificate"], *case.get("untrusted_intermediates", [])]
    chain = [crypto.load_certificate(crypto.FILETYPE_PEM, text.encode()) for text in sent]
    anchors = tuple(_der(text) for text in case.get("trusted_certs", []))
    return "FAILURE" if connection_check.path_refusal(chain, anchors, moment(case), strict=strict) else "SUCCESS"


@pytest.mark.parametrize("case_id", ids())
def test_the_verdict_agrees(case_id: str, tmp_path: Path) -> None:
    """The strict verdict is the expected one, except for the cases above; the default verdict accepts what only `--strict` refuses."""
    case = cases()[case_id]
    strict, plain = verdict(case, strict=True), verdict(case, strict=False)
    assert (strict == case["expected_result"]) is (case_id not in DIFFERS)
    assert (plain == strict) is (case_id not in ONLY_STRICT)
    # With -partial_chain a path may end at any trusted certificate.
    command = openssl(case, tmp_path, moment(case), "-partial_chain", "-x509_strict")
    assert case_id in COMMAND_DIFFERS or command == strict


def test_every_named_exception_is_a_case() -> None:
    """Each exception belongs to an existing case."""
    assert set(DIFFERS) | set(ONLY_STRICT) | set(COMMAND_DIFFERS) <= set(cases())
    assert not set(DIFFERS) & set(ONLY_STRICT)
