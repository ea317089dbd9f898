"""Custody `pkcs11`: a key in a token or HSM. One login for each process; no PIN is tried when one more mistake would lock the token.

Source: PKCS #11 v3.0 (docs.oasis-open.org/pkcs11), C_Login and the token's flags; RFC 8017 9.2 for RSA's DigestInfo.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from hubtrust.custody.pkcs11_uri import TokenUri
from hubtrust.errors import one_line
from hubtrust.pki.errors import PinError, TokenError
from hubtrust.pki.keys import KeyAlgorithm, PublicKey, require_strong_key
from hubtrust.reconcile_errors import DeclarationError

MODULE_VARIABLE = "PKCS11_MODULE"
_DIGEST_INFO_PREFIX = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
_USER_PIN_FINAL_TRY, _USER_PIN_LOCKED = 0x20000, 0x40000
_LOCK = threading.RLock()  # a module's sessions are not for two threads at once
_SESSIONS: dict[tuple[str, bytes], Any] = {}
_REFUSED: set[tuple[str, bytes]] = set()  # tokens that have refused a PIN in this process
Pin = Callable[[], str]  # called at the login, not before


class KeyInToken:
    """The key that ``uri`` names. Its token is found by label or serial number, in any slot."""

    def __init__(self, uri: TokenUri, pin: Pin) -> None:
        self._uri = uri
        self._pin = pin

    def __repr__(self) -> str:
        return f"KeyInToken({self._uri.text})"

    @property
    def address(self) -> str:
        """The URI as it was given."""
        return self._uri.text

    @property
    def reference(self) -> str:
        """The URI."""
        return self._uri.text

    @property
    def public_key(self) -> PublicKey:
        """The public half, read from the token.

        Raises:
            PinError: see ``_open``.
            TokenError: the module, the token or the key does not exist, or the key is not RSA or EC.
            WeakError: see ``require_strong_key``.
        """
        with _errors_translated(self._uri), self._session() as session:
            return require_strong_key(_public_key(session, self._uri), what=self._uri.what)

    def sign(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
        """The signature over ``digest``, a hash by ``algorithm``: PKCS#1 v1.5 for RSA, DER (r, s) for EC.

        Raises:
            PinError, TokenError: see ``public_key``.
        """
        pkcs11 = _library(self._uri)
        with _errors_translated(self._uri), self._session() as session:
            key = _find(session, self._uri, pkcs11.ObjectClass.PRIVATE_KEY)
            if key.key_type == pkcs11.KeyType.RSA:
                return bytes(key.sign(_DIGEST_INFO_PREFIX[algorithm.name] + digest, mechanism=pkcs11.Mechanism.RSA_PKCS))
            if key.key_type != pkcs11.KeyType.EC:
                raise TokenError(self._uri.what, f"it is of type {key.key_type.name}", "use an RSA or EC key")
            signature = key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA)
        half = len(signature) // 2
        return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))

    @property
    def hardware(self) -> bool:
        """False: a library does not say whether its token is hardware."""
        return False

    @property
    def created(self) -> None:
        """None: PKCS #11 knows from when a key may be used (CKA_START_DATE), not when it was made, and most tokens leave that empty."""
        return

    def create(self, algorithm: KeyAlgorithm) -> None:
        """Create the key in the token if it does not exist. An existing key is kept.

        Raises:
            PinError, TokenError: see ``public_key``.
        """
        pkcs11 = _library(self._uri)
        from pkcs11.util.ec import encode_named_curve_parameters

        with _errors_translated(self._uri), self._session() as session:
            if list(session.get_objects(_template(self._uri, pkcs11.ObjectClass.PRIVATE_KEY))):
                return
            attributes = {"id": self._uri.id, "label": self._uri.label, "store": True}
            with session.token.open(rw=True) as writable:
                if algorithm.curve is None:
                    writable.generate_keypair(pkcs11.KeyType.RSA, algorithm.modulus, **attributes)
                    return
                curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(algorithm.curve.parameters.name)}
                writable.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True).generate_keypair(**attributes)

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """This process's session with the token. After an error that ends a session, the next call opens a new one."""
        pkcs11 = _library(self._uri)
        with _LOCK:
            module = _module(self._uri)
            token = _token(module, self._uri)
            token_id = (module.so, token.serial)
            if token_id not in _SESSIONS:
                _SESSIONS[token_id] = _open(token, token_id, self._uri, self._pin)
            try:
                yield _SESSIONS[token_id]
            except (pkcs11.DeviceRemoved, pkcs11.SessionHandleInvalid, pkcs11.SessionClosed, pkcs11.UserNotLoggedIn):
                del _SESSIONS[token_id]
                raise


def read(fields: Mapping[str, Any]) -> KeyInToken:
    """The key that the field `key` names, with the PIN in `pin` or in the environment variable `pinVariable`; makes no call to the token.

    Raises:
        TokenError: see ``TokenUri.read``.
        DeclarationError: there is not exactly one PIN.
    """
    uri = TokenUri.read(str(fields["key"]))
    if len({"pin", "pinVariable"} & fields.keys()) != 1:
        raise DeclarationError("signer", "custody 'pkcs11' needs exactly one PIN", "give either pin (a secret) or pinVariable")
    return KeyInToken(uri, lambda: _pin(fields))


def _pin(fields: Mapping[str, Any]) -> str:
    if fields.get("pin"):
        return str(fields["pin"])
    name = str(fields.get("pinVariable"))
    if not os.environ.get(name):
        raise PinError("the token's PIN", f"the environment variable {name} is not set", "set it where Pulumi runs")
    return os.environ[name]


