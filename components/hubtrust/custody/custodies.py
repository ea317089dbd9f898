"""Custody: where a signing key is kept. One table of all custodies, and the reader of the input ``signer`` of every resource that signs.

To add a custody: a module of this folder with its ``StoredKey``; a row in ``CUSTODIES``; a function in ``signer_inputs.py``; for programs,
a class in ``authority_keys.py`` and, for stacks, its keys in ``settings/custody.py``. Tests fail until ``Pulumi.yaml`` and the policy pack
(``policies/rules/__init__.py``) name it too. The documentation is ``docs/custody.md``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from cryptography.hazmat.primitives import hashes

from hubtrust.custody import state
from hubtrust.pki.errors import KeyMismatchError
from hubtrust.pki.keys import KeyAlgorithm, PublicKey, key_thumbprint, load_public_key
from hubtrust.pki.signers import Signer
from hubtrust.reconcile_errors import DeclarationError

STATE, OFFLINE, KEY_VAULT, PKCS11 = "state", "offline", "key-vault", "pkcs11"


class StoredKey(Signer, Protocol):
    """A key in a vault or a token. There is no call to the vault or token until one of these members is used."""

    @property
    def address(self) -> str:
        """The id or URI that was given."""
        ...

    @property
    def reference(self) -> str:
        """The permanent address of this key; in a vault: with the version."""
        ...

    def create(self, algorithm: KeyAlgorithm) -> None:
        """Create the key where there is none."""
        ...

    @property
    def hardware(self) -> bool:
        """Whether the key is known to be in an HSM. One that is declared to be, and is not, is refused."""
        ...

    @property
    def created(self) -> datetime | None:
        """When it was created there, or came there from elsewhere; None where that is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Custody:
    """A row of the table. At most one of ``read`` and ``open`` is set; neither for custody `offline`, whose key can't be used here."""

    fields: tuple[str, ...] = ()  # what the input may have beside `custody`
    address: str = ""  # what the field `key` is, where there is `open`
    read: Callable[[Mapping[str, Any]], Signer] | None = None  # validates the fields; the key is in them
    open: Callable[[Mapping[str, Any]], StoredKey] | None = None  # validates the fields; the key is where they say, and signs there


def _in_key_vault(fields: Mapping[str, Any]) -> StoredKey:
    from hubtrust.custody import key_vault  # azure-core and stamina: loaded only by a process that has a key in a vault

    return key_vault.read(fields)


def _in_token(fields: Mapping[str, Any]) -> StoredKey:
    from hubtrust.custody import pkcs11

    return pkcs11.read(fields)


CUSTODIES: Final[Mapping[str, Custody]] = {
    STATE: Custody(("privateKey", "passphrase"), read=state.read),
    OFFLINE: Custody(),
    KEY_VAULT: Custody(("key", "publicKey", "hsm"), "id", open=_in_key_vault),
    PKCS11: Custody(("key", "publicKey", "pin", "pinVariable"), "PKCS#11 URI", open=_in_token),
}
# The key signs in a vault or token and never leaves it.
STORED_KEY_CUSTODIES: Final = tuple(name for name, custody in CUSTODIES.items() if custody.open)


@dataclass(frozen=True, slots=True)
class DeclaredSigner:
    """The input ``signer``, parsed. ``in_memory`` and ``stored`` are both None for custody `offline`."""

    custody: str
    in_memory: Signer | None = None
    stored: StoredKey | None = None
    public_key: PublicKey | None = None  # of a stored key, where the input gives it

    def signer(self, public_key: PublicKey | None = None) -> Signer | None:
        """The signer; None for custody `offline`, whose key can't sign here.

        There is no call to a vault or token before the first signature. Until then the public key is the one in the input, otherwise
        ``public_key``, that of the certificate. If the stored key turns out to be another one, it signs nothing.

        Raises:
            DeclarationError: the public key of a stored key is not known.
        """
        if self.stored is None:
            return self.in_memory
        expected = self.public_key or public_key
        if expected is None:
            fact = "the key is in a vault or token, and its public key is not known"
            raise DeclarationError("signer", fact, "set publicKey (an output of SigningKey)")
        return StoredKeySigner(self.stored, expected)

    def require_signer(self, remedy: str, public_key: PublicKey | None = None) -> Signer:
        """``signer``, for resources that need one; ``remedy`` says what to do if there is none.

        Raises:
            DeclarationError: the custody is `offline`; or see ``signer``.
        """
        found = self.signer(public_key)
        if found is None:
            raise DeclarationError("signer", f"custody '{self.custody}' can't sign here", remedy)
        return found


def read_signer(value: object) -> DeclaredSigner:
    """Parse the input ``signer``; this makes no call to a vault or a token.

    Raises:
        DeclarationError: see ``custody_of``; or the key, its address or its PIN is missing.
        HubtrustError: the key or its address is invalid.
    """
    name = custody_of(value)
    given: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    row = CUSTODIES[name]
    if row.open is None:
        return DeclaredSigner(name, in_memory=row.read(given) if row.read else None)
    if not given.get("key"):
        raise DeclarationError("signer", f"custody '{name}' needs a key", f"give the key's {row.address}")
    stored = row.open(given)
    public_key = load_public_key(str(given["publicKey"]), what="signer.publicKey") if given.get("publicKey") else None
    return DeclaredSigner(name, stored=stored, public_key=public_key)


def custody_of(signer: object) -> str:
    """The custody that the input ``signer`` names.

    Raises:
        DeclarationError: there is no such custody, or it does not take all of the given fields.
    """
    named = signer.get("custody") if isinstance(signer, Mapping) else None
    if not isinstance(signer, Mapping) or not isinstance(named, str) or named not in CUSTODIES:
        *others, last = CUSTODIES
        raise DeclarationError("signer", f"there is no custody '{named}'", f"use {', '.join(others)} or {last}")
    fields = {"custody", *CUSTODIES[named].fields}
    if unknown := sorted(signer.keys() - fields):
        raise DeclarationError("signer", f"custody '{named}' does not take {', '.join(unknown)}", f"use only {', '.join(sorted(fields))}")
    return named


@dataclass(frozen=True, slots=True)
class StoredKeySigner:
    """A signer with a stored key, which must be the key that belongs to ``public_key``."""

    stored: StoredKey
    public_key: PublicKey

    def sign(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
        """See ``Signer.sign``.

        Raises:
            KeyMismatchError: the key in the vault or token is another one.
            HubtrustError: the vault or token can't be reached or refuses.
        """
        found = self.stored.public_key
        if found != self.public_key:
            stored, expected = key_thumbprint(found)[:16], key_thumbprint(self.public_key)[:16]
            fact = f"the key there is {stored}… and the certificate's own is {expected}…"
            raise KeyMismatchError(
                f"key '{self.stored.address}'", fact, "give the key that belongs to this certificate, in a vault with its version"
            )
        return self.stored.sign(digest, algorithm)
