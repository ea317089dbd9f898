"""Where an authority's keys are when they are not in the state: their addresses in a vault or token, the root's first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pulumi

from hubtrust import signer_inputs
from hubtrust.authority_errors import AuthorityError
from hubtrust.authority_readers import kind, read_text
from hubtrust.custody.custodies import KEY_VAULT, PKCS11, read_signer
from hubtrust.known_values import computed, is_plain

if TYPE_CHECKING:
    from hubtrust.authority_vault import AuthorityVault

_KEY_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")  # learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
_ADDRESSES = "the addresses of the CA's keys"


@dataclass(frozen=True)
class KeyName:
    """Which key of an authority it is."""

    prefix: str
    """The authority's name and generation, as `plant-g1`."""
    label: str
    """`root`, `intermediate-1` and so on, or `issuing`."""
    place: int
    """How many keys come before it, from the root down."""

    def __str__(self) -> str:
        return f"{self.prefix}-{self.label}"


@dataclass(frozen=True, kw_only=True)
class InKeyVault:
    """Keys in Azure Key Vault or Managed HSM: their ids, or a vault in which they are named for the authority."""

    keys: Sequence[pulumi.Input[str]] | None = None
    """Their ids, ``https://<vault>.vault.azure.net/keys/<name>[/<version>]``, each an Input: the root's first, the issuing CA's last; of an
    imported or requested CA only that one. How many there are is plain."""
    vault: "AuthorityVault | pulumi.Input[str] | None" = None
    """Instead of ``keys``: an AuthorityVault, or a vault's URI, ``https://<vault>.vault.azure.net``. The keys are called
    `<authority>-g<generation>-root`, `…-intermediate-1` and `…-issuing` there. Not for an imported CA, whose key has a name already."""
    hsm: bool = False
    """Keys that are made are made in the vault's HSM, which needs a premium vault; an existing software key is refused. Plain.
    An AuthorityVault says it itself."""

    def signer(self, name: KeyName) -> Mapping[str, Any]:
        """The input ``signer`` of this key.

        Raises:
            AuthorityError: its address is plain and not valid.
        """
        if self.vault is None:
            return signer_inputs.in_key_vault(computed(AuthorityError, _read_key_id, (self.keys or ())[name.place]), hsm=self.hsm)
        _require_key_name(name)
        uri, hsm = _used(self.vault, hsm=self.hsm)
        return signer_inputs.in_key_vault(computed(AuthorityError, partial(_key_in, name), uri), hsm=hsm)

    @property
    def names_keys(self) -> bool:
        """Whether the keys are named for the authority, so that every generation has its own."""
        return self.vault is not None

    def require_valid(self) -> None:
        """Check that there are keys or a vault, and what is plain of them.

        Raises:
            AuthorityError: it is not so.
        """
        if (self.keys is None) == (self.vault is None):
            fact = "neither keys nor vault is given" if self.vault is None else "keys and vault are both given"
            raise AuthorityError("InKeyVault", fact, "give one of them")
        if not isinstance(self.hsm, bool):
            fact = "it is an Output" if not is_plain(self.hsm) else kind(self.hsm)
            raise AuthorityError("hsm", f"{fact}; it decides how keys are made", "give True or False")
        if self.keys is not None:
            _require_addresses(self.keys, _read_key_id)


