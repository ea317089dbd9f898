"""Enrollments: created, replaced by their etag, and deleted; what of a request stays, and how it is answered."""

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.local_azure.makers import authority
from tests.provisioning.service import Service, by_key, group, individual

BOTH = pytest.mark.parametrize(("place", "make", "exists", "missing"), [
    ("/enrollmentGroups/Line-7", by_key, 409202, 404202),
    ("/enrollments/Line-7", individual, 409201, 404201),
])  # fmt: skip


@BOTH
def test_an_enrollment_from_its_first_day_to_its_last(service: Service, place: str, make: Any, exists: int, missing: int) -> None:
    """PUT without If-Match only creates, with it only replaces; ids have any case; dates and etags tell what was written when."""
    assert service.refused("GET", place) == (404, missing)
    assert service.refused("DELETE", place) == (404, missing)
    for etag in ("*", "AAAA"):
        assert service.refused("PUT", place, make("Line-7"), if_match=etag) == (404, missing)
    first = service.must("PUT", place, make("Line-7"))
    assert service.refused("PUT", place, make("Line-7")) == (409, exists)
    assert service.refused("PUT", place, make("Line-7"), if_match="AAAA") == (412, 412001)
    written = first
    for form in ("{}", '"{}"', "*"):
        again = service.must("PUT", place.replace("Line", "LINE"), make("line-7"), if_match=form.format(written["etag"]))
        assert again["etag"] != written["etag"]
        assert again["createdDateTimeUtc"] == first["createdDateTimeUtc"] < again["lastUpdatedDateTimeUtc"]
        written = again
    found = service.must("GET", place.lower())
    assert (found["etag"], next(iter(found.values()))) == (written["etag"], "Line-7")
    assert service.refused("DELETE", place, if_match=first["etag"]) == (412, 412001)
    assert service.ask("DELETE", place, if_match=f'"{written["etag"]}"').status == 204
    assert service.refused("GET", place) == (404, missing)


@BOTH
def test_an_enrollment_that_was_made_again_has_another_beginning(
    service: Service, place: str, make: Any, exists: int, missing: int
) -> None:
    """Its date of creation is its own: an id alone does not say that it is the same enrollment."""
    del exists, missing
    first = service.must("PUT", place, make("Line-7"))
    service.must("DELETE", place)
    assert service.must("PUT", place, make("Line-7"))["createdDateTimeUtc"] > first["createdDateTimeUtc"]


@pytest.mark.parametrize("form", ["pem", "pem in one line", "base64 of DER", "base64 of PEM"])
def test_the_forms_of_a_certificate(service: Service, form: str) -> None:
    """PEM or base64 of DER, with or without line ends; the secondary is answered as a copy where only a primary is sent."""
    made = authority()
    der = base64.b64encode(made.certificate.public_bytes(serialization.Encoding.DER)).decode()
    text = {"pem": made.pem, "pem in one line": made.pem.replace("\n", ""), "base64 of DER": f"{der[:64]}\r\n{der[64:]}\r\n"}.get(
        form, base64.b64encode(made.pem.encode()).decode()
    )
    slots = service.must("PUT", "/enrollmentGroups/a", group("a", text))["attestation"]["x509"]["signingCertificates"]
    assert slots["primary"] == slots["secondary"]
    assert set(slots["primary"]) == {"info"}
    assert slots["primary"]["info"]["sha256Thumbprint"] == _thumbprint(made.certificate)


def _thumbprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex().upper()
