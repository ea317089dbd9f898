"""The addresses of vaults in Azure Key Vault and Managed HSM, and of keys in them.

Private links use the same names. Source: learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates.
"""

import re
from dataclasses import dataclass

from hubtrust.azure.clouds import BY_VAULT_SUFFIX, Cloud
from hubtrust.azure.errors import RefusedError

_VAULT = r"(?P<vault>https://[A-Za-z0-9-]+\.(?P<suffix>(?:vault|managedhsm)\.[a-z.]+))(?::443)?"
_VAULT_URI = re.compile(rf"{_VAULT}/?")
_ID = re.compile(rf"{_VAULT}/keys/(?P<name>[A-Za-z0-9-]{{1,127}})(?:/(?P<version>[0-9a-f]{{32}}))?/?")


@dataclass(frozen=True, slots=True)
class VaultId:
    """A vault's address."""

    uri: str
    """An https URL without a slash at its end."""
    cloud: Cloud
    """The cloud that its name belongs to."""

    @classmethod
    def read(cls, text: str) -> "VaultId":
        """``https://<vault>.vault.azure.net``, in any cloud.

        Raises:
            RefusedError: it is not the URI of a vault in Key Vault or Managed HSM.
        """
        found = _VAULT_URI.fullmatch(text)
        if found is None or found["suffix"] not in BY_VAULT_SUFFIX:
            raise RefusedError(
                f"vault '{text}'", "it is not the URI of a vault in Azure Key Vault", "write it as https://<vault>.vault.azure.net"
            )
        return cls(found["vault"], BY_VAULT_SUFFIX[found["suffix"]])

    @property
    def name(self) -> str:
        """The vault's name, the first part of its host name."""
        return self.uri.removeprefix("https://").partition(".")[0]

    @property
    def is_managed_hsm(self) -> bool:
        """Whether it is a Managed HSM, in which every key is in hardware."""
        return ".managedhsm." in self.uri


@dataclass(frozen=True, slots=True)
class KeyId:
    """A key's address."""

    vault: VaultId
    """The vault that it is in."""
    name: str
    """Its name, of letters, digits and hyphens."""
    version: str
    """32 hex digits; empty for the newest."""

    @classmethod
    def read(cls, text: str) -> "KeyId":
        """``https://<vault>.vault.azure.net/keys/<name>[/<version>]``, in any cloud.

        Raises:
            RefusedError: it is not the id of a key in Key Vault or Managed HSM.
        """
        found = _ID.fullmatch(text)
        if found is None or found["suffix"] not in BY_VAULT_SUFFIX:
            shape = "https://<vault>.vault.azure.net/keys/<name>/<version>"
            raise RefusedError(f"key '{text}'", "it is not the id of a key in Azure Key Vault", f"write it as {shape}")
        return cls(VaultId(found["vault"], BY_VAULT_SUFFIX[found["suffix"]]), found["name"], found["version"] or "")

    def __str__(self) -> str:
        return f"{self.vault.uri}/keys/{self.name}" + (f"/{self.version}" if self.version else "")
