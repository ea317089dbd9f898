"""Certificate signing requests that come in: the key is the applicant's own, the rest is ours to judge (RFC 2986)."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from hubtrust.pki.certificate import common_name
from hubtrust.pki.errors import PrivateKeyInsideError, RequestError, UnreadableError
from hubtrust.pki.keys import PublicKey, require_strong_key


def load_request(pem: str, *, what: str) -> x509.CertificateSigningRequest:
    """The request in ``pem``.

    Raises:
        PrivateKeyInsideError: there is a private key in it.
        UnreadableError: there is no request in it.
    """
    if "PRIVATE KEY-----" in pem:
        raise PrivateKeyInsideError(what, "there is a private key in it", "give the request alone; the key stays with its owner")
    try:
        return x509.load_pem_x509_csr(pem.encode())
    except ValueError:
        raise UnreadableError(what, "there is no certificate signing request in it", "give PEM text: BEGIN CERTIFICATE REQUEST") from None


def requested_key(request: x509.CertificateSigningRequest, *, what: str, name: str | None = None) -> PublicKey:
    """The key to certify; ``name``, where given, must be the request's common name.

    Raises:
        RequestError: the request is not signed by the key it carries, or is for another name.
        WeakError: see ``require_strong_key``.
    """
    key = require_strong_key(_key(request, what), what=what)
    if not request.is_signature_valid:
        raise RequestError(what, "its signature does not verify with the key it carries", "have the owner of the key make it again")
    asked = common_name(request.subject)
    if name is not None and asked != name:
        raise RequestError(what, f"it is for CN={asked} and CN={name} is declared", "give the request of this device, or declare its name")
    return key


def _key(request: x509.CertificateSigningRequest, what: str) -> object:
    try:
        return request.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise RequestError(what, "its key can't be read", "make it again with an RSA or EC key") from None
