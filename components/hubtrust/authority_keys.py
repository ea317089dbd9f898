"""Where an authority's keys are when they are not in the state: their addresses in a vault or token, the root's first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from hubtrust import signer_inputs


@dataclass(frozen=True, kw_only=True)
class InKeyVault:
    """Keys in Azure Key Vault or Managed HSM, each by its id: ``https://<vault>.vault.azure.net/keys/<name>[/<version>]``."""

    keys: Sequence[str]  # the root's first, the issuing CA's last; of an imported or requested CA only that one

    def signer(self, index: int) -> Mapping[str, Any]:
        """The input ``signer`` of the key with this ``index`` (0 is the root's)."""
        return signer_inputs.in_key_vault(self.keys[index])


@dataclass(frozen=True, kw_only=True)
class InToken:
    """Keys in PKCS#11 tokens, each by its URI (RFC 7512): ``pkcs11:token=…;object=…?module-path=…``; with one of the two PINs."""

    keys: Sequence[str]  # as in ``InKeyVault``
    pin: str | None = None  # becomes a secret in the state
    pin_variable: str | None = None  # the name of the environment variable that has the PIN where Pulumi runs

    def signer(self, index: int) -> Mapping[str, Any]:
        """The input ``signer`` of the key with this ``index`` (0 is the root's)."""
        pin = pulumi.Output.secret(self.pin) if self.pin else None
        return signer_inputs.in_token(self.keys[index], pin=pin, pin_variable=self.pin_variable)


StoredKeys = InKeyVault | InToken


@dataclass(frozen=True)
class AuthorityKey:
    """A key of an authority: its public half, and the signer that has the private half."""

    public_key: pulumi.Input[str]  # PEM
    signer: Mapping[str, Any]

    @classmethod
    def elsewhere(cls, declared: Mapping[str, Any], reference: pulumi.Input[str], public_key: pulumi.Input[str]) -> "AuthorityKey":
        """A key of a SigningKey, by its permanent address and its public half."""
        return cls(public_key, {**declared, "key": reference, "publicKey": public_key})
