"""Certificate signing requests (RFC 2986): after validation, only their key and common name are used."""

from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from hubtrust.pki import contents, encodings, readable
from hubtrust.pki.errors import PkiError, PrivateKeyInsideError, ProfileError, RequestError, UnreadableError, WeakError
from hubtrust.pki.keys import PublicKey, require_strong_key
from hubtrust.pki.names import common_names
from hubtrust.pki.pem import CERTIFICATE, REQUEST, Block, blocks
from hubtrust.pki.signed import Signed
from hubtrust.pki.verification_code import require_no_code

_GIVE = "give only the request, as PEM (it begins with BEGIN CERTIFICATE REQUEST), or as base64 of DER"
_MOST_NAMED = 5  # characters
_SHOWN_LABELS = {CERTIFICATE: "certificate", "PUBLIC KEY": "public key"}  # of what is given in place of a request


class CertificateRequest(Signed):
    """A request as it was given, of any version: OpenSSL reads all, and RFC 2986 only knows version 1."""

    __slots__ = ()
    _parsed: x509.CertificateSigningRequest
    noun = "request"

    @staticmethod
    def _parse(encoding: bytes) -> x509.CertificateSigningRequest:
        found = x509.load_der_x509_csr(encoding)
        readable.require_texts(found.subject)
        return found

    @classmethod
    def of(cls, request: x509.CertificateSigningRequest) -> "CertificateRequest":
        """A request that `cryptography` made."""
        return cls(request.public_bytes(serialization.Encoding.DER), what="the request")

    @property
    def shown(self) -> str:
        """What it is called in messages."""
        return f"the request for '{self.subject.rfc4514_string()}'"

    @property
    def pem(self) -> str:
        """The request as PEM."""
        return Block(REQUEST, self.der).text


def load_request(text: str | bytes, *, what: str) -> CertificateRequest:
    """The only request in ``text``, in any encoding that ``encodings.read`` knows.

    Raises:
        PrivateKeyInsideError: it contains a private key.
        UnreadableError: it contains no request, several, or something else.
    """
    found = load_requests(text, what=what)
    if len(found) > 1:
        raise UnreadableError(what, f"it contains {len(found)} requests", "give exactly one")
    return found[0]


def load_requests(text: str | bytes, *, what: str) -> list[CertificateRequest]:
    """Every request in ``text``, in its order, in any encoding. EC parameters before a request, as OpenSSL writes them, are passed over.

    Raises:
        PrivateKeyInsideError: it contains a private key.
        UnreadableError: it contains no request, a damaged one, or something else.
    """
    try:
        found = [block for block in encodings.read(text, what=what).blocks if not block.is_parameters]
    except UnreadableError as error:
        _require_no_cmc(text, what)
        raise UnreadableError(what, error.fact, _GIVE if "PKCS#7" in error.remedy else error.remedy) from None
    if any(block.is_private_key for block in found):
        raise PrivateKeyInsideError(what, "it contains a private key", "give only the request; the key stays with its owner")
    if other := next((block.label for block in found if block.label != REQUEST), None):
        _require_no_cmc(text, what)
        fact = f"it contains a {_SHOWN_LABELS.get(other, other)}, which is not a request"
        raise UnreadableError(what, fact, _GIVE)
    if not found:
        raise UnreadableError(what, "it contains no certificate signing request", _GIVE)
    if len(found) == 1:
        return [CertificateRequest(found[0].content, what=what)]
    return [CertificateRequest(block.content, what=f"{what}, request {number}") for number, block in enumerate(found, 1)]


def _require_no_cmc(given: str | bytes, what: str) -> None:
    """Refuse what `certreq` writes for some templates of Active Directory: a request inside signed data, under the label of a request."""
    text = given if isinstance(given, str) else encodings.decoded(given)
    if any(block.label == REQUEST and contents.label_of(block.content) == contents.PKCS7 for block in blocks(text, what=what)):
        fact = "it is a request of the form CMC (RFC 5272), in PKCS#7"
        raise UnreadableError(what, fact, "have it created again as PKCS#10 (certreq: RequestType = PKCS10)")


def requested_key(request: CertificateRequest, *, what: str, name: str | None = None) -> PublicKey:
    """The key to certify. If ``name`` is given, it must be the request's common name.

    Raises:
        RequestError: the signature is not by the key in the request, or the request is for another name, or for several.
        KeyEncodingError: see ``require_usable_key``.
        VerificationCodeError: one of its names has the form of a verification code.
        WeakError: see ``require_strong_key``; or it is signed with SHA-1.
    """
    try:
        key = require_strong_key(request.public_key(), what=what)
        request.require_usable_key()
    except PkiError as error:
        remedy = "have it created again with a new key: RSA of 2048 bits or more, or EC on P-256, P-384 or P-521"
        raise type(error)(what, error.fact, remedy) from None
    _require_signature(request, key, what)
    for asked in _names(request):
        require_no_code(asked, what=what, field="a name in it")
    if len(names := common_names(request.subject)) > 1:
        raise RequestError(what, f"it has {len(names)} common names", "create it again with one")
    if name is not None and names != [name]:
        fact = f"its common name is {_shown(names[0])}" if names else "it has no common name"
        raise RequestError(what, f"{fact}, but the device is '{name}'", "give the request of this device, or correct the device id")
    return key


def _shown(name: str) -> str:
    """A common name; letters of other alphabets look like ours, so they are named by their numbers too."""
    others = dict.fromkeys(f"U+{ord(char):04X}" for char in name if not char.isascii() and char.isprintable())
    return f"'{name}'{' (with ' + ', '.join(list(others)[:_MOST_NAMED]) + ')' if others else ''}"


def _require_signature(request: CertificateRequest, key: PublicKey, what: str) -> None:
    if request.is_weakly_signed:
        fact = f"it is signed with {request.signature_algorithm}, which is too weak"
        raise WeakError(what, fact, "create the request again, signed with SHA-256")
    match request.is_signed_by(key):
        case False:
            raise RequestError(what, "its signature does not verify with the key in it", "create the request again with its own key")
        case None:
            fact = f"its signature algorithm {request.signature_algorithm} is not supported"
            raise RequestError(what, fact, "create the request again, signed with SHA-256")


def _names(request: CertificateRequest) -> Iterable[str]:
    """The common names and alternative names that are asked for. Alternative names that can't be read are not used, and not refused."""
    yield from common_names(request.subject)
    try:
        alternative = list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (x509.ExtensionNotFound, ProfileError):
        return
    for general in alternative:
        if isinstance(general, x509.DirectoryName):
            yield from common_names(general.value)
        elif isinstance(general, x509.DNSName | x509.UniformResourceIdentifier | x509.RFC822Name):
            yield general.value
