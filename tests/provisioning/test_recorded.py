"""The answers of the service API compared with recordings of Azure's, request by request."""

import base64
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.kit.repository import SHARED
from tests.local_azure.makers import authority
from tests.local_azure.recordings import differences
from tests.provisioning.service import Service, group

FOLDER = SHARED / "azure-traffic"
NAMES = ("dps_enrollment_group_x509_lifecycle", "dps_enrollment_group_bulk_operations")
pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not (FOLDER / f"{NAMES[0]}.json").exists(), reason="the recordings of Azure's traffic are not beside the project"),
]
_KEY = base64.b64encode(b"a key of some length").decode()
_HEADERS = ("x-ms-item-type", "x-ms-continuation", "x-ms-error-code")
# What is random, was redacted in the recording, or is the test's own certificate; of all others the values are equal too.
_OWN = {"etag", "sha1Thumbprint", "sha256Thumbprint", "subjectName", "issuerName", "notBeforeUtc", "notAfterUtc", "serialNumber"}
_DATES = {"createdDateTimeUtc", "lastUpdatedDateTimeUtc"}


def _values(recorded: Any, ours: Any, where: str = "") -> list[str]:
    """The members with different values."""
    if isinstance(recorded, dict):
        return [each for name in recorded for each in _values(recorded[name], ours[name], f"{where}.{name}") if name not in _OWN | _DATES]
    if isinstance(recorded, list):
        return [each for mine, theirs in zip(recorded, ours, strict=True) for each in _values(mine, theirs, f"{where}[]")]
    return [] if recorded == ours else [f"{where}: {recorded!r} / {ours!r}"]


def _order(body: Any) -> Any:
    """The names of members in their order, all the way down."""
    if isinstance(body, dict):
        return [(name, _order(value)) for name, value in body.items()]
    return [_order(each) for each in body] if isinstance(body, list) else None


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_session(service: Service, name: str) -> None:
    """Status, headers, members, their order, and all values that are not random: equal."""
    entries = [each for each in json.loads((FOLDER / f"{name}.json").read_text())["Entries"] if "provisioning.net" in each["RequestUri"]]
    etags: dict[str, str] = {}
    for entry in entries:
        place = urlsplit(entry["RequestUri"])
        step = f"{entry['RequestMethod']} {place.path}"
        text = json.dumps(entry["RequestBody"]).replace('"certificate": "certificate"', f'"certificate": {json.dumps(authority().pem)}')
        text = text.replace('Key": "primaryKey"', f'Key": "{_KEY}"').replace('Key": "secondaryKey"', f'Key": "{_KEY}"')
        sent = {"if_match": etags[entry["RequestHeaders"]["If-Match"]]} if "If-Match" in entry["RequestHeaders"] else {}
        body = json.loads(text)
        answer = service.ask(entry["RequestMethod"], place.path, body, version="2021-10-01", **sent)
        assert answer.status == entry["StatusCode"], (step, answer.body)
        recorded_headers = {key.lower(): value for key, value in entry["ResponseHeaders"].items()}
        for header in _HEADERS:
            assert (answer.headers.get(header), step) == (recorded_headers.get(header), step)
        if entry["ResponseBody"] is None:
            assert answer.body == b"", step
            continue
        recorded = json.loads(entry["ResponseBody"]) if isinstance(entry["ResponseBody"], str) else entry["ResponseBody"]
        ours = answer.json()
        assert (list(differences(recorded, ours)), step) == ([], step)
        assert (_values(recorded, ours), step) == ([], step)
        assert (_order(ours), step) == (_order(recorded), step)
        if "etag" in ours:
            etags[recorded["etag"]] = ours["etag"]
            assert all(datetime.fromisoformat(ours[each]).tzinfo for each in _DATES)


def test_the_forms_of_recorded_values(service: Service) -> None:
    """Serial numbers are upper-case hex, names have `CN=`, an etag is base64 of a quoted one; each fact is our certificate's."""
    made = authority()
    found, certificate = service.must("PUT", "/enrollmentGroups/own", group("own", made.pem)), made.certificate
    info = found["attestation"]["x509"]["signingCertificates"]["primary"]["info"]
    assert info["subjectName"] == certificate.subject.rfc4514_string()
    assert info["issuerName"] == certificate.issuer.rfc4514_string()
    assert int(info["serialNumber"], 16) == certificate.serial_number
    assert info["serialNumber"] == info["serialNumber"].upper()
    assert datetime.fromisoformat(info["notAfterUtc"]) == certificate.not_valid_after_utc
    assert info["version"] == 3
    assert base64.b64decode(found["etag"]).startswith(b'"')
