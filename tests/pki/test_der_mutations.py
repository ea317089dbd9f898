"""The kit that changes certificates and requests: what it signs is well formed where the change is, and verifies."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.kit import der
from tests.kit.authorities import ec_key, name
from tests.kit.certificate_shapes import CertificateShape, RequestShape
from tests.kit.der_mutations import CERTIFICATE_CHANGES, REQUEST_CHANGES
from tests.kit.device_certificates import Party

ROOT = Party("Trial root")
DEVICE = ROOT.device("press-001").certificate.public_bytes(Encoding.DER)
KEY = ec_key()
_BUILDER = x509.CertificateSigningRequestBuilder().subject_name(name("press-001"))
_ASKING = _BUILDER.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
REQUEST = _ASKING.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def _checked(changed: bytes, key: ec.EllipticCurvePrivateKey) -> list[bytes]:
    """What there is apart from the signature, once that is found to be good."""
    whole, *after = der.split(changed)
    signed, algorithm, signature = der.children(whole)
    key.public_key().verify(der.content(signature)[1:], signed, ec.ECDSA(hashes.SHA256()))
    return [signed, algorithm, *after]


def test_a_certificate_is_taken_apart_and_put_together() -> None:
    """Nothing changed: the same TBSCertificate and the same request."""
    assert _checked(CertificateShape.of(DEVICE).signed(ROOT.key), ROOT.key) == _checked(DEVICE, ROOT.key)
    assert _checked(RequestShape.of(REQUEST).signed(KEY), KEY) == _checked(REQUEST, KEY)


@pytest.mark.parametrize("label", CERTIFICATE_CHANGES)
def test_a_changed_certificate_differs_and_its_signature_is_good(label: str) -> None:
    """Whatever is changed."""
    assert _checked(CERTIFICATE_CHANGES[label](CertificateShape.of(DEVICE)).signed(ROOT.key), ROOT.key) != _checked(DEVICE, ROOT.key)


@pytest.mark.parametrize("label", REQUEST_CHANGES)
def test_a_changed_request_differs_and_its_signature_is_good(label: str) -> None:
    """Whatever is changed."""
    assert _checked(REQUEST_CHANGES[label](RequestShape.of(REQUEST)).signed(KEY), KEY) != _checked(REQUEST, KEY)
