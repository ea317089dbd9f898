"""What two environments may not share: a hub, a CA, a key; found in settings and in the state of the one that is up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from .derivation import LEFT_OUT_KEYS
from .stack_file import has_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from .stack_file import StackFile

_VERIFIED = "pulumi-python:dynamic/hubtrust:VerifiedCertificate"
_NAMED = ("caChainFile", "caKeyFile", "caChain", "caProof", "existingHub", "adoptHub", "hubName")
_REFERENCES = ("caKeyReference", "caRootKeyReference")


@dataclass(frozen=True)
class Standing:
    """What an environment that is up has, as its state tells it."""

    hubs: frozenset[str]  # names, lower case
    made_groups: frozenset[str]  # resource groups that it made, and would delete: lower case
    authorities: frozenset[str] = field(default_factory=frozenset)  # SHA-256 of the keys of CAs it trusts, upper-case hex

    @property
    def is_up(self) -> bool:
        """Whether there is a trust at all."""
        return bool(self.authorities)

    @classmethod
    def read(cls, resources: Sequence[Mapping[str, Any]]) -> Standing:
        """From the resources of a state."""
        outputs = [(str(each["type"]), each.get("outputs") or {}) for each in resources]
        trusted = [outs for token, outs in outputs if token == _VERIFIED]
        hubs = {str(outs.get("name")).lower() for token, outs in outputs if token.endswith(":IotHubResource")}
        hubs |= {str(outs.get("serviceId")).rpartition("/")[2].lower() for outs in trusted}
        groups = {str(outs.get("name")).lower() for token, outs in outputs if token.endswith(":ResourceGroup")}
        return cls(frozenset(hubs), frozenset(groups), frozenset(str(outs["keyThumbprint"]) for outs in trusted if "keyThumbprint" in outs))


def shared(
    new: Mapping[str, Any], *, project: str, folder: Path, environments: Sequence[StackFile], source: str, standing: Standing
) -> Iterator[str]:
    """Each thing that the new environment would share, in one line with what to do."""
    mine = _Said(new, project, folder)
    for each in environments:
        yield from _with_settings(mine, _Said(each.config, project, folder), each.stack)
    yield from _with_standing(mine, source, standing)


@dataclass(frozen=True)
class _Said:
    """The settings of one environment, as far as they are no secret."""

    config: Mapping[str, Any]
    project: str
    folder: Path

    def of(self, name: str) -> str:
        """A setting as text; empty where there is none."""
        value = self.config.get(f"{self.project}:{name}")
        return "" if value is None or has_secret(value) else str(value).strip()

    @property
    def authorities(self) -> frozenset[str]:
        """The keys of the CAs in its chain."""
        return frozenset(_keys(self.folder, self.of("caChain"), self.of("caChainFile")))

    @property
    def references(self) -> frozenset[str]:
        """Keys in a vault or a token."""
        return frozenset(_without_version(self.of(name)) for name in _REFERENCES) - {""}


def _with_settings(mine: _Said, theirs: _Said, stack: str) -> Iterator[str]:
    for name in _NAMED:
        if mine.of(name) and mine.of(name).lower() == theirs.of(name).lower():
            yield f"{mine.project}:{name} is the one of '{stack}': {_remedy(name)}"
    if common := mine.references & theirs.references:
        yield f"the key {min(common)} is one of '{stack}': {_remedy('caKeyReference')}"
    if common := mine.authorities & theirs.authorities:
        yield f"a CA in the chain has the key of one of '{stack}' (SHA-256 {min(common)[:16]}…): {_remedy('caChain')}"


def _with_standing(mine: _Said, source: str, standing: Standing) -> Iterator[str]:
    hub = mine.of("hubName") or (mine.of("existingHub") or mine.of("adoptHub")).rstrip("/").rpartition("/")[2]
    if hub and hub.lower() in standing.hubs:
        yield f"the hub '{hub}' is the one of '{source}': {_remedy('hubName')}"
    if (group := mine.of("resourceGroup")) and group.lower() in standing.made_groups:
        yield f"the resource group '{group}' was made by '{source}', and goes with it: give another, or leave resourceGroup out"
    if common := standing.authorities & mine.authorities:
        yield f"a CA in the chain is one that '{source}' trusts (SHA-256 of its key {min(common)[:16]}…): {_remedy('caChain')}"


def _remedy(name: str) -> str:
    return "give another" + (f" (--set {name}=…), or leave it out" if name in LEFT_OUT_KEYS or name == "hubName" else "")


def _without_version(reference: str) -> str:
    """A vault's key by its name: another version of it is opened by the same people; a token's key as its URI is."""
    return "/".join(reference.lower().split("/")[:5]) if reference.startswith("https://") else reference


def _keys(folder: Path, text: str, file: str) -> Iterator[str]:
    """SHA-256 of the SubjectPublicKeyInfo of each certificate; what can't be read is the program's to refuse."""
    if file:
        try:
            text = (folder / file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return
    try:
        found = x509.load_pem_x509_certificates(text.encode()) if text else []
    except ValueError:
        return
    for certificate in found:
        digest = hashes.Hash(hashes.SHA256())
        digest.update(certificate.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
        yield digest.finalize().hex().upper()
