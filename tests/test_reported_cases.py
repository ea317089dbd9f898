"""Inputs that people reported, and the right value of each. They are kept beside the project; other tests make inputs of the same kinds."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from hubtrust.devices.roster_files import from_file
from hubtrust.errors import HubtrustError
from hubtrust.pki.chain import load_chain
from hubtrust.pki.keys import load_private_key
from hubtrust.pki.request import load_requests, requested_key
from local_azure_iot.judge import upload
from tests.kit.repository import SHARED

CASES = SHARED / "cases"
WHEN = datetime(2026, 12, 15, tzinfo=UTC)
LONGEST = 5_000  # characters of an error
pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not CASES.exists(), reason=f"no reported cases at {CASES.parent.name}/{CASES.name}"),
]


def a_chain(path: Path) -> str:
    """What is said of the CA in the file: its names, then the notices."""
    found = load_chain(path.read_bytes(), what="the CA", now=WHEN)
    return "\n".join([" < ".join(map(str, found.certificates)), *found.notices])


def a_key(path: Path, passphrase: str | None = None) -> str:
    return type(load_private_key(path.read_bytes(), what="the key", passphrase=passphrase)).__name__


def requests(path: Path) -> str:
    found = load_requests(path.read_bytes(), what="the requests")
    for request in found:
        requested_key(request, what=request.shown)
    return f"{len(found)} of {found[0].shown}"


def a_request_of_oven_1(path: Path) -> str:
    (request,) = load_requests(path.read_bytes(), what="the request")
    requested_key(request, what="the request", name="oven-1")
    return "taken"


def a_roster(path: Path) -> str:
    found = from_file(path, what="the roster")
    return repr([(device_id, declared.tags) for device_id, declared in found])


def an_upload(path: Path) -> str:
    return upload.read(path.read_text(encoding="utf-8")).subject


CASES_AND_VALUES: list[tuple[str, Callable[[Path], str], str]] = [
    ("A01*.pem", a_chain, r"Birchwater Root.*\n.*has no key usage extension .RFC 5280 4.2.1.3.; devices connect anyway"),
    ("A02*.pem", a_chain, r"Birchwater Easy-RSA CA.*\n.*basicConstraints is not critical .*devices connect anyway"),
    ("A03*.pem", a_chain, r"Birchwater Issuing.*\n.*Birchwater Old Root.*it is signed with SHA1; devices connect anyway"),
    ("A04*.pem", a_chain, r"Quarry Issuing.*\n.*Quarry Root.*it expired on .*; devices connect anyway"),
    ("A05*.pem", a_chain, r"CN=Kiln Root,O=Ofenwerk Müller"),
    ("A06*.pem", a_chain, r"^'CN=Birchwater SM2 Root' .*: its EC key is on the curve SM2; use RSA .* or EC on P-256"),
    ("A07-*.cer", a_chain, r"CN="),
    ("A07b*.key", a_key, r"PrivateKey"),
    ("A08*.pem", a_chain, r"CN=Kiln_Root@plant\*"),
    ("A09*.pem", a_chain, r"CN=Quarry Issuing.*CN=Quarry Root"),
    ("A10*.pem", a_chain, r"its RSA key is for RSASSA-PSS only"),
    ("A11*.pem", a_chain, r"its EC key has explicit parameters"),
    ("A12*.pem", a_chain, r"CN=Birchwater Critical Root"),
    ("A13*.pem", a_chain, r"CN=Quarry Issuing.*CN=Quarry Root.*\n.*left out, .*does not need it: 'CN=Quarry Root'"),
    ("A14*.pem", a_chain, r"CN=Hollow Creek Press CA.*CN=Hollow Creek Root CA"),
    ("A15*.key", partial(a_key, passphrase="pw"), r"(?i)camellia"),
    ("A16*.pem", a_chain, r"^\S*'?CN=Kiln\\nRoot|CN=Kiln\\nRoot"),
    ("B01*.pem", requests, r"^\d+ of "),
    ("B02*.pem", requests, r"^1 of "),
    ("B03*.pem", requests, r"it is signed with SHA1"),
    ("B04*.pem", requests, r"^1 of "),
    ("B05*.pem", a_request_of_oven_1, r"\\x00"),
    ("C02*", a_roster, r"line 1: .*id is null"),
    ("C03*", a_roster, r"line 1: edge: it is a number; use true or false"),
    ("C04*", a_roster, r"line 1: tags: it is a text"),
    ("C05*", a_roster, r"^\[\('oven-01', {}\)\]$"),
    ("C06*", a_roster, r"^\[\('oven-01', {'note': 'a\\u2028b'}\)\]$"),
    ("C07*", a_roster, r"^\[\('oven-01', {'plant': 'A'}\)"),
    ("C08*", a_roster, r"^\[\('oven-01', {'plant': 'A'}\)"),
    ("C09*", a_roster, r"line 2: .*0xFC.*Windows-1252"),
    ("C10*", a_roster, r"line 2: .*\\u200e"),
    ("C12*", a_roster, r"^\[\('oven-01', {'hall': '3'}\)"),
    ("A05*.pem", an_upload, r"Kiln Root"),  # F01
    ("A08*.pem", an_upload, r"Kiln_Root@plant\*"),  # F01
]


@pytest.mark.parametrize(
    ("pattern", "read", "right"), CASES_AND_VALUES, ids=[f"{each[0]} {number}" for number, each in enumerate(CASES_AND_VALUES)]
)
def test_a_reported_input_has_its_right_value(pattern: str, read: Callable[[Path], str], right: str) -> None:
    """It is read, with its notices, or refused with an error that is true, in one line of bounded length."""
    (path,) = CASES.glob(pattern)
    try:
        said = read(path)
    except HubtrustError as error:
        said = str(error)
        assert said.isprintable()
        assert len(said) < LONGEST
    assert re.search(right, said, re.DOTALL), said
