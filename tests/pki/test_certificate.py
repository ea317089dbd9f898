"""The description of a certificate: as Azure shows it, as OpenSSL prints it."""

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from hubtrust.pki import errors
from hubtrust.pki.certificate import common_name, describe, display, load_certificate, pem
from tests.kit.authorities import Forged, hierarchy, name, pem_of, write


def test_the_description_is_what_openssl_prints(tmp_path: Path) -> None:
    """Thumbprints, serial number and dates agree with `openssl x509`."""
    certificate = hierarchy(depth=1).up[0]
    files = write(tmp_path, one=pem(certificate))

    def ask(*options: str) -> str:
        done = subprocess.run(["openssl", "x509", "-in", files["one"], "-noout", *options], capture_output=True, text=True, check=True)
        return done.stdout.partition("=")[2].strip().replace(":", "")

    found = describe(certificate)
    assert (found.thumbprint, found.sha256) == (ask("-fingerprint", "-sha1"), ask("-fingerprint", "-sha256"))
    assert int(found.serial, 16) == int(ask("-serial"), 16)
    assert found.not_after.replace("T", " ").replace(":", "") == ask("-enddate", "-dateopt", "iso_8601")
    assert (found.subject, found.common_name, found.issuer, found.key) == ("CN=Level 1", "Level 1", "CN=Root", "EC P-256")


def test_two_certificates_are_refused_where_one_is_expected() -> None:
    """Two certificates are refused where one is expected."""
    with pytest.raises(errors.UnreadableError, match="it contains 2 certificates; give exactly one"):
        load_certificate(pem_of(*hierarchy(depth=1).up), what="certificate")


def test_names_without_a_common_name() -> None:
    """A subject without a common name yields an empty one, and messages still have a name for the certificate."""
    nobody = Forged(subject=x509.Name([]))
    assert common_name(nobody.certificate.subject) == ""
    assert display(nobody.certificate).startswith("'(no subject)' (")
    assert common_name(x509.Name([*name("first"), *name("last")])) == "last"


def test_long_subjects_are_cut_in_messages() -> None:
    """A long subject is shortened, so that an error stays on one line."""
    long = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "x" * 64) for _ in range(9)])
    assert len(display(Forged(subject=long).certificate)) < 130
