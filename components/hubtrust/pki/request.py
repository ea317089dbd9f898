"""Certificate signing requests (RFC 2986): after validation, only their key and common name are used."""

from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from hubtrust.pki.certificate import common_name
from hubtrust.pki.errors import PrivateKeyInsideError, RequestError, UnreadableError
from hubtrust.pki.key_encoding import require_usable_key
from hubtrust.pki.keys import PublicKey, require_strong_key
from hubtrust.pki.verification_code import require_no_code


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
        RequestError: the signature is not by the key in the request, or the request is for another name, or for several.
        KeyEncodingError: see ``require_usable_key``.
        VerificationCodeError: one of its names has the form of a verification code.
        WeakError: see ``require_strong_key``.
    """
    key = require_strong_key(_key(request, what), what=what)
    require_usable_key(request, what=what)
    if not request.is_signature_valid:
        raise RequestError(what, "its signature does not verify with the key in it", "create the request again with its own key")
    for asked in _names(request):
        require_no_code(asked, what=what, field="a name in it")
    if len(several := request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)) > 1:
        raise RequestError(what, f"it has {len(several)} common names", "create it again with one: the device's id")
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


def _names(request: x509.CertificateSigningRequest) -> Iterable[str]:
    """The common names and alternative names that are asked for. Alternative names that can't be read are not used, and not refused."""
    yield from (str(attribute.value) for attribute in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
    try:
        alternative = list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError, TypeError):
        return
    for general in alternative:
        if isinstance(general, x509.DirectoryName):
            yield from (str(attribute.value) for attribute in general.value.get_attributes_for_oid(NameOID.COMMON_NAME))
        elif isinstance(general, x509.DNSName | x509.UniformResourceIdentifier | x509.RFC822Name):
            yield general.value
