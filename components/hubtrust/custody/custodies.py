"""Where a signing key is, as an input says it: one schema for every resource that signs."""

import os
import threading
from collections.abc import Mapping
from typing import Any, Protocol

from cryptography.hazmat.primitives import hashes
from pulumi import Input

from hubtrust.azure.login import login
from hubtrust.custody.key_vault import KeyId, KeyInVault
from hubtrust.custody.pkcs11 import KeyInToken
from hubtrust.custody.pkcs11_uri import TokenUri
from hubtrust.pki.errors import KeyMismatchError, PinError
from hubtrust.pki.keys import KeyAlgorithm, PublicKey, key_thumbprint, load_private_key, load_public_key
from hubtrust.pki.signers import KeyInMemory, Signer
from hubtrust.reconcile_errors import DeclarationError

STATE, OFFLINE, KEY_VAULT, PKCS11 = "state", "offline", "key-vault", "pkcs11"
ELSEWHERE = (KEY_VAULT, PKCS11)  # the key signs for us and stays where it is
_FIELDS = {
    STATE: {"custody", "privateKey", "passphrase"},
    OFFLINE: {"custody"},
    KEY_VAULT: {"custody", "key", "publicKey"},
    PKCS11: {"custody", "key", "publicKey", "pin", "pinVariable"},
}


def in_state(private_key: Input[str], passphrase: Input[str] | None = None) -> dict[str, Any]:
    """The input ``signer`` for a key (PEM, encrypted or not) that lives as an encrypted secret in the state."""
    return {"custody": STATE, "privateKey": private_key} | ({"passphrase": passphrase} if passphrase is not None else {})


def offline() -> dict[str, Any]:
    """The input ``signer`` for a key that no machine of ours ever holds: proofs are made elsewhere and come in as inputs."""
    return {"custody": OFFLINE}


def in_key_vault(key: Input[str], *, public_key: Input[str] | None = None) -> dict[str, Any]:
    """The input ``signer`` for a key in Azure Key Vault, by its id: ``https://<vault>.vault.azure.net/keys/<name>/<version>``.

    ``public_key`` (PEM) is needed where no certificate tells it: to issue a root.
    """
    return _given({"custody": KEY_VAULT, "key": key, "publicKey": public_key})


def in_token(
    key: Input[str], *, pin: Input[str] | None = None, pin_variable: Input[str] | None = None, public_key: Input[str] | None = None
) -> dict[str, Any]:
    """The input ``signer`` for a key in a PKCS#11 token, by its URI (RFC 7512): ``pkcs11:token=…;object=…?module-path=…``.

    The PIN is a secret, or stands in the environment variable ``pin_variable`` of the machine that runs Pulumi.
    """
    return _given({"custody": PKCS11, "key": key, "pin": pin, "pinVariable": pin_variable, "publicKey": public_key})


def custody_of(signer: object) -> str:
    """The custody that the input names.

    Raises:
        DeclarationError: there is no such custody, or a field that it does not have.
    """
    if not isinstance(signer, Mapping) or signer.get("custody") not in _FIELDS:
        named = signer.get("custody") if isinstance(signer, Mapping) else None
        raise DeclarationError("signer", f"there is no custody '{named}'", f"use {', '.join(list(_FIELDS)[:-1])} or {PKCS11}")
    custody = str(signer["custody"])
    if strays := sorted(signer.keys() - _FIELDS[custody]):
        raise DeclarationError("signer", f"custody '{custody}' has no {', '.join(strays)}", f"give {', '.join(sorted(_FIELDS[custody]))}")
    return custody


def require_signer(signer: object) -> None:
    """Judge the input by itself; nothing is asked of a vault or a token.

    Raises:
        DeclarationError: see ``custody_of``, or the key, its address or its PIN is missing.
        HubtrustError: the key or its address is no good.
    """
    custody = custody_of(signer)
    fields: Mapping[str, Any] = signer if isinstance(signer, Mapping) else {}
    if custody == STATE:
        _key_in_state(fields)
    if custody in ELSEWHERE:
        if not fields.get("key"):
            raise DeclarationError("signer", f"custody '{custody}' and no key", "give the key's id (key-vault) or PKCS#11 URI (pkcs11)")
        KeyId.read(str(fields["key"])) if custody == KEY_VAULT else TokenUri.read(str(fields["key"]))
        _declared_key(fields)
    if custody == PKCS11 and len({"pin", "pinVariable"} & fields.keys()) != 1:
        raise DeclarationError("signer", "custody 'pkcs11' has one PIN", "give pin (a secret) or pinVariable, one of them")


