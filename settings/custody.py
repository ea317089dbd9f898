"""The keys that say where the CA's private key is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, SecretStr

from hubtrust import HubtrustError, InKeyVault, InToken
from hubtrust.custody.custodies import CUSTODIES, KEY_VAULT, OFFLINE, PKCS11, STATE, STORED_KEY_CUSTODIES
from hubtrust.custody.key_id import VaultId
from hubtrust.operators import DEPLOYER, Operator
from hubtrust.vault_identity import require_vault_name

from .configuration import Configured, Problem, checked_by, plain
from .values import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubtrust import AuthorityVault

Source = Literal["generate", "import", "request"]


def _custody(text: str) -> str:
    if text and text not in CUSTODIES:
        raise ValueError(f"{quoted(text)} is not a custody; use {', '.join(CUSTODIES)}, or leave it empty")
    return text


MAKE = "make"


def _vault(text: str) -> str:
    if text in ("", MAKE):
        return text
    try:
        return VaultId.read(text).uri
    except HubtrustError:
        remedy = f"use {MAKE}, or the URI of a vault, https://<vault>.vault.azure.net"
        raise ValueError(f"{quoted(text)} is not the URI of a vault; {remedy}") from None


class CustodyConfig(Configured):
    """Where the private key of the CA is, and how to reach it."""

    ca_source: Source = "generate"
    ca_key: SecretStr = SecretStr("")
    ca_key_file: str = ""
    ca_key_passphrase: SecretStr = SecretStr("")
    ca_custody: Annotated[str, AfterValidator(_custody)] = ""
    ca_key_reference: str = ""
    ca_root_key_reference: str = ""
    ca_vault: Annotated[str, AfterValidator(_vault)] = ""
    ca_vault_name: Annotated[str, checked_by(require_vault_name)] = ""
    ca_vault_hsm: bool = False
    ca_vault_operators: tuple[Annotated[str, checked_by(Operator.read)], ...] = (DEPLOYER,)
    ca_pin: SecretStr = SecretStr("")
    ca_pin_variable: str = ""
    ca_proof: str = ""

    @property
    def makes_vault(self) -> bool:
        """Whether the stack makes the vault of the CA's keys."""
        return self.ca_custody == KEY_VAULT and self.ca_vault == MAKE

    @property
    def stores_keys(self) -> bool:
        """Whether the CA's keys are in a vault or a token."""
        return self.ca_custody in STORED_KEY_CUSTODIES

    def custody(self, vault: AuthorityVault | None = None) -> InKeyVault | InToken | None:
        """Where the CA's keys are, if they are in a vault or a token; the root's first. ``vault`` is the one that the stack makes."""
        if self.ca_custody == KEY_VAULT and self.ca_vault:
            return InKeyVault(vault=vault if self.ca_vault == MAKE else self.ca_vault, hsm=self.ca_vault_hsm)
        keys = tuple(filter(None, (self.ca_root_key_reference, self.ca_key_reference)))
        if self.ca_custody == KEY_VAULT:
            return InKeyVault(keys=keys)
        if self.ca_custody == PKCS11:
            return InToken(keys=keys, pin=self.ca_pin.get_secret_value() or None, pin_variable=self.ca_pin_variable or None)
        return None

    @property
    def kept_in(self) -> str:
        """The custody of the trusted certificate's key: the one that is set, or the one that an empty ``caCustody`` stands for."""
        is_elsewhere = self.ca_source == "import" and not self.has_key
        return self.ca_custody or (OFFLINE if is_elsewhere else STATE)

    @property
    def has_key(self) -> bool:
        """Whether a key is given as text or as a file."""
        return bool(plain(self.ca_key) or self.ca_key_file)

    def custody_problems(self, intermediates: int) -> Iterator[Problem]:
        """Keys of the custody that contradict each other or the rest of the CA."""
        if self.ca_custody == OFFLINE and self.ca_source != "import":
            line = f"caCustody is {OFFLINE}, but caSource is {self.ca_source}; set caSource to import, and caChain to the CA's chain"
            yield Problem.of(line, "ca_custody", "ca_source")
        if self.ca_custody == STATE and self.ca_source == "import" and not self.has_key:
            line = f"caCustody is {STATE}, but no key is set; set caKey or caKeyFile, or set caCustody to {OFFLINE}"
            yield Problem.of(line, "ca_custody", "ca_source", "ca_key", "ca_key_file")
        if self.stores_keys and not (self.ca_vault and self.ca_custody == KEY_VAULT):
            yield from self._reference_problems(intermediates)
        elif self.ca_vault and self.ca_source == "import":
            line = "caVault is set, but caSource is import, and an imported CA's key has a name already"
            yield Problem.of(f"{line}; remove caVault, and set caKeyReference to the key's Key Vault id", "ca_vault", "ca_source")
        pins = sum(map(bool, (plain(self.ca_pin), self.ca_pin_variable)))
        if self.ca_custody == PKCS11 and pins != 1:
            given = "two PINs are set" if pins else "no PIN is set"
            line = f"caCustody is {PKCS11}, but {given}; set exactly one of caPin (with --secret) and caPinVariable"
            yield Problem.of(line, "ca_custody", "ca_pin", "ca_pin_variable")

    def _reference_problems(self, intermediates: int) -> Iterator[Problem]:
        fact = f"caCustody is {self.ca_custody}"
        if not self.ca_key_reference:
            remedy = f", or caVault to {MAKE}" if self.ca_custody == KEY_VAULT and self.ca_source != "import" else ""
            line = f"{fact}, but caKeyReference is not set; set it to the key's Key Vault id or PKCS#11 URI{remedy}"
            yield Problem.of(line, "ca_custody", "ca_key_reference", "ca_vault")
        generated = ("ca_custody", "ca_source", "ca_intermediates")
        if self.ca_source == "generate" and intermediates > 0 and not self.ca_root_key_reference:
            line = f"{fact}, but caRootKeyReference is not set; set it to the root's key, or caIntermediates to 0"
            yield Problem.of(line, *generated, "ca_root_key_reference", "ca_vault")
        if self.ca_source == "generate" and intermediates > 1:
            yield Problem.of(f"{fact}, but caIntermediates is {intermediates}; set it to 0 or 1", *generated)