@dataclass(frozen=True, kw_only=True)
class InToken:
    """Keys in PKCS#11 tokens, each by its URI (RFC 7512), with one of the two PINs."""

    keys: Sequence[pulumi.Input[str]]
    """Their URIs, ``pkcs11:token=…;object=…?module-path=…``, each an Input, in the order of ``InKeyVault.keys``. How many is plain."""
    pin: pulumi.Input[str] | None = field(default=None, repr=False)
    """The PIN; it becomes a secret in the state."""
    pin_variable: pulumi.Input[str] | None = None
    """Instead of ``pin``: the name of the environment variable that has the PIN where Pulumi runs."""

    def signer(self, name: KeyName) -> Mapping[str, Any]:
        """The input ``signer`` of this key.

        Raises:
            AuthorityError: its address or its PIN is plain and not valid.
        """
        pin = None if self.pin is None else pulumi.Output.secret(computed(AuthorityError, _read_pin, self.pin))
        variable = None if self.pin_variable is None else computed(AuthorityError, _read_variable, self.pin_variable)
        return signer_inputs.in_token(computed(AuthorityError, _read_uri, self.keys[name.place]), pin=pin, pin_variable=variable)

    @property
    def names_keys(self) -> bool:
        """Whether the keys are named for the authority: a token's have their addresses."""
        return False

    def require_valid(self) -> None:
        """Check that there is one PIN, and what is plain of the keys and the PIN.

        Raises:
            AuthorityError: it is not so.
        """
        if (self.pin is None) == (self.pin_variable is None):
            fact = "no PIN is given" if self.pin is None else "two PINs are given"
            raise AuthorityError("InToken", fact, "give one of pin and pin_variable")
        for value, read in ((self.pin, _read_pin), (self.pin_variable, _read_variable)):
            if value is not None and is_plain(value):
                read(value)
        _require_addresses(self.keys, _read_uri)


StoredKeys = InKeyVault | InToken


@dataclass(frozen=True)
class AuthorityKey:
    """A key of an authority: its public half, and the signer that has the private half."""

    public_key: pulumi.Input[str]
    """PEM."""
    signer: Mapping[str, Any]
    """The input ``signer`` of resources that sign with it."""

    @classmethod
    def elsewhere(cls, declared: Mapping[str, Any], reference: pulumi.Input[str], public_key: pulumi.Input[str]) -> "AuthorityKey":
        """A key of a SigningKey, by its permanent address and its public half."""
        return cls(public_key, {**declared, "key": reference, "publicKey": public_key})


_read_pin = read_text("pin", "give the token's PIN as a text, in quotes")
_read_variable = read_text("pin_variable", "give the name of the environment variable that has the PIN")


def _read_key_id(value: object) -> str:
    text = read_text("a key's address", "give the key's id in the vault")(value)
    with AuthorityError.told():
        read_signer({"custody": KEY_VAULT, "key": text})
    return text


def _read_uri(value: object) -> str:
    text = read_text("a key's address", "give the key's PKCS#11 URI")(value)
    with AuthorityError.told():
        read_signer({"custody": PKCS11, "key": text, "pinVariable": "PIN"})
    return text


def _require_addresses(keys: object, read: Any) -> None:
    if not isinstance(keys, list | tuple):
        fact = "they are an Output, and their number decides which resources there are" if not is_plain(keys) else kind(keys)
        raise AuthorityError(_ADDRESSES, fact, "give a list, whose members may be Outputs")
    for key in keys:
        if is_plain(key):
            read(key)


def _require_key_name(name: KeyName) -> None:
    if not _KEY_NAME.fullmatch(str(name)):
        fact = f"a key in its vault would be called '{name}', and Key Vault takes letters, digits and hyphens, at most 127"
        raise AuthorityError(f"authority '{name.prefix}'", fact, "give the authority such a name, or give its keys' ids (keys=…)")


def _key_in(name: KeyName, vault: object) -> str:
    uri = read_text("vault", "give the vault's URI")(vault).rstrip("/")
    try:
        _read_key_id(f"{uri}/keys/{name}")
    except AuthorityError:
        raise AuthorityError(f"vault '{uri}'", "it is not the URI of a vault", "write it as https://<vault>.vault.azure.net") from None
    return f"{uri}/keys/{name}"


def _used(vault: Any, *, hsm: bool) -> tuple[pulumi.Input[str], bool]:
    """A vault's URI, and whether keys are made in its HSM."""
    if not isinstance(vault, pulumi.Resource):
        return vault, hsm
    from hubtrust.authority_vault import AuthorityVault  # with a vault of a program, it is loaded already

    if not isinstance(vault, AuthorityVault):
        fact = f"it is of type {type(vault).__name__}"
        raise AuthorityError("the vault", fact, "give an AuthorityVault, or a vault's URI, https://<vault>.vault.azure.net")
    return vault.uri, vault.hsm or hsm
