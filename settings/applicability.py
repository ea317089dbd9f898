"""Which keys have an effect only where others have certain values: one table. A key that would be ignored silently is told.

It is an error where the key asks for something that will not happen, and a notice where it changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic.alias_generators import to_camel

from hubtrust import Trust
from hubtrust.custody.custodies import KEY_VAULT, OFFLINE, PKCS11, STATE, STORED_KEY_CUSTODIES

from .configuration import Problem, plain
from .custody import MAKE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from . import Settings


@dataclass(frozen=True)
class Use:
    """Keys that have an effect only under a condition. All names are those of fields, separated by spaces."""

    keys: str
    when: Callable[[Settings], bool]
    by: str  # what uses them then
    decided_by: str  # the keys that the condition reads; their values are the fact
    remedy: str = ""  # what makes them apply
    is_error: bool = True


def _owns_hub(settings: Settings) -> bool:
    return not settings.existing_hub


def _generates(settings: Settings) -> bool:
    return settings.ca_source == "generate"


def _imports(settings: Settings) -> bool:
    return settings.ca_source == "import"


def _stores_keys(settings: Settings) -> bool:
    return settings.stores_keys


_STORED = " or ".join(STORED_KEY_CUSTODIES)
USES: Final = (
    # The hub
    Use(
        "hub_name resource_group",
        lambda s: not (s.existing_hub or s.adopt_hub),
        "a hub that is created here",
        "existing_hub adopt_hub",
        "remove existingHub and adoptHub: an existing hub has both already",
    ),
    Use(
        "sku units min_tls_version local_auth public_network_access ip_rules identity",
        _owns_hub,
        "a hub that is managed here",
        "existing_hub",
        "set adoptHub",
    ),
    Use("tags", lambda s: _owns_hub(s) or s.makes_vault or s.provisioning, "a hub that is managed here", "existing_hub", "set adoptHub"),
    Use(
        "ip_rules",
        lambda s: s.public_network_access != "Disabled",
        "a hub with a public endpoint",
        "public_network_access",
        "set publicNetworkAccess to Enabled",
    ),
    Use(
        "protect",
        lambda s: _owns_hub(s) or s.provisioning,
        "a hub that is managed here",
        "existing_hub",
        "set adoptHub",
        is_error=False,
    ),
    # The provisioning service
    Use(
        "dps_name dps_allocation dps_public_network_access dps_ip_rules",
        lambda s: s.provisioning,
        "a provisioning service that is made here",
        "provisioning",
        "set provisioning",
    ),
    Use(
        "dps_ip_rules",
        lambda s: s.dps_public_network_access != "Disabled",
        "a provisioning service with a public endpoint",
        "dps_public_network_access",
        "set dpsPublicNetworkAccess to Enabled",
    ),
    Use(
        "dps_operators enrollment_groups",
        lambda s: s.provisions,
        "a provisioning service",
        "provisioning existing_dps",
        "set provisioning, or existingDps",
    ),
    Use("reprovision", lambda s: bool(s.enrollment_groups), "an enrollment group", "enrollment_groups", "declare enrollmentGroups"),
    Use(
        "enrollment_canary",
        lambda s: bool(s.enrollment_groups),
        "a device that enrols in a group",
        "enrollment_groups",
        "declare enrollmentGroups",
    ),
    # The CA's names, keys and lifetimes
    Use(
        "ca_name ca_organization ca_key_algorithm",
        lambda s: not _imports(s),
        "a CA whose key or request is made here",
        "ca_source",
        "set caSource to generate or request",
        is_error=False,
    ),
    Use(
        "ca_intermediates ca_root_days ca_root_renew_before_days ca_issuing_days ca_issuing_renew_before_days",
        _generates,
        "a CA that is generated here",
        "ca_source",
        "set caSource to generate",
        is_error=False,
    ),
    Use(
        "ca_issuing_days ca_issuing_renew_before_days",
        lambda s: not _generates(s) or s.ca_intermediates > 0,
        "a CA below the root",
        "ca_intermediates",
        "set caIntermediates to 1",
        is_error=False,
    ),
    Use(
        "ca_trust",
        lambda s: s.ca_source != "request" or s.ca_trust is Trust.ISSUING,
        "a generated or imported CA",
        "ca_source",
        "import the chain (caSource: import)",
    ),
    Use(
        "ca_chain ca_chain_file",
        lambda s: not _generates(s),
        "an imported or requested CA",
        "ca_source",
        "set caSource to import",
    ),
    Use("ca_key ca_key_file", _imports, "an imported CA", "ca_source", "set caSource to import"),
    Use("ca_certificate_name", _imports, "an imported CA", "ca_source", "set caSource to import"),
    # Generations
    Use("ca_keep_previous", lambda s: s.ca_generation > 1, "a later generation", "ca_generation", "set caGeneration"),
    Use(
        "ca_drop_generation",
        lambda s: s.ca_drop_generation < s.ca_generation - s.ca_keep_previous,
        "a generation that a later one has replaced",
        "ca_generation ca_keep_previous",
        "wait until that generation is to be deleted",
        is_error=False,
    ),
    Use(
        "ca_previous_chain ca_previous_chain_file ca_previous_certificate_name",
        lambda s: s.ca_keep_previous,
        "a previous generation that is kept",
        "ca_keep_previous",
        "set caKeepPrevious",
    ),
    Use(
        "ca_previous_chain ca_previous_chain_file ca_previous_certificate_name",
        lambda s: not s.ca_keep_previous or not (_generates(s) and not s.stores_keys),
        "a CA that is not generated in the state",
        "ca_source ca_custody",
    ),
    Use(
        "ca_previous_certificate_name",
        lambda s: not s.ca_keep_previous or s.ca_source != "request",
        "an imported CA",
        "ca_source",
        "set caSource to import",
    ),
    # Custody and proof
    Use("ca_key ca_key_file", lambda s: s.ca_custody in ("", STATE), f"custody {STATE}", "ca_custody", f"set caCustody to {STATE}"),
    Use(
        "ca_key_passphrase",
        lambda s: s.has_key or s.has_pkcs12,
        "a key or a PKCS#12 file that is given here",
        "ca_key ca_key_file",
        "set caKey or caKeyFile",
        is_error=False,
    ),
    Use("ca_key_reference", _stores_keys, f"custody {_STORED}", "ca_custody", f"set caCustody to {_STORED}"),
    Use("ca_vault", lambda s: s.ca_custody == KEY_VAULT, f"custody {KEY_VAULT}", "ca_custody", f"set caCustody to {KEY_VAULT}"),
    Use(
        "ca_key_reference ca_root_key_reference",
        lambda s: not s.ca_vault or s.ca_custody != KEY_VAULT,
        "a key that is not named for the CA in its vault",
        "ca_vault",
        "remove caVault",
    ),
    Use(
        "ca_vault_name ca_vault_operators",
        lambda s: s.ca_vault == MAKE,
        "a vault that is made here",
        "ca_vault",
        f"set caVault to {MAKE}",
    ),
    Use("ca_vault_hsm", lambda s: bool(s.ca_vault), "a vault in which keys are made", "ca_vault", f"set caVault to {MAKE}, or to a URI"),
    Use(
        "ca_root_key_reference",
        lambda s: bool(s.ca_vault) or (_stores_keys(s) and _generates(s) and s.ca_intermediates > 0),
        f"a generated root in custody {_STORED} with an intermediate below it",
        "ca_custody ca_source ca_intermediates",
        "name the CA's only key by caKeyReference",
    ),
    Use("ca_pin ca_pin_variable", lambda s: s.ca_custody == PKCS11, f"custody {PKCS11}", "ca_custody", f"set caCustody to {PKCS11}"),
    Use(
        "ca_proof",
        lambda s: s.kept_in == OFFLINE,
        f"an imported CA in custody {OFFLINE}",
        "ca_source ca_custody ca_key ca_key_file",
        f"set caCustody to {OFFLINE}: elsewhere each run proves possession with the key",
    ),
    Use("ca_proof reprove", lambda s: not s.attest, "a CA whose possession is proven", "attest", "remove attest to prove the CA"),
    # Devices
    Use(
        "device_tags",
        lambda s: bool(s.devices or s.devices_file or s.enrollment_groups),
        "a device",
        "devices devices_file enrollment_groups",
        "declare devices",
        is_error=False,
    ),
    Use(
        "adopt_devices",
        lambda s: bool(s.devices or s.devices_file or s.canary),
        "a device",
        "devices devices_file canary",
        "declare devices",
        is_error=False,
    ),
    Use("delete_devices", lambda s: not s.no_devices, "a fleet that keeps devices", "no_devices", "remove noDevices", is_error=False),
    Use(
        "connection_check",
        lambda s: bool(s.canary or s.enrollment_canary),
        "a canary",
        "canary enrollment_canary",
        "set canary",
        is_error=False,
    ),
)
# Keys that have an effect whatever the others are.
ALWAYS: Final = frozenset(
    """name existing_hub adopt_hub leave_hub retain operators cloud ca_source ca_generation ca_custody attest adopt devices devices_file
    no_devices canary provisioning existing_dps disabled_enrollment_groups adopt_enrollments evidence_file""".split()
)


def unused(settings: Settings, *, errors: bool) -> Iterator[Problem]:
    """The keys that are set and have no effect: those for which that is an error, or the others."""
    for use in USES:
        keys = [key for key in use.keys.split() if _is_set(settings, key)] if use.is_error is errors and not use.when(settings) else []
        if keys:
            one = len(keys) == 1
            named = ", ".join(map(to_camel, keys))
            facts = " and ".join(_fact(settings, key) for key in _told(settings, use))
            line = f"{named} {'is' if one else 'are'} set, but {facts}, and only {use.by} uses {'it' if one else 'them'}"
            yield Problem.of(f"{line}; remove {named}{f', or {use.remedy}' if use.remedy else ''}", *keys, *use.decided_by.split())


def _told(settings: Settings, use: Use) -> list[str]:
    """The keys whose values are the fact: of alternatives, those that are set."""
    every = use.decided_by.split()
    return [key for key in every if _is_set(settings, key) or key == "ca_source"] or every


def _is_set(settings: Settings, key: str) -> bool:
    default = type(settings).model_fields[key].default
    return bool(plain(getattr(settings, key)) != plain(default))


def _fact(settings: Settings, key: str) -> str:
    value = plain(getattr(settings, key))
    if isinstance(value, bool):
        return f"{to_camel(key)} is {str(value).lower()}"
    if isinstance(value, int) or key in ("ca_source", "ca_custody"):
        return f"{to_camel(key)} is {'not set' if value == '' else value}"
    return f"{to_camel(key)} is {'set' if value else 'not set'}"
