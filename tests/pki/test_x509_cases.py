"""Our validation of chains is compared with recorded chains of known verdict and with `openssl verify`."""

import gzip
import json
import subprocess
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hubtrust.pki import chain, errors
from hubtrust.pki.certificate import load_certificate, load_certificates
from tests.kit.repository import SHARED

CASES = SHARED / "x509-cases" / "limbo.jsonl.gz"
HOST_NAME = "the verdict hangs on a host name to connect to; a device has none (RFC 9525 is about servers)"
DEPTH = "the verdict hangs on a depth that the verifier is told; an import has a fixed one of 10 (RFC 5280 6.1.1 leaves it open)"
ONE_CHAIN = "stricter: an import is one chain and nothing beside it; RFC 5280 6 leaves building a path from a heap to the verifier"
# What the expected verdict hangs on that is no question of an import; each with its reason.
NOT_APPLICABLE = {
    "pathlen::max-chain-depth-0-exhausted": DEPTH,
    "pathlen::max-chain-depth-1-exhausted": DEPTH,
    "rfc5280::eku::ee-wrong-eku": "the verdict hangs on serverAuth, which a device's certificate need not have (RFC 5280 4.2.1.12)",
    "rfc5280::san::ip-in-dns": HOST_NAME,
    "rfc5280::ca-as-leaf-wrong-san": HOST_NAME,
    "rfc5280::nc::nc-forbids-same-chain-ica": ONE_CHAIN,
    "rfc5280::unknown-critical-extension-unrelated-root": ONE_CHAIN,
    "rfc5280::unknown-critical-extension-unrelated-intermediate": ONE_CHAIN,
}
LENIENT = "OpenSSL 3 does not ask for it, even with -x509_strict"
# Where OpenSSL 3 answers otherwise than expected, though we don't.
OPENSSL_DIFFERS = {
    "cve::cve-2025-61727": "OpenSSL compares a wildcard as it stands, not as the names it could match (RFC 5280 4.2.1.10)",
    "rfc5280::nc::nc-forbids-dnsname-wildcard-san": "OpenSSL compares a wildcard as it stands (RFC 5280 4.2.1.10)",
    "rfc5280::nc::permitted-dns-match-noncritical": f"{LENIENT} (RFC 5280 4.2.1.10: critical)",
    "rfc5280::nc::not-allowed-in-ee-noncritical": f"{LENIENT} (RFC 5280 4.2.1.10: in authorities only)",
    "rfc5280::pc::ica-noncritical-pc": f"{LENIENT} (RFC 5280 4.2.1.11: critical)",
    "rfc5280::serial::zero": f"{LENIENT} (RFC 5280 4.1.2.2: positive)",
    "rfc5280::validity::notafter-exact": "OpenSSL takes notAfter as the first moment outside; RFC 5280 4.1.2.5 includes it",
    "rfc5280::validity::notafter-fractional": "OpenSSL takes notAfter as the first moment outside; RFC 5280 4.1.2.5 includes it",
    "rfc5280::root-and-intermediate-swapped": "OpenSSL wants a self-signed anchor unless told -partial_chain (RFC 5280 6.1.1 does not)",
}
pytestmark = [
    pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive"),  # one of the cases
    pytest.mark.recorded,
    pytest.mark.skipif(not CASES.exists(), reason=f"no recorded chains at {CASES.parent.name}/{CASES.name}"),
]


@cache
def cases() -> dict[str, dict[str, Any]]:
    with gzip.open(CASES, "rt") as lines:
        return {case["id"]: case for case in map(json.loads, lines)}


def ids() -> list[str]:
    return list(cases()) if CASES.exists() else []


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
    """Our verdict: the authorities as an import, then the peer as a device below them."""
    authorities = "\n".join(case.get("trusted_certs", []) + case.get("untrusted_intermediates", []))
    now = moment(case)
    try:
        imported = chain.load_chain(authorities, what="the chain", now=now)
        chain.validate_leaf(load_certificate(case["peer_certificate"], what="the peer"), imported, now=now)
    except errors.PkiError:
        return "FAILURE"
    return "SUCCESS"


def openssl(case: dict[str, Any], folder: Path) -> str:
    trusted, others, peer = folder / "trusted.pem", folder / "others.pem", folder / "peer.pem"
    trusted.write_text("\n".join(case.get("trusted_certs", [])))
    others.write_text("\n".join(case.get("untrusted_intermediates", [])))
    peer.write_text(case["peer_certificate"])
    command = ["openssl", "verify", "-x509_strict", "-CAfile", trusted, "-attime", str(int(moment(case).timestamp()))]
    command += ["-untrusted", others] if case.get("untrusted_intermediates") else []
    return "SUCCESS" if subprocess.run([*command, peer], capture_output=True, check=False).returncode == 0 else "FAILURE"


@pytest.mark.parametrize("case_id", ids())
def test_the_verdict_agrees(case_id: str, tmp_path: Path) -> None:
    """Our verdict and OpenSSL's are the expected ones; a difference must be listed above, and must exist."""
    case = cases()[case_id]
    assert (verdict(case) == case["expected_result"]) is (case_id not in NOT_APPLICABLE)
    strangers = openssl(case, tmp_path)
    if case_id in OPENSSL_DIFFERS:
        assert strangers != case["expected_result"]
    elif case_id not in NOT_APPLICABLE:
        assert strangers == case["expected_result"]


def test_every_named_exception_is_a_case() -> None:
    """Every listed exception belongs to a case that still exists."""
    assert set(NOT_APPLICABLE) | set(OPENSSL_DIFFERS) <= set(cases())
