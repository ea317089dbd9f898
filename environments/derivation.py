"""What becomes of each setting in another environment: copied, derived, or left out; nothing by accident."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .stack_file import has_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

COPIED, DERIVED, LEFT_OUT, GIVEN, KEPT = "copied", "derived", "left out", "given", "kept"
_AGAIN = "generations begin anew"
_OWN_CA = "the CA and its key are not shared"
_OWN_DEVICES = "devices are not shared"

# Every key of the project stands in one of these three; a test holds them to settings.py.
COPIED_KEYS: Final = frozenset(
    """sku units minTlsVersion localAuth protect operators cloud caSource caOrganization caKeyAlgorithm caIntermediates caRootDays
    caIssuingDays caRootRenewBeforeDays caIssuingRenewBeforeDays retain caTrust caCustody attest connectionCheck""".split()
)
DERIVED_KEYS: Final = frozenset({"name", "hubName", "resourceGroup", "caName", "tags", "deviceTags"})
LEFT_OUT_KEYS: Final = {
    **dict.fromkeys(("existingHub", "adoptHub"), "the hub is not shared"),
    "caGeneration": _AGAIN,
    "caKeepPrevious": _AGAIN,
    "caDropPrevious": _AGAIN,
    "adopt": "nothing is there to be taken over",
    "caProof": "it answers the code of another hub",
    **dict.fromkeys(("caChain", "caChainFile", "caKey", "caKeyFile", "caKeyPassphrase"), _OWN_CA),
    **dict.fromkeys(("caCertificateName", "caPreviousChain", "caPreviousChainFile", "caPreviousCertificateName"), _OWN_CA),
    **dict.fromkeys(("caKeyReference", "caRootKeyReference", "caPin", "caPinVariable"), _OWN_CA),
    **dict.fromkeys(("devices", "devicesFile", "adoptDevices", "canary"), _OWN_DEVICES),
}
# Of other packages: what lets in as somebody.
_CREDENTIALS = frozenset("clientSecret clientCertificatePath clientCertificatePassword oidcToken oidcRequestToken".split())


@dataclass(frozen=True)
class Change:
    """One setting on its way: `before` and `after` are None where it is not set."""

    key: str
    how: str
    before: Any = None
    after: Any = None
    why: str = ""

    def __str__(self) -> str:
        before, after = shown(self.before), shown(self.after)
        value = {
            LEFT_OUT: f"{before}: {self.why}",
            GIVEN: f"{before} -> {after}",
            DERIVED: f"{before} -> {after}",
            KEPT: after if before == after else f"{before} -> {after}",
        }
        return f"{self.how:9} {self.key:28} {value.get(self.how, after)}"


def derived(config: Mapping[str, Any], *, project: str, source: str, target: str) -> list[Change]:
    """Each setting of the environment ``source`` on its way to ``target``, in the order of the file."""
    return [_change(key, value, project, source, target) for key, value in config.items()]


def _change(key: str, value: Any, project: str, source: str, target: str) -> Change:
    package, _, name = key.rpartition(":")
    why = ""
    if has_secret(value):
        why = "secrets are not shared"
    elif package != project:
        why = "credentials are not shared" if name in _CREDENTIALS else ""
    elif name in DERIVED_KEYS:
        return _derive(key, name, value, source, target)
    elif name not in COPIED_KEYS:
        why = LEFT_OUT_KEYS.get(name, "it is not known whether this may be shared; give it with --set")
    return Change(key, LEFT_OUT, value, None, why) if why else Change(key, COPIED, value, value)


def _derive(key: str, name: str, value: Any, source: str, target: str) -> Change:
    if name in {"tags", "deviceTags"} and isinstance(value, list):
        return Change(key, DERIVED, value, [renamed_tag(str(tag), source, target) for tag in value])
    found = renamed(str(value), source, target)
    if found is None and name == "resourceGroup":
        return Change(key, LEFT_OUT, value, None, "a resource group of its own is made")
    return Change(key, DERIVED, value, found or f"{value}{' ' if ' ' in str(value) else '-'}{target}")


def renamed(text: str, source: str, target: str) -> str | None:
    """``text`` with the environment's name in it changed, where it stands as a word of its own; None where it does not stand in it."""
    pattern = rf"(?<![A-Za-z0-9]){re.escape(source)}(?![A-Za-z0-9])"
    found, count = re.subn(pattern, lambda _: target, text, flags=re.IGNORECASE)
    return found if count else None


def renamed_tag(tag: str, source: str, target: str) -> str:
    """A tag, `name=value`, with another environment's name where its value is this one's."""
    name, equals, value = tag.partition("=")
    return f"{name}{equals}{target if value == source else value}"


def names_left_unset(config: Mapping[str, Any], project: str, target: str, defaults: Mapping[str, str]) -> list[Change]:
    """Names that are this program's default in the old environment get the new one's name behind them: two of one name confuse people."""
    missing = [name for name in ("name", "caName") if f"{project}:{name}" not in config]
    spaces = {"name": "-", "caName": " "}
    return [Change(f"{project}:{name}", DERIVED, defaults[name], f"{defaults[name]}{spaces[name]}{target}") for name in missing]


def shown(value: Any) -> str:
    """A value for a person; never a secret."""
    if value is None:
        return "(not set)"
    if has_secret(value):
        return "(secret)"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if "\n" not in text else f"{text.splitlines()[0]}…"
