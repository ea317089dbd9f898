"""Certificate signing requests from devices and from outside."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from hubtrust.pki import errors
from hubtrust.pki.request import load_request, requested_key
from tests.kit.authorities import ec_key, name, private_pem, rsa_key


def pem_request(key: object, subject: str = "press-001") -> str:
    created = x509.CertificateSigningRequestBuilder().subject_name(name(subject)).sign(key, hashes.SHA256())  # type: ignore[arg-type]
    return created.public_bytes(serialization.Encoding.PEM).decode()


def test_the_key_comes_from_the_request() -> None:
    """The key of a valid request is returned, for the declared name or for any name."""
    key = ec_key()
    request = load_request(pem_request(key), what="request")
    assert requested_key(request, what="request", name="press-001") == key.public_key()
    assert requested_key(request, what="request") == key.public_key()


def test_another_name_is_refused() -> None:
    """The request of another device is refused, and the error has both names."""
    request = load_request(pem_request(ec_key(), "press-002"), what="request")
    with pytest.raises(errors.RequestError, match="its common name is 'press-002', but the device is 'press-001'"):
        requested_key(request, what="request", name="press-001")


def test_a_weak_key_is_refused() -> None:
    """A request for an RSA key of 1024 bits is refused."""
    with pytest.raises(errors.WeakError, match="1024 bits"):
        requested_key(load_request(pem_request(rsa_key(1024)), what="request"), what="request")


def test_a_broken_signature_is_refused() -> None:
    """A request that was changed after signing is refused: it does not prove possession of its key."""
    import base64

    der = bytearray(load_request(pem_request(ec_key()), what="r").der)
    der[-1] ^= 1
    text = f"-----BEGIN CERTIFICATE REQUEST-----\n{base64.b64encode(bytes(der)).decode()}\n-----END CERTIFICATE REQUEST-----\n"
    with pytest.raises(errors.RequestError, match="its signature does not verify with the key in it"):
        requested_key(load_request(text, what="r"), what="r")


def test_an_unknown_key_is_refused() -> None:
    """A request whose key can't be read is refused."""
    import base64

    der = load_request(pem_request(ec_key()), what="r").der
    odd = der.replace(bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0209"))
    text = f"-----BEGIN CERTIFICATE REQUEST-----\n{base64.b64encode(odd).decode()}\n-----END CERTIFICATE REQUEST-----\n"
    with pytest.raises(errors.WeakError, match=r"its key is of the algorithm 1\.2\.840\.10045\.2\.9"):
        requested_key(load_request(text, what="r"), what="r")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "it is empty"),
        ("noise", "it contains no certificate, key or request"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "1 octets follow its end"),
    ],
)
def test_invalid_requests_are_refused(text: str, match: str) -> None:
    """Empty text and text that is not a request are refused."""
    with pytest.raises(errors.UnreadableError, match=match):
        load_request(text, what="request")


def test_a_private_key_is_refused() -> None:
    """A request with a private key in the same text is refused before it is parsed."""
    key = ec_key()
    with pytest.raises(errors.PrivateKeyInsideError, match="the key stays with its owner"):
        load_request(pem_request(key) + private_pem(key), what="request")
