"""The stack's configuration as one frozen, validated object; wrong keys are told all at once, each with what to write instead."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from components.authority import Generate, Import, KeyAlgorithm, Request, Trust
from components.hub import HubSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_KINDS = ("ServicePrincipal", "User", "Group")
_CLOUDS = ("public", "usgovernment", "china")


class SettingsError(pulumi.RunError):
    """Keys of the configuration are wrong; one line for each."""


def _operator(text: str) -> str:
    kind, _, principal = text.rpartition(":")
    if not _GUID.fullmatch(principal) or (kind and kind not in _KINDS):
        raise ValueError(f"'{text}' is no object id; write a GUID, or {' or '.join(f'{kind}:<GUID>' for kind in _KINDS)}")
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
    ca_proof: str = ""
    attest: bool = False
    adopt: bool = False

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
        ):
            if _plain(getattr(self, one)) and getattr(self, other):
                wrong.append(f"{to_camel(one)} and {to_camel(other)} are both set; set one of them")
        if (self.existing_hub or self.adopt_hub) and (self.hub_name or self.resource_group):
            name = "existingHub" if self.existing_hub else "adoptHub"
            wrong.append(f"{name} is set together with hubName or resourceGroup; a hub that exists has both already")
        if self.existing_hub and self.adopt_hub:
            wrong.append("existingHub and adoptHub are both set; set adoptHub to own the hub, existingHub to own its certificates alone")
        if self.ca_certificate_name and self.ca_source != "import":
            wrong.append(f"caCertificateName is set and caSource is {self.ca_source}; what stands on a hub already is imported")
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
        if self.ca_keep_previous and self.ca_source != "generate" and not previous:
            yield "caKeepPrevious is true and there is no chain of the generation before; set caPreviousChain or caPreviousChainFile"
        if previous and not (self.ca_keep_previous and self.ca_source != "generate"):
            yield "caPreviousChain is set and nothing keeps it; leave it out, or set caKeepPrevious where caSource is import or request"
        for kind in ("root", "issuing"):
            days, window = getattr(self, f"ca_{kind}_days"), getattr(self, f"ca_{kind}_renew_before_days")
            if window >= days:
                name = to_camel(f"ca_{kind}_renew_before_days")
                yield f"{name} is {window} and it lives {days} days; renew later, or let it live longer"

    def source(self, folder: Path) -> Generate | Import | Request:
        """Where the CA comes from; files are read from ``folder``.

        Raises:
            SettingsError: a file can't be read.
        """
        organization = self.ca_organization or None
        chain = self.ca_chain or _file(folder, self.ca_chain_file, "caChainFile")
        if self.ca_source == "generate":
            return Generate(
                common_name=self.ca_name,
                organization=organization,
                key=self.ca_key_algorithm,
                intermediates=self.ca_intermediates,
                root_days=self.ca_root_days,
                issuing_days=self.ca_issuing_days,
                root_renew_before_days=self.ca_root_renew_before_days or None,
                issuing_renew_before_days=self.ca_issuing_renew_before_days or None,
            )
        if self.ca_source == "request":
            return Request(common_name=self.ca_name, organization=organization, key=self.ca_key_algorithm, answer=chain or None)
        key = self.ca_key.get_secret_value() or _file(folder, self.ca_key_file, "caKeyFile")
        passphrase = self.ca_key_passphrase.get_secret_value() or None
        name = self.ca_certificate_name or None
        return Import(chain=chain, private_key=key or None, passphrase=passphrase, proof=self.ca_proof or None, certificate_name=name)

    def previous(self, folder: Path) -> Import | Request | None:
        """Where the generation before came from, when keys are not made here; its proof stands, so its own key is not needed.

        Raises:
            SettingsError: a file can't be read.
        """
        chain = self.ca_previous_chain or _file(folder, self.ca_previous_chain_file, "caPreviousChainFile")
        if not chain:
            return None
        if self.ca_source == "request":
            organization = self.ca_organization or None
            return Request(common_name=self.ca_name, organization=organization, key=self.ca_key_algorithm, answer=chain)
        return Import(chain=chain, certificate_name=self.ca_previous_certificate_name or None)

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
    config = config or pulumi.Config()
    values: dict[str, Any] = {}
    wrong = _unknown(config.name)
    for attribute, field in Settings.model_fields.items():
        name = to_camel(attribute)
        text = config.get(name)
        if text is None:
            continue
        if field.annotation is SecretStr and text and not is_config_secret(f"{config.name}:{name}"):
            wrong.append(
                f"{config.name}:{name}: it stands there in clear text, and would in the state; take it out and set it with --secret"
            )
        try:
            values[name] = _read(config, name, field.annotation, text)
        except (pulumi.ConfigTypeError, ValueError):
            wrong.append(f"{config.name}:{name} is '{text}'; write {_wanted(field.annotation)}")
    try:
        return _settled(values, wrong)
    except ValidationError as error:
        wrong += [line for each in error.errors() for line in _lines(config.name, each)]
    raise SettingsError("the configuration is wrong:\n" + "\n".join(f"  {line}" for line in wrong))


def _unknown(project: str) -> list[str]:
    """Keys that nothing reads: a misspelt one would be passed over in silence."""
    known = [to_camel(attribute) for attribute in Settings.model_fields]
    given = {key.partition(":")[2] for key in (*get_config_env(), *CONFIG.get()) if key.startswith(f"{project}:")}
    lines = []
    for key in sorted(given - set(known)):
        near = difflib.get_close_matches(key, known, n=1)
        remedy = f"write {near[0]}, or take it out" if near else f"take it out; there are {', '.join(known)}"
        lines.append(f"{project}:{key}: there is no such key; {remedy}")
    return lines


def _settled(values: dict[str, Any], wrong: list[str]) -> Settings:
    settings = Settings(**values)
    if wrong:
        raise SettingsError("the configuration is wrong:\n" + "\n".join(f"  {line}" for line in wrong))
    return settings


def _read(config: pulumi.Config, name: str, kind: Any, text: str) -> Any:
    if kind is bool:
        return config.get_bool(name)
    if kind is int:
        return config.get_int(name)
    return config.get_object(name) if str(kind).startswith("tuple") else text


def _wanted(kind: Any) -> str:
    return {bool: "true or false", int: "a whole number"}.get(kind, "a list of texts")


def _lines(project: str, error: Any) -> list[str]:
    """One wrong key in the form: the key, the fact, the remedy. A secret's value is never repeated."""
    message = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return [f"{project}: {line}" for line in message.split("\n")]
    key = str(error["loc"][0])
    if error["type"] == "value_error":
        return [f"{project}:{key}: {message}"]
    shown = "" if "key" in key.lower() and error["type"] != "enum" else f" is '{error['input']}';"
    return [f"{project}:{key}{shown} {_remedy(message)}"]


def _remedy(message: str) -> str:
    return message[0].lower() + message[1:].replace("Input should", "it should")


def _file(folder: Path, name: str, key: str) -> str:
    if not name:
        return ""
    try:
        return (folder / name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(f"{key}: the file '{name}' can't be read: {reason}; give a path from the program's folder") from None


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
