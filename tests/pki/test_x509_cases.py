"""Our validation of chains is compared with recorded chains of known verdict and with `openssl verify`."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hubtrust.pki import chain, errors
from hubtrust.pki.certificate import load_certificate, load_certificates, thumbprint
from hubtrust.pki.path import Wanted
from tests.kit.x509_cases import MARKS, cases, ids, openssl

HOST_NAME = "the verdict depends on a host name to connect to; a device has none (RFC 9525 is about servers)"
DEPTH = "the verdict depends on a maximum depth given to the verifier; an import has a fixed one of 10 (RFC 5280 6.1.1 leaves it open)"
PROFILE = "a duty of whoever issues (RFC 5280 4), which no path needs (6.1): it is noticed at import, and devices connect"
# Cases whose expected verdict depends on something that an import does not have; each with its reason.
NOT_APPLICABLE = {
    "pathlen::max-chain-depth-0-exhausted": DEPTH,
    "pathlen::max-chain-depth-1-exhausted": DEPTH,
    "rfc5280::eku::ee-wrong-eku": "the verdict depends on serverAuth, which a device's certificate need not have (RFC 5280 4.2.1.12)",
    "rfc5280::san::ip-in-dns": HOST_NAME,
    "rfc5280::ca-as-leaf-wrong-san": HOST_NAME,
    "rfc5280::aki::intermediate-missing-aki": PROFILE,
    "rfc5280::aki::cross-signed-root-missing-aki": PROFILE,
    "rfc5280::ca-empty-subject": PROFILE,
    "rfc5280::nc::permitted-dns-match-noncritical": PROFILE,
    "rfc5280::pc::ica-noncritical-pc": PROFILE,
    "rfc5280::root-non-critical-basic-constraints": PROFILE,
    "rfc5280::ski::intermediate-missing-ski": PROFILE,
    "rfc5280::ski::root-missing-ski": PROFILE,
}
LENIENT = "OpenSSL 3 does not require it, even with -x509_strict"
# Cases in which OpenSSL 3's verdict differs from the expected one, and ours does not.
OPENSSL_DIFFERS = {
    "cve::cve-2025-61727": "OpenSSL compares a wildcard literally, not as the names it could match (RFC 5280 4.2.1.10)",
    "rfc5280::nc::nc-forbids-dnsname-wildcard-san": "OpenSSL compares a wildcard literally (RFC 5280 4.2.1.10)",
    "rfc5280::nc::permitted-dns-match-noncritical": f"{LENIENT} (RFC 5280 4.2.1.10: critical)",
    "rfc5280::nc::not-allowed-in-ee-noncritical": f"{LENIENT} (RFC 5280 4.2.1.10: in authorities only)",
    "rfc5280::pc::ica-noncritical-pc": f"{LENIENT} (RFC 5280 4.2.1.11: critical)",
    "rfc5280::serial::zero": f"{LENIENT} (RFC 5280 4.1.2.2: positive)",
    "rfc5280::validity::notafter-exact": "OpenSSL takes notAfter as the first moment outside; RFC 5280 4.1.2.5 includes it",
    "rfc5280::validity::notafter-fractional": "OpenSSL takes notAfter as the first moment outside; RFC 5280 4.1.2.5 includes it",
    "rfc5280::nc::nc-forbids-same-chain-ica": "OpenSSL tries one path, and no other where that is refused (RFC 5280 6 leaves it open)",
    "rfc5280::root-and-intermediate-swapped": "OpenSSL requires a self-signed anchor without -partial_chain (RFC 5280 6.1.1 does not)",
}
pytestmark = MARKS


def moment(case: dict[str, Any]) -> datetime:
    """The case's own time, or a moment when all of its certificates are valid."""
    if case.get("validation_time"):
        return datetime.fromisoformat(case["validation_time"])
    texts = [case["peer_certificate"], *case.get("trusted_certs", []), *case.get("untrusted_intermediates", [])]
    starts = []
    for text in texts:
        try:
            starts += [one.not_valid_before_utc for one in load_certificates(text, what="case")]
        except errors.ProfileError:
            continue
    return max(starts) if starts else datetime.fromisoformat("2026-01-01T00:00:00Z")


def verdict(case: dict[str, Any]) -> str:
    """Our verdict: the authorities as an import of which one of the trusted ones is trusted, then the peer as a device below them."""
    authorities = "\n".join(case.get("trusted_certs", []) + case.get("untrusted_intermediates", []))
    now = moment(case)
    for anchor in load_certificates("\n".join(case["trusted_certs"]), what="the trusted ones"):
        try:
            imported = chain.load_chain(authorities, what="the chain", now=now, wanted=Wanted(thumbprint=thumbprint(anchor)))
            imported.require_valid_at(now)
            chain.validate_leaf(load_certificate(case["peer_certificate"], what="the peer"), imported, now=now)
        except errors.PkiError:
            continue
        if case["id"] in NOT_APPLICABLE and NOT_APPLICABLE[case["id"]] == PROFILE:
            assert any("devices connect anyway" in notice for notice in imported.notices)
        return "SUCCESS"
    return "FAILURE"


@pytest.mark.parametrize("case_id", ids())
def test_the_verdict_agrees(case_id: str, tmp_path: Path) -> None:
    """Our verdict and OpenSSL's are the expected ones; a difference must be listed above, and must exist."""
    case = cases()[case_id]
    assert (verdict(case) == case["expected_result"]) is (case_id not in NOT_APPLICABLE)
    command = openssl(case, tmp_path, moment(case), "-x509_strict")
    if case_id in OPENSSL_DIFFERS:
        assert command != case["expected_result"]
    elif case_id not in NOT_APPLICABLE:
        assert command == case["expected_result"]
    elif NOT_APPLICABLE[case_id] == PROFILE:
        assert openssl(case, tmp_path, moment(case), "-partial_chain") == "SUCCESS", (
            "a device connects, although -x509_strict would not have it"
        )


def test_every_named_exception_is_a_case() -> None:
    """Every listed exception belongs to a case that still exists."""
    assert set(NOT_APPLICABLE) | set(OPENSSL_DIFFERS) <= set(cases())
