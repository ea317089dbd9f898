"""Where an authority's keys are when they are not in the state: their addresses in a vault or token, the root's first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from hubtrust import signer_inputs
from hubtrust.authority_errors import AuthorityError
from hubtrust.known_values import when_known

_KEY_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")  # learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates


@dataclass(frozen=True)
class KeyName:
    """Which key of an authority: its label (`root`, `intermediate-1`, …, `issuing`), and how many come before it, from the root down."""

    prefix: str
    """The authority's name and generation, as `plant-g1`."""
    label: str
    """`root`, `intermediate-1` and so on, or `issuing`."""
    place: int
    """0 for the root's, or for the only key."""

    def __str__(self) -> str:
        return f"{self.prefix}-{self.label}"


@dataclass(frozen=True, kw_only=True)
class InKeyVault:
    """Keys in Azure Key Vault or Managed HSM: their ids, or a vault in which they are named for the authority."""

    keys: Sequence[pulumi.Input[str]] | None = None
    """Their ids, ``https://<vault>.vault.azure.net/keys/<name>[/<version>]``, each an Input: the root's first, the issuing CA's last; of an
    imported or requested CA only that one. How many there are is plain."""
    vault: pulumi.Input[str] | None = None
    """Instead of ``keys``: the vault's URI, ``https://<vault>.vault.azure.net``. The keys are called `<authority>-g<generation>-root`,
    `…-intermediate-1` and `…-issuing` there. Not for an imported CA, whose key has a name already."""

    def signer(self, name: KeyName) -> Mapping[str, Any]:
        """The input ``signer`` of this key."""
        if self.vault is None:
            return signer_inputs.in_key_vault((self.keys or ())[name.place])
        return signer_inputs.in_key_vault(when_known(AuthorityError, lambda uri: _key_in(uri, str(name)), self.vault))

    @property
    def names_keys(self) -> bool:
        """Whether the keys are named for the authority, so that every generation has its own."""
        return self.vault is not None


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
        """The input ``signer`` of this key."""
        pin = None if self.pin is None else pulumi.Output.secret(self.pin)
        return signer_inputs.in_token(self.keys[name.place], pin=pin, pin_variable=self.pin_variable)

    @property
    def names_keys(self) -> bool:
        """Whether the keys are named for the authority: a token's have their addresses."""
        return False


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


def _key_in(vault: str, name: str) -> str:
    if not _KEY_NAME.fullmatch(name):
        fact = f"the key would be called '{name}', and Key Vault takes letters, digits and hyphens, at most 127"
        raise AuthorityError(f"vault '{vault}'", fact, "give the authority such a name, or name the keys (keys=…)")
    return f"{vault.rstrip('/')}/keys/{name}"
