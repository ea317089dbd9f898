"""The stack's configuration as one frozen, validated object; wrong keys are told all at once, each with what to write instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pulumi
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic.alias_generators import to_camel

from hubtrust.authority import Generate, Import, KeyAlgorithm, Request, Trust
from hubtrust.authority_keys import Elsewhere, InKeyVault, InToken
from hubtrust.devices.description import require_device_id
from hubtrust.devices.roster import Roster
from hubtrust.devices.roster_files import from_csv, from_json_lines, from_pattern
from hubtrust.errors import HubtrustError
from hubtrust.hub import DEPLOYER, HubSettings
from stack_config import SettingsError, file_text, plain, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_KINDS = ("ServicePrincipal", "User", "Group")
_CLOUDS = ("public", "usgovernment", "china")


def _operator(text: str) -> str:
    kind, _, principal = text.rpartition(":")
    if text == DEPLOYER:
        return text
    if not _GUID.fullmatch(principal) or (kind and kind not in _KINDS):
        raise ValueError(f"'{text}' is no object id; write a GUID, {' or '.join(f'{kind}:<GUID>' for kind in _KINDS)}, or {DEPLOYER}")
    return text


def _tag(text: str) -> str:
    if not re.fullmatch(r"[^=]{1,512}=[^=]{0,256}", text):
        raise ValueError(f"'{text}' is no tag; write it as name=value")
    return text


def _cloud(text: str) -> str:
    if text and text not in _CLOUDS and not text.startswith("https://"):
        raise ValueError(f"'{text}' is no cloud; write {', '.join(_CLOUDS)} or the https URL of a metadata host")
    return text


def _hub_name(text: str) -> str:
    if text and not re.fullmatch(r"[0-9A-Za-z-]{2,49}[0-9A-Za-z]", text):
        raise ValueError(f"'{text}' can't name a hub; write 3 to 50 letters, digits and hyphens, with no hyphen at the end")
    return text


def _certificate_name(text: str) -> str:
    if text and not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text):
        raise ValueError(f"'{text}' can't name a certificate; write at most 64 of: letters, digits, - . _")
    return text


def _device(text: str) -> str:
    try:
        return require_device_id(text) if text else text
    except HubtrustError as error:
        raise ValueError(str(error)) from None


class Settings(BaseModel):
    """Every key of this project; what each means stands in Pulumi.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{1,30}$")] = "hubtrust"
    hub_name: Annotated[str, AfterValidator(_hub_name)] = ""
    resource_group: str = ""
    existing_hub: str = ""
    adopt_hub: str = ""
    sku: Literal["F1", "B1", "B2", "B3", "S1", "S2", "S3"] = "S1"
    units: Annotated[int, Field(ge=1, le=200)] = 1
    min_tls_version: Literal["1.0", "1.2"] = "1.2"
    local_auth: bool = False
    protect: bool = True
    retain: bool = False
    operators: tuple[Annotated[str, AfterValidator(_operator)], ...] = ()
    tags: tuple[Annotated[str, AfterValidator(_tag)], ...] = ()
    cloud: Annotated[str, AfterValidator(_cloud)] = ""
    ca_source: Literal["generate", "import", "request"] = "generate"
    ca_name: Annotated[str, Field(min_length=1, max_length=50)] = "hubtrust"
    ca_organization: Annotated[str, Field(max_length=64)] = ""
    ca_key_algorithm: KeyAlgorithm = KeyAlgorithm.EC_P256
    ca_intermediates: Annotated[int, Field(ge=0, le=5)] = 1
    ca_generation: Annotated[int, Field(ge=1, le=9999)] = 1
    ca_keep_previous: bool = False
    ca_drop_previous: bool = False
    ca_root_days: Annotated[int, Field(ge=1, le=36525)] = 3650
    ca_issuing_days: Annotated[int, Field(ge=1, le=36525)] = 1825
    ca_root_renew_before_days: Annotated[int, Field(ge=0, le=36525)] = 0
    ca_issuing_renew_before_days: Annotated[int, Field(ge=0, le=36525)] = 0
    ca_trust: Trust = Trust.ISSUING
    ca_chain: str = ""
    ca_chain_file: str = ""
    ca_certificate_name: Annotated[str, AfterValidator(_certificate_name)] = ""
    ca_previous_chain: str = ""
    ca_previous_chain_file: str = ""
    ca_previous_certificate_name: Annotated[str, AfterValidator(_certificate_name)] = ""
    ca_key: SecretStr = SecretStr("")
    ca_key_file: str = ""
    ca_key_passphrase: SecretStr = SecretStr("")
    ca_custody: Literal["", "state", "offline", "key-vault", "pkcs11"] = ""
    ca_key_reference: str = ""
    ca_root_key_reference: str = ""
    ca_pin: SecretStr = SecretStr("")
    ca_pin_variable: str = ""
    ca_proof: str = ""
    attest: bool = False
    adopt: bool = False
    devices: str = ""
    devices_file: str = ""
    device_tags: tuple[Annotated[str, AfterValidator(_tag)], ...] = ()
    adopt_devices: bool = False
    canary: Annotated[str, AfterValidator(_device)] = ""
    connection_check: bool = True

    @model_validator(mode="after")
    def _together(self) -> Settings:
        """What can't be right together."""
        wrong = []
        if self.ca_source == "import" and not (self.ca_chain or self.ca_chain_file):
            wrong.append("caSource is import and there is no chain; set caChain or caChainFile")
        if self.ca_source == "generate" and (self.ca_chain or self.ca_chain_file or self.ca_key.get_secret_value() or self.ca_key_file):
            wrong.append("caSource is generate and a chain or a key is set too; leave them out, or set caSource to import")
        wrong += self._overlap()
        for one, other in (
            ("ca_chain", "ca_chain_file"),
            ("ca_key", "ca_key_file"),
            ("ca_previous_chain", "ca_previous_chain_file"),
            ("devices", "devices_file"),
        ):
            if plain(getattr(self, one)) and getattr(self, other):
                wrong.append(f"{to_camel(one)} and {to_camel(other)} are both set; set one of them")
        if (self.existing_hub or self.adopt_hub) and (self.hub_name or self.resource_group):
            name = "existingHub" if self.existing_hub else "adoptHub"
            wrong.append(f"{name} is set together with hubName or resourceGroup; a hub that exists has both already")
        if self.existing_hub and self.adopt_hub:
            wrong.append("existingHub and adoptHub are both set; set adoptHub to own the hub, existingHub to own its certificates alone")
        if self.ca_certificate_name and self.ca_source != "import":
            wrong.append(f"caCertificateName is set and caSource is {self.ca_source}; what stands on a hub already is imported")
        wrong += self._wrong_custody()
        if self.sku == "F1" and self.units != 1:
            wrong.append(f"sku F1 has one unit and units is {self.units}; set units to 1")
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def _overlap(self) -> Iterator[str]:
        """What can't be right about two generations, and about renewal."""
        previous = self.ca_previous_chain or self.ca_previous_chain_file
        if self.ca_keep_previous and self.ca_generation == 1:
            yield "caKeepPrevious is true and caGeneration is 1, before which there is none; leave caKeepPrevious out"
        made_anew = self.ca_source == "generate" and self.custody is None
        if self.ca_keep_previous and not made_anew and not previous:
            yield "caKeepPrevious is true and there is no chain of the generation before; set caPreviousChain or caPreviousChainFile"
        if previous and (made_anew or not self.ca_keep_previous):
            yield "caPreviousChain is set and nothing keeps it; leave it out, or set caKeepPrevious where the CA's key is not made here"
        for kind in ("root", "issuing"):
            days, window = getattr(self, f"ca_{kind}_days"), getattr(self, f"ca_{kind}_renew_before_days")
            if window >= days:
                name = to_camel(f"ca_{kind}_renew_before_days")
                yield f"{name} is {window} and it lives {days} days; renew later, or let it live longer"

    def _wrong_custody(self) -> list[str]:
        """Where the CA's key is, and what is said about it, can't both be right."""
        elsewhere, key = self.ca_custody in ("key-vault", "pkcs11"), bool(plain(self.ca_key) or self.ca_key_file)
        wrong = []
        if key and self.ca_custody not in ("", "state"):
            wrong.append(f"caCustody is {self.ca_custody} and a key is given; leave caKey and caKeyFile out, or set caCustody to state")
        if self.ca_custody == "offline" and self.ca_source != "import":
            wrong.append(
                f"caCustody is offline and caSource is {self.ca_source}; set caSource to import and caChain to the chain made there"
            )
        if self.ca_custody == "state" and self.ca_source == "import" and not key:
            wrong.append("caCustody is state and there is no key; set caKey or caKeyFile, or set caCustody to offline")
        if elsewhere != bool(self.ca_key_reference):
            wrong.append("caCustody key-vault or pkcs11 and caKeyReference belong together; set both, or neither")
        if bool(self.ca_root_key_reference) != (elsewhere and self.ca_source == "generate" and self.ca_intermediates > 0):
            wrong.append("caRootKeyReference is for a generated root with its key elsewhere; set it there, together with caKeyReference")
        if elsewhere and self.ca_source == "generate" and self.ca_intermediates > 1:
            wrong.append(f"caCustody is {self.ca_custody} and caIntermediates is {self.ca_intermediates}; set it to 0 or 1")
        pins = sum(map(bool, (plain(self.ca_pin), self.ca_pin_variable)))
        if pins != (self.ca_custody == "pkcs11"):
            wrong.append("caCustody pkcs11 has one PIN, and no other has any; set caPin (with --secret) or caPinVariable for it alone")
        return wrong

    @property
    def custody(self) -> Elsewhere | None:
        """Where the CA's keys are, when they are in a vault or a token; from the root down."""
        keys = tuple(filter(None, (self.ca_root_key_reference, self.ca_key_reference)))
        if self.ca_custody == "key-vault":
            return InKeyVault(keys=keys)
        if self.ca_custody == "pkcs11":
            return InToken(keys=keys, pin=self.ca_pin.get_secret_value() or None, pin_variable=self.ca_pin_variable or None)
        return None

    def source(self, folder: Path) -> Generate | Import | Request:
        """Where the CA comes from; files are read from ``folder``.

        Raises:
            SettingsError: a file can't be read.
        """
        organization = self.ca_organization or None
        chain = self.ca_chain or file_text(folder, self.ca_chain_file, "caChainFile")
        if self.ca_source == "generate":
            return Generate(
                common_name=self.ca_name,
                organization=organization,
                key=self.ca_key_algorithm,
                intermediates=self.ca_intermediates,
                custody=self.custody,
                root_days=self.ca_root_days,
                issuing_days=self.ca_issuing_days,
                root_renew_before_days=self.ca_root_renew_before_days or None,
                issuing_renew_before_days=self.ca_issuing_renew_before_days or None,
            )
        if self.ca_source == "request":
            return Request(
                common_name=self.ca_name, organization=organization, key=self.ca_key_algorithm, custody=self.custody, answer=chain or None
            )
        key = self.ca_key.get_secret_value() or file_text(folder, self.ca_key_file, "caKeyFile")
        passphrase = self.ca_key_passphrase.get_secret_value() or None
        name = self.ca_certificate_name or None
        return Import(
            chain=chain,
            private_key=key or None,
            passphrase=passphrase,
            custody=self.custody,
            proof=self.ca_proof or None,
            certificate_name=name,
        )

    @property
    def generations(self) -> dict[str, Any]:
        """Which generation there is, and what of it is trusted: arguments of a CertificateAuthority."""
        return {"generation": self.ca_generation, "keep_previous": self.ca_keep_previous, "trust": self.ca_trust}

    def previous(self, folder: Path) -> Import | Request | None:
        """Where the generation before came from, when keys are not made here; its proof stands, so its own key is not needed.

        Raises:
            SettingsError: a file can't be read.
        """
        chain = self.ca_previous_chain or file_text(folder, self.ca_previous_chain_file, "caPreviousChainFile")
        if not chain:
            return None
        if self.ca_source == "request":
            organization = self.ca_organization or None
            return Request(common_name=self.ca_name, organization=organization, key=self.ca_key_algorithm, answer=chain)
        return Import(chain=chain, certificate_name=self.ca_previous_certificate_name or None)

    def roster(self, folder: Path) -> Roster:
        """The devices; a file is read from ``folder``.

        Raises:
            SettingsError: the file can't be read, or the devices in it or in the pattern can't be meant.
        """
        tags = dict(tag.split("=", 1) for tag in self.device_tags)
        try:
            if self.devices_file:
                read = from_csv if self.devices_file.lower().endswith(".csv") else from_json_lines
                return read(file_text(folder, self.devices_file, "devicesFile"), what=f"devicesFile '{self.devices_file}'", tags=tags)
            return from_pattern(self.devices, tags) if self.devices else Roster(())
        except HubtrustError as error:
            raise SettingsError(str(error)) from None

    @property
    def hub(self) -> HubSettings:
        """The hub, when it is ours."""
        return HubSettings(
            resource_group=self.resource_group or None,
            name=self.hub_name or None,
            adopt_id=self.adopt_hub or None,
            sku=self.sku,
            units=self.units,
            min_tls_version=self.min_tls_version,
            local_auth=self.local_auth,
            tags=dict(tag.split("=", 1) for tag in self.tags),
            operators=self.operators,
            protect=self.protect,
        )


def load(config: pulumi.Config | None = None) -> Settings:
    """The settings of the stack that runs.

    Raises:
        SettingsError: keys are wrong or unknown; every one of them is told.
    """
    return read(Settings, config or pulumi.Config())