def require_tries_left(flags: int, *, what: str) -> None:
    """Refuse to log in if the token is locked, or if one more wrong PIN would lock it.

    Raises:
        PinError: the token is locked, or one more wrong PIN would lock it.
    """
    if flags & _USER_PIN_LOCKED:
        raise PinError(what, "the token is locked: its PIN was wrong too often", "have its security officer unlock it")
    if flags & _USER_PIN_FINAL_TRY:
        fact = "a wrong PIN was entered before and one more mistake would lock the token, so the PIN is not tried"
        raise PinError(what, fact, "log in to the token by hand with the right PIN, which resets the count, then run again")


def _open(token: Any, token_id: tuple[str, bytes], uri: TokenUri, pin: Pin) -> Any:
    import pkcs11

    if token_id in _REFUSED:
        raise PinError(
            uri.what, "the token has already refused the PIN in this run, so it is not tried again", "correct the PIN, then run again"
        )
    require_tries_left(int(token.flags), what=uri.what)
    try:
        return token.open(user_pin=pin())
    except (pkcs11.PinIncorrect, pkcs11.PinLenRange, pkcs11.PinInvalid):
        _REFUSED.add(token_id)
        fact = f"the token '{token.label}' refuses the PIN"
        raise PinError(
            uri.what, fact, "correct the PIN before the next run: it is tried once in each run, and never when only one try is left"
        ) from None
    except pkcs11.PinLocked:
        raise PinError(uri.what, "the token is locked: its PIN was wrong too often", "have its security officer unlock it") from None


def _library(uri: TokenUri) -> ModuleType:
    """python-pkcs11, which is an optional dependency.

    Raises:
        TokenError: it is not installed.
    """
    try:
        import pkcs11
    except ImportError:
        raise TokenError(uri.what, "python-pkcs11 is not installed", "install hubtrust[pkcs11] or python-pkcs11") from None
    return pkcs11


def _module(uri: TokenUri) -> Any:
    path = uri.module_path or os.environ.get(MODULE_VARIABLE)
    if not path:
        raise TokenError(
            uri.what, "the PKCS#11 module is not set", f"add ?module-path=… to the URI, or set {MODULE_VARIABLE} to the library"
        )
    try:
        return _library(uri).lib(path)
    except (RuntimeError, OSError) as error:
        fact = f"the PKCS#11 module '{path}' can't be loaded: {_short(error)}"
        raise TokenError(uri.what, fact, "check the path, and the module's own configuration") from None


def _token(module: Any, uri: TokenUri) -> Any:
    wanted = {"label": uri.token, "manufacturer_id": uri.manufacturer, "model": uri.model}
    tokens = list(module.get_tokens())
    found = [
        token
        for token in tokens
        if all(value in (None, getattr(token, name)) for name, value in wanted.items())
        and uri.serial in (None, bytes(token.serial).decode("ascii", "replace"))
    ]
    if len(found) == 1:
        return found[0]
    labels = ", ".join(sorted(f"'{token.label}'" for token in (found or tokens) if token.label)) or "none"
    if found:
        raise TokenError(uri.what, f"{len(found)} tokens match: {labels}", "add serial=<serial> to the URI")
    raise TokenError(uri.what, f"there is no such token; found: {labels}", "connect it, or use one of the tokens found")


def _template(uri: TokenUri, kind: Any) -> dict[Any, Any]:
    import pkcs11

    names = {pkcs11.Attribute.CLASS: kind, pkcs11.Attribute.LABEL: uri.label, pkcs11.Attribute.ID: uri.id}
    return {name: value for name, value in names.items() if value is not None}


def _find(session: Any, uri: TokenUri, kind: Any) -> Any:
    found = list(session.get_objects(_template(uri, kind)))
    if len(found) == 1:
        return found[0]
    half = kind.name.lower().replace("_", " ")
    if found:
        raise TokenError(uri.what, f"{len(found)} keys match", "add id=<bytes as %01%02> to the URI")
    raise TokenError(
        uri.what, f"there is no such {half} in the token", "check object= and id=; the token must have both keys, private and public"
    )


def _public_key(session: Any, uri: TokenUri) -> object:
    import pkcs11
    from pkcs11.util.ec import encode_ec_public_key

    key = _find(session, uri, pkcs11.ObjectClass.PUBLIC_KEY)
    if key.key_type == pkcs11.KeyType.RSA:
        modulus, exponent = (int.from_bytes(key[name], "big") for name in (pkcs11.Attribute.MODULUS, pkcs11.Attribute.PUBLIC_EXPONENT))
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    if key.key_type == pkcs11.KeyType.EC:
        return serialization.load_der_public_key(encode_ec_public_key(key))
    raise TokenError(uri.what, f"it is of type {key.key_type.name}", "use an RSA or EC key")


@contextmanager
def _errors_translated(uri: TokenUri) -> Iterator[None]:
    """Raise errors of python-pkcs11 as TokenError: their text is mostly empty, so their name is shown."""
    try:
        yield
    except TokenError:
        raise
    except RuntimeError as error:  # the root of python-pkcs11's own, which may not be installed
        raise TokenError(
            uri.what, f"the PKCS#11 module reports {_short(error)}", "check that the token is connected and works, then run again"
        ) from None


def _short(error: BaseException) -> str:
    text = one_line(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
