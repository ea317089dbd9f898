"""The keys that say where the CA's private key is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, SecretStr

from hubtrust import InKeyVault, InToken
from hubtrust.custody.custodies import CUSTODIES, KEY_VAULT, OFFLINE, PKCS11, STATE, STORED_KEY_CUSTODIES

from .configuration import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

Source = Literal["generate", "import", "request"]


def _custody(text: str) -> str:
    if text and text not in CUSTODIES:
        raise ValueError(f"'{text}' is not a custody; use {', '.join(CUSTODIES)}, or leave it empty")
    return text


class CustodyConfig(BaseModel):
    """Where the private key of the CA is, and how to reach it."""

    ca_key: SecretStr = SecretStr("")
    ca_key_file: str = ""
    ca_key_passphrase: SecretStr = SecretStr("")
    ca_custody: Annotated[str, AfterValidator(_custody)] = ""
    ca_key_reference: str = ""
    ca_root_key_reference: str = ""
    ca_pin: SecretStr = SecretStr("")
    ca_pin_variable: str = ""
    ca_proof: str = ""

    @property
    def custody(self) -> InKeyVault | InToken | None:
        """Where the CA's keys are, if they are in a vault or a token; the root's first."""
        keys = tuple(filter(None, (self.ca_root_key_reference, self.ca_key_reference)))
        if self.ca_custody == KEY_VAULT:
            return InKeyVault(keys=keys)
        if self.ca_custody == PKCS11:
            return InToken(keys=keys, pin=self.ca_pin.get_secret_value() or None, pin_variable=self.ca_pin_variable or None)
        return None

    @property
    def has_key(self) -> bool:
        """Whether a key is given as text or as a file."""
        return bool(plain(self.ca_key) or self.ca_key_file)

    def custody_conflicts(self, source: Source, intermediates: int) -> Iterator[str]:
        """Keys of the custody that contradict each other or the rest of the CA, a line each."""
        if self.has_key and self.ca_custody not in ("", STATE):
            yield f"caCustody is {self.ca_custody}, but a key is set too; remove caKey and caKeyFile, or set caCustody to {STATE}"
        if self.ca_custody == OFFLINE and source != "import":
            yield f"caCustody is {OFFLINE}, but caSource is {source}; set caSource to import, and caChain to the CA's chain"
        if self.ca_custody == STATE and source == "import" and not self.has_key:
            yield f"caCustody is {STATE}, but no key is set; set caKey or caKeyFile, or set caCustody to {OFFLINE}"
        yield from self._reference_conflicts(source, intermediates)
        pins = sum(map(bool, (plain(self.ca_pin), self.ca_pin_variable)))
        if pins != (self.ca_custody == PKCS11):
            given = ("no PIN is set", "a PIN is set", "two PINs are set")[pins]
            found = f"caCustody is {self.ca_custody or 'not set'}, but {given}"
            yield f"{found}; {PKCS11} needs exactly one of caPin (with --secret) and caPinVariable, other custodies take neither"

    def _reference_conflicts(self, source: Source, intermediates: int) -> Iterator[str]:
        stored, generated = self.ca_custody in STORED_KEY_CUSTODIES, source == "generate"
        custodies = " or ".join(STORED_KEY_CUSTODIES)
        if stored and not self.ca_key_reference:
            yield f"caCustody is {self.ca_custody}, but caKeyReference is not set; set it to the key's Key Vault id or PKCS#11 URI"
        if self.ca_key_reference and not stored:
            yield f"caKeyReference is set, but caCustody is not {custodies}; set caCustody, or remove caKeyReference"
        needs_root = stored and generated and intermediates > 0
        if needs_root and not self.ca_root_key_reference:
            yield f"caCustody is {self.ca_custody}, but caRootKeyReference is not set; set it to the root's key, or caIntermediates to 0"
        if self.ca_root_key_reference and not needs_root:
            fact = f"only a generated root in {custodies} with an intermediate below it uses it"
            yield f"caRootKeyReference is set, but {fact}; remove caRootKeyReference"
        if stored and generated and intermediates > 1:
            yield f"caCustody is {self.ca_custody}, but caIntermediates is {intermediates}; set it to 0 or 1"
