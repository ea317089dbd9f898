"""Where an authority's keys are, when they are not in the state: addresses in a vault or a token, from the root down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from hubtrust.custody import custodies as custody


@dataclass(frozen=True, kw_only=True)
class InKeyVault:
    """Keys in Azure Key Vault or Managed HSM, each by its id: ``https://<vault>.vault.azure.net/keys/<name>[/<version>]``."""

    keys: Sequence[str]  # from the root down, the issuing authority's last; imported or requested: that one alone

    def signer(self, place: int) -> Mapping[str, Any]:
        """The input ``signer`` of the key in that place."""
        return custody.in_key_vault(self.keys[place])


@dataclass(frozen=True, kw_only=True)
class InToken:
    """Keys in PKCS#11 tokens, each by its URI (RFC 7512): ``pkcs11:token=…;object=…?module-path=…``; one PIN, given in one way."""

    keys: Sequence[str]  # as in ``InKeyVault``
    pin: str | None = None  # made a secret here
    pin_variable: str | None = None  # the environment variable that holds it where Pulumi runs

    def signer(self, place: int) -> Mapping[str, Any]:
        """The input ``signer`` of the key in that place."""
        pin = pulumi.Output.secret(self.pin) if self.pin else None
        return custody.in_token(self.keys[place], pin=pin, pin_variable=self.pin_variable)


Elsewhere = InKeyVault | InToken


@dataclass(frozen=True)
class AuthorityKey:
    """One key of an authority: its public half, and what signs with it."""

    public_key: pulumi.Input[str]  # PEM
    signer: Mapping[str, Any]

    @classmethod
    def elsewhere(cls, declared: Mapping[str, Any], reference: pulumi.Input[str], public_key: pulumi.Input[str]) -> "AuthorityKey":
        """A key that was looked up: from then on by the address that stays, and by its public half."""
        return cls(public_key, {**declared, "key": reference, "publicKey": public_key})