def signer_from(signer: object, *, public_key: PublicKey | None = None) -> Signer | None:
    """What signs; None where nothing here can (`offline`, or no signer at all).

    A key elsewhere is asked for nothing before the first signature: until then ``public_key`` (the certificate's own), or the one
    that the input names, stands for it; a signature by any other key is refused.

    Raises:
        DeclarationError: see ``require_signer``; or the public key is not known here.
        HubtrustError: the key is no good.
    """
    if signer is None or custody_of(signer) == OFFLINE or not isinstance(signer, Mapping):
        return None
    if signer["custody"] == STATE:
        return _key_in_state(signer)
    require_signer(signer)
    expected = _declared_key(signer) or public_key
    if expected is None:
        raise DeclarationError("signer", "the key is elsewhere and its public half is not known", "give publicKey (see SigningKey)")
    return KeyElsewhere(signer, expected)


class Holder(Signer, Protocol):
    """A vault's or a token's side of a key."""

    @property
    def reference(self) -> str:
        """Which key it is, for good."""
        ...

    def make(self, algorithm: KeyAlgorithm) -> None:
        """Make it, where there is none."""
        ...


class KeyElsewhere:
    """The key ``public_key``, held where ``signer`` says."""

    def __init__(self, signer: Mapping[str, Any], public_key: PublicKey) -> None:
        self._signer = signer
        self.public_key = public_key

    def __repr__(self) -> str:
        return f"KeyElsewhere({self._signer['custody']}, {self._signer['key']})"

    def sign(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
        """See ``Signer.sign``.

        Raises:
            KeyMismatchError: the key there is another one.
            HubtrustError: what the vault or the token objects to.
        """
        held = holder(self._signer)
        if held.public_key != self.public_key:
            there, ours = key_thumbprint(held.public_key)[:16], key_thumbprint(self.public_key)[:16]
            fact = f"the key there is {there}… and the certificate's own is {ours}…"
            raise KeyMismatchError(f"key '{self._signer['key']}'", fact, "name the key, with its version, that belongs to this certificate")
        return held.sign(digest, algorithm)


_HELD: dict[tuple[str, ...], Holder] = {}  # a process lives for one run: one connection and one login each
_GUARD = threading.Lock()


def holder(signer: Mapping[str, Any]) -> Holder:
    """The vault's or token's side of the key; asks nothing yet."""
    with _GUARD:
        place = tuple(str(signer.get(name) or "") for name in ("custody", "key", "pin", "pinVariable"))
        if place not in _HELD:
            _HELD[place] = _holder(signer)
        return _HELD[place]


def _holder(signer: Mapping[str, Any]) -> Holder:
    if signer["custody"] == KEY_VAULT:
        key_id = KeyId.read(str(signer["key"]))
        return KeyInVault(key_id, login(key_id.cloud, os.environ))
    return KeyInToken(TokenUri.read(str(signer["key"])), lambda: _pin(signer))


def _pin(signer: Mapping[str, Any]) -> str:
    if signer.get("pin"):
        return str(signer["pin"])
    name = str(signer.get("pinVariable"))
    if not os.environ.get(name):
        raise PinError("the token's PIN", f"the environment variable {name} is not set here", "set it where Pulumi runs")
    return os.environ[name]


def _key_in_state(signer: Mapping[str, Any]) -> KeyInMemory:
    if not signer.get("privateKey"):
        raise DeclarationError("signer", "custody 'state' and no privateKey", "give the key's PEM as a secret, or another custody")
    return KeyInMemory(load_private_key(str(signer["privateKey"]), what="signer.privateKey", passphrase=signer.get("passphrase")))


def _declared_key(signer: Mapping[str, Any]) -> PublicKey | None:
    return load_public_key(str(signer["publicKey"]), what="signer.publicKey") if signer.get("publicKey") else None


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
