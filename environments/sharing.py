"""What two environments must not share (hub, service, CA, key), found in their settings and in the state of the deployed one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hubtrust import HubtrustError
from hubtrust.file_content import file_content
from hubtrust.pki.authority_files import read_chain
from hubtrust.pki.certificate import load_certificates
from hubtrust.pki.encodings import MOST_OCTETS
from hubtrust.pki.keys import key_thumbprint

from .derivation import LEFT_OUT_KEYS
from .recorded_authorities import RecordedAuthorities
from .stack_file import has_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from .stack_file import StackFile

_NAMED = ("caChainFile", "caKeyFile", "caChain", "caProof", "existingHub", "adoptHub", "hubName", "caVaultName", "existingDps", "dpsName")
_MADE_NAMES = ("hubName", "dpsName")  # left out, one is generated
_REFERENCES = ("caKeyReference", "caRootKeyReference")


@dataclass(frozen=True)
class DeployedStack:
    """The hubs, provisioning services, resource groups and CAs of a deployed environment, from its state."""

    hubs: frozenset[str]  # names, lower case
    provisioning: frozenset[str]  # names of provisioning services, lower case
    created_groups: frozenset[str]  # resource groups that it created, and would delete: lower case
    recorded: RecordedAuthorities  # the CAs that it trusts, and those above and below them

    @property
    def authorities(self) -> frozenset[str]:
        """SHA-256 of the keys of the CAs that it trusts, upper-case hex."""
        return self.recorded.trusted_keys

    @property
    def is_up(self) -> bool:
        """Whether it trusts any CA."""
        return bool(self.authorities)

    @classmethod
    def read(cls, resources: Sequence[Mapping[str, Any]]) -> DeployedStack:
        """From the resources of a state."""
        outputs = [(str(each["type"]), each.get("outputs") or {}) for each in resources]
        hubs = {str(outs.get("name")).lower() for token, outs in outputs if token.endswith(":IotHubResource")}
        services = {str(outs.get("name")).lower() for token, outs in outputs if token.endswith(":IotDpsResource")}
        used = [str(outs["serviceId"]).lower() for _, outs in outputs if "serviceId" in outs]
        hubs |= {each.rpartition("/")[2] for each in used if "/provisioningservices/" not in each}
        services |= {each.rpartition("/")[2] for each in used if "/provisioningservices/" in each}
        groups = {str(outs.get("name")).lower() for token, outs in outputs if token.endswith(":ResourceGroup")}
        return cls(frozenset(hubs), frozenset(services), frozenset(groups), RecordedAuthorities.read(resources))


def shared(
    new: Mapping[str, Any], *, project: str, folder: Path, environments: Sequence[StackFile], source: str, deployed: DeployedStack
) -> Iterator[str]:
    """Each thing that the new environment would share, a line each with what to do."""
    mine = _PlainSettings(new, project, folder)
    for each in environments:
        yield from _with_settings(mine, _PlainSettings(each.config, project, folder), each.stack)
    yield from _with_deployed(mine, source, deployed)


@dataclass(frozen=True)
class _PlainSettings:
    """The settings of one environment that are not secret."""

    config: Mapping[str, Any]
    project: str
    folder: Path

    def of(self, name: str) -> str:
        """A setting as text; empty if it is not set."""
        value = self.config.get(f"{self.project}:{name}")
        return "" if value is None or has_secret(value) else str(value).strip()

    @property
    def authorities(self) -> frozenset[str]:
        """The keys of the CAs in its chain."""
        return frozenset(_keys(self.folder, self.of("caChain"), self.of("caChainFile")))

    @property
    def vault(self) -> str:
        """The URI of a vault that the stack does not make; empty without one."""
        found = self.of("caVault")
        return found.lower().rstrip("/") if found.startswith("https://") else ""

    @property
    def references(self) -> frozenset[str]:
        """Keys in a vault or token."""
        return frozenset(_without_version(self.of(name)) for name in _REFERENCES) - {""}


def _with_settings(mine: _PlainSettings, theirs: _PlainSettings, stack: str) -> Iterator[str]:
    for name in _NAMED:
        if mine.of(name) and mine.of(name).lower() == theirs.of(name).lower():
            yield f"{mine.project}:{name} is the same as in '{stack}': {_remedy(name)}"
    if mine.vault and mine.vault == theirs.vault:
        yield f"{mine.project}:caVault is the same as in '{stack}': its signers could sign for both; use another (--set caVault=…), or make"
    if common := mine.references & theirs.references:
        yield f"the key {min(common)} is used by '{stack}': {_remedy('caKeyReference')}"
    if common := mine.authorities & theirs.authorities:
        yield f"a CA in the chain has the same key as one of '{stack}' (SHA-256 {min(common)[:16]}…): {_remedy('caChain')}"


def _with_deployed(mine: _PlainSettings, source: str, deployed: DeployedStack) -> Iterator[str]:
    hub = mine.of("hubName") or (mine.of("existingHub") or mine.of("adoptHub")).rstrip("/").rpartition("/")[2]
    if hub and hub.lower() in deployed.hubs:
        yield f"the hub '{hub}' belongs to '{source}': {_remedy('hubName')}"
    service = mine.of("dpsName") or mine.of("existingDps").rstrip("/").rpartition("/")[2]
    if service and service.lower() in deployed.provisioning:
        yield f"the provisioning service '{service}' belongs to '{source}': {_remedy('dpsName')}"
    if (group := mine.of("resourceGroup")) and group.lower() in deployed.created_groups:
        yield f"the resource group '{group}' was created by '{source}' and is deleted with it: use another, or leave resourceGroup out"
    if common := deployed.authorities & mine.authorities:
        yield f"a CA in the chain is trusted by '{source}' (SHA-256 of its key {min(common)[:16]}…): {_remedy('caChain')}"


def _remedy(name: str) -> str:
    return "use another" + (f" (--set {name}=…), or leave it out" if name in LEFT_OUT_KEYS or name in _MADE_NAMES else "")


def _without_version(reference: str) -> str:
    """A key in a vault without its version, because the same people can use all versions; a key in a token as its URI is."""
    return "/".join(reference.lower().split("/")[:5]) if reference.startswith("https://") else reference


def _keys(folder: Path, text: str, file: str) -> Iterator[str]:
    """SHA-256 of the SubjectPublicKeyInfo of each certificate; what can't be read is refused by the program later.

    A PKCS#12 file with a passphrase, which is a secret, can't be looked into.
    """
    content: str | bytes = text
    if file:
        try:
            content = file_content(folder / file, what="caChainFile", remedy="", most=MOST_OCTETS)
        except HubtrustError:
            return
    try:
        found = read_chain(content, what="caChain", has_key=True).text if content else ""
        for certificate in load_certificates(found, what="caChain") if found else ():
            yield key_thumbprint(certificate.public_key())
    except HubtrustError:
        return
