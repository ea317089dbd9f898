"""Certificate signing requests (RFC 2986): after validation, only their key and common name are used."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from hubtrust.pki.certificate import common_name
from hubtrust.pki.errors import PrivateKeyInsideError, RequestError, UnreadableError
from hubtrust.pki.keys import PublicKey, require_strong_key


def load_request(pem: str, *, what: str) -> x509.CertificateSigningRequest:
    """The request in ``pem``.

    Raises:
        PrivateKeyInsideError: it contains a private key.
        UnreadableError: it contains no request.
    """
    if "PRIVATE KEY-----" in pem:
        raise PrivateKeyInsideError(what, "it contains a private key", "give only the request; the key stays with its owner")
    try:
        return x509.load_pem_x509_csr(pem.encode())
    except ValueError:
        raise UnreadableError(
            what, "it contains no certificate signing request", "give PEM text that begins with BEGIN CERTIFICATE REQUEST"
        ) from None


def requested_key(request: x509.CertificateSigningRequest, *, what: str, name: str | None = None) -> PublicKey:
    """The key to certify. If ``name`` is given, it must be the request's common name.

    Raises:
        RequestError: the signature is not by the key in the request, or the request is for another name.
        WeakError: see ``require_strong_key``.
    """
    key = require_strong_key(_key(request, what), what=what)
    if not request.is_signature_valid:
        raise RequestError(what, "its signature does not verify with the key in it", "create the request again with its own key")
    requested = common_name(request.subject)
    if name is not None and requested != name:
        raise RequestError(
            what,
            f"its common name is '{requested}', but the device is '{name}'",
            "give the request of this device, or correct the device id",
        )
    return key


def _key(request: x509.CertificateSigningRequest, what: str) -> object:
    try:
        return request.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise RequestError(what, "its key can't be read", "create the request again with an RSA or EC key") from None
