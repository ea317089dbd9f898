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
_NAMED = ("caChainFile", "caKeyFile", "caChain", "caProof", "existingHub", "hubName")


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

    def of(config: Mapping[str, Any], name: str) -> str:
        value = config.get(f"{project}:{name}")
        return "" if value is None or has_secret(value) else str(value).strip()

    for each in environments:
        for name in _NAMED:
            if of(new, name) and of(new, name).lower() == of(each.config, name).lower():
                yield f"{project}:{name} is the one of '{each.stack}': {_remedy(name)}"
        theirs = frozenset(_keys(folder, of(each.config, "caChain"), of(each.config, "caChainFile")))
        if common := theirs & frozenset(_keys(folder, of(new, "caChain"), of(new, "caChainFile"))):
            yield f"a CA in the chain has the key of one of '{each.stack}' (SHA-256 {min(common)[:16]}…): {_remedy('caChain')}"
    hub = of(new, "hubName") or of(new, "existingHub").rstrip("/").rpartition("/")[2]
    if hub and hub.lower() in standing.hubs:
        yield f"the hub '{hub}' is the one of '{source}': {_remedy('hubName')}"
    if (group := of(new, "resourceGroup")) and group.lower() in standing.made_groups:
        yield f"the resource group '{group}' was made by '{source}', and goes with it: give another, or leave resourceGroup out"
    if common := standing.authorities & frozenset(_keys(folder, of(new, "caChain"), of(new, "caChainFile"))):
        yield f"a CA in the chain is one that '{source}' trusts (SHA-256 of its key {min(common)[:16]}…): {_remedy('caChain')}"


def _remedy(name: str) -> str:
    return "give another" + (f" (--set {name}=…), or leave it out" if name in LEFT_OUT_KEYS or name == "hubName" else "")


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
