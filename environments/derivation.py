"""What happens to each setting in a new environment: it is copied, derived or left out. Unknown settings are left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hubtrust import errors

from .stack_file import has_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

COPIED, DERIVED, LEFT_OUT, GIVEN, KEPT = "copied", "derived", "left out", "given", "kept"
_AGAIN = "generations start again at 1"
_OWN_CA = "the CA and its key are not shared"
_OWN_DEVICES = "devices are not shared"

_MAKE = "make"  # of caVault: a vault that the stack makes
_LONGEST_VAULT_NAME = 24

# Every key of the project is in one of these three; a test compares them with `settings`.
COPIED_KEYS: Final = frozenset(
    """sku units minTlsVersion localAuth publicNetworkAccess protect operators cloud caSource caOrganization caKeyAlgorithm
    caIntermediates caRootDays caIssuingDays caRootRenewBeforeDays caIssuingRenewBeforeDays retain caTrust caCustody caVaultHsm
    caVaultOperators attest connectionCheck provisioning dpsAllocation dpsOperators dpsPublicNetworkAccess enrollmentGroups
    reprovision""".split()
)
DERIVED_KEYS: Final = frozenset({"name", "hubName", "resourceGroup", "caName", "tags", "deviceTags", "caVault", "caVaultName", "dpsName"})
LEFT_OUT_KEYS: Final = {
    **dict.fromkeys(("existingHub", "adoptHub", "leaveHub"), "the hub is not shared"),
    "ipRules": "addresses are not shared: until you set those of this environment, its hub can be reached from anywhere",
    "identity": "a managed identity has rights in one environment",
    "evidenceFile": "a log is of one stack: this one begins its own",
    "existingDps": "the provisioning service is not shared",
    "dpsIpRules": "addresses are not shared: until you set those of this environment, its service can be reached from anywhere",
    "disabledEnrollmentGroups": "a revocation is of one environment's devices",
    "adoptEnrollments": "there is nothing to take over",
    "caGeneration": _AGAIN,
    "caKeepPrevious": _AGAIN,
    "caDropGeneration": _AGAIN,
    "adopt": "there is nothing to take over",
    "caProof": "it proves possession to another hub",
    "reprove": "it names a certificate of another hub",
    **dict.fromkeys(("caChain", "caChainFile", "caKey", "caKeyFile", "caKeyPassphrase"), _OWN_CA),
    **dict.fromkeys(("caCertificateName", "caPreviousChain", "caPreviousChainFile", "caPreviousCertificateName"), _OWN_CA),
    **dict.fromkeys(("caKeyReference", "caRootKeyReference", "caPin", "caPinVariable"), _OWN_CA),
    **dict.fromkeys(("devices", "devicesFile", "adoptDevices", "noDevices", "deleteDevices", "canary", "enrollmentCanary"), _OWN_DEVICES),
}
# Credentials in the settings of other packages.
_CREDENTIALS = frozenset("clientSecret clientCertificatePath clientCertificatePassword oidcToken oidcRequestToken".split())


@dataclass(frozen=True)
class Change:
    """What happens to one setting; `before` and `after` are None if it is not set."""

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
    """What happens to each setting of ``source`` in ``target``, in the order of the file."""
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
        why = LEFT_OUT_KEYS.get(name, "this key is unknown, so it may not be safe to share; give it with --set")
    return Change(key, LEFT_OUT, value, None, why) if why else Change(key, COPIED, value, value)


def _derive(key: str, name: str, value: Any, source: str, target: str) -> Change:
    if name in {"tags", "deviceTags"} and isinstance(value, list):
        return Change(key, DERIVED, value, [renamed_tag(str(tag), source, target) for tag in value])
    if name == "caVault":  # a vault that each stack makes is its own; an address is somebody's
        return Change(key, COPIED, value, value) if value == _MAKE else Change(key, LEFT_OUT, value, None, _OWN_CA)
    found = renamed(str(value), source, target)
    if name == "caVaultName" and (found is None or len(found) > _LONGEST_VAULT_NAME):
        return Change(key, LEFT_OUT, value, None, "the new vault's name follows from its stack")
    if found is None and name == "resourceGroup":
        return Change(key, LEFT_OUT, value, None, "a new resource group is created")
    return Change(key, DERIVED, value, found or f"{value}{' ' if ' ' in str(value) else '-'}{target}")


def renamed(text: str, source: str, target: str) -> str | None:
    """``text`` with the environment's name replaced, where it is a whole word; None if it does not occur."""
    pattern = rf"(?<![A-Za-z0-9]){re.escape(source)}(?![A-Za-z0-9])"
    found, count = re.subn(pattern, lambda _: target, text, flags=re.IGNORECASE)
    return found if count else None


def renamed_tag(tag: str, source: str, target: str) -> str:
    """A tag, `name=value`; a value that is the environment's name is replaced."""
    name, equals, value = tag.partition("=")
    return f"{name}{equals}{target if value == source else value}"


def names_left_unset(config: Mapping[str, Any], project: str, target: str, defaults: Mapping[str, str]) -> list[Change]:
    """Names that the old environment leaves at their defaults get the new environment's name appended, so that they differ."""
    used = ("name",) if config.get(f"{project}:caSource") == "import" else ("name", "caName")  # an imported CA has its own names
    missing = [name for name in used if f"{project}:{name}" not in config]
    spaces = {"name": "-", "caName": " "}
    return [Change(f"{project}:{name}", DERIVED, defaults[name], f"{defaults[name]}{spaces[name]}{target}") for name in missing]


def shown(value: Any) -> str:
    """A value as text; never a secret."""
    if value is None:
        return "(not set)"
    if has_secret(value):
        return "(secret)"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    first, *more = text.split("\n")
    return errors.shown(first) + ("…" if more else "")
