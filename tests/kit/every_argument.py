"""Every argument of every public component, and of what describes its parts: a value for each, and the way to declare it.

A new argument has to be named here: `tests/components/test_every_argument.py` compares this table with the constructors.
"""

from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import serialization

from hubtrust import (
    AuthorityVault,
    CertificateAuthority,
    EnrollmentCanary,
    EnrollmentFleet,
    EnrollmentGroup,
    EvidenceLog,
    Generate,
    HubArgs,
    Import,
    IndividualEnrollment,
    InKeyVault,
    InToken,
    LinkedHub,
    ProvisioningService,
    ProvisioningServiceArgs,
    Request,
    TrustedDevice,
    TrustedFleet,
    TrustedHub,
    TrustedModule,
    enrollments_from_list,
    from_pattern,
)
from tests.kit.authorities import hierarchy, leaf, pem_of, private_pem
from tests.kit.remembering_engine import HUB, SERVICE
from tests.kit.root_authority import RootAuthority

_made = hierarchy()
_KEY = _made.issuing.signer._private_key  # type: ignore[attr-defined] # the test's own
CHAIN, ROOT = pem_of(*_made.up), pem_of(_made.up[-1])
_LEAF = pem_of(leaf(_made.issuing, "device-1"))
_ENCRYPTED = _KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"word-mark")
).decode()
_VAULT, _TOKEN = "https://kv.vault.azure.net", "pkcs11:token=plant;object=ca"
_GUID = "22222222-3333-4444-5555-666666666666"
_SHAPE = "it decides which resources there are, or what they are called"
_ALONE = "it is another object of this program"
_OLD = "of earlier versions: always an error"


@dataclass(frozen=True)
class Argument:
    """An argument: a value with which it can be given, what must be given with it, and why it is plain, if it is."""

    value: Any
    beside: dict[str, Any] = field(default_factory=dict)
    plain: str = ""


def _is(value: Any, **beside: Any) -> Argument:
    return Argument(value, beside)


def _plain(value: Any, why: str = _SHAPE, **beside: Any) -> Argument:
    return Argument(value, beside, why)


_WAYS = {"make_key": True}
_ENTRY: dict[str, Argument] = {
    "authority": _plain(None, _ALONE, thumbprints=["AB" * 20]),
    "request": _is("csr-mark"),
    "make_key": _plain(True),
    "lifetime_days": _is(77.5, **_WAYS),
    "renew_before_days": _is(7.25, **_WAYS),
    "thumbprints": _is(["CD" * 20], authority=None),
    "tags": _is({"site": "tag-mark"}, **_WAYS),
    "desired": _is({"site": "desired-mark"}, **_WAYS),
    "adopt": _is(["adopt-mark"], **_WAYS),
}
_ENROLLED = {
    "service": _is(SERVICE.replace("dps-7", "service-mark")),
    "hubs": _plain(["hub-mark.azure-devices.net"]),
    "allocation": _is("custom"),
    "webhook": _is("https://webhook-mark.example/"),
    "webhook_version": _is("2019-03-31"),
    "tags": _is({"site": "tag-mark"}),
    "desired": _is({"rate": "desired-mark"}),
    "edge": _is(True),
    "reprovision": _is("never"),
    "status": _is("disabled"),
    "revoke_devices": _is(False),
    "adopt": _is(True),
    "cloud": _is("usgovernment"),
    "deadline": _is(77.5),
}
ARGUMENTS: dict[type, dict[str, Argument]] = {
    CertificateAuthority: {
        "source": _plain(Generate(common_name="P")),
        "generation": _plain(2),
        "keep_previous": _plain(True, generation=2),
        "previous": _plain(Generate(common_name="P"), generation=2, keep_previous=True),
        "trust": _plain("root"),
        "cloud": _plain("public"),
    },
    Generate: {
        "common_name": _is("name-mark"),
        "organization": _is("organization-mark"),
        "key": _plain("ec-p384"),
        "intermediates": _plain(2),
        "custody": _plain(InKeyVault(vault=_VAULT)),
        "root_days": _is(3333),
        "issuing_days": _is(1234),
        "root_renew_before_days": _is(77),
        "issuing_renew_before_days": _is(55),
    },
    Import: {
        "chain": _is(CHAIN),
        "private_key": _is(private_pem(_KEY)),
        "passphrase": _is("word-mark", private_key=_ENCRYPTED),
        "custody": _plain(InKeyVault(keys=[f"{_VAULT}/keys/a"])),
        "proof": _is(RootAuthority("Proof").pem, private_key=None),
        "certificate_name": _is("certificate-mark"),
    },
    Request: {
        "common_name": _is("name-mark"),
        "organization": _is("organization-mark"),
        "key": _plain("rsa-3072"),
        "custody": _plain(InKeyVault(vault=_VAULT)),
        "answer": _is(CHAIN),
    },
    InKeyVault: {
        "keys": _plain([f"{_VAULT}/keys/a", f"{_VAULT}/keys/b"]),
        "vault": _is("https://vault-mark.vault.azure.net"),
        "hsm": _plain(True, "it decides how keys are made", vault=_VAULT),
    },
    InToken: {
        "keys": _plain([_TOKEN, _TOKEN], pin_variable="PIN"),
        "pin": _is("pin-mark", keys=[_TOKEN, _TOKEN]),
        "pin_variable": _is("VARIABLE_MARK", keys=[_TOKEN, _TOKEN], pin=None),
    },
    TrustedHub: {
        "authorities": _plain([], _ALONE),
        "hub": _is(HUB.replace("hub-7", "hub-mark")),
        "operators": _plain([_GUID]),
        "attest": _is(True),
        "reprove": _is("etag-mark"),
        "adopt": _is(["BC" * 20]),
        "drop_generation": _is(4321),
        "leave": _is("left-mark"),
        "cloud": _plain("public"),
        "deadline": _is(77.5),
        **dict.fromkeys(("drop_previous", "settings", "existing_id"), _plain(None, _OLD)),
    },
    TrustedDevice: {
        **_ENTRY,
        "hub": _plain(None, _ALONE),
        "device_id": _is("device-mark", **_WAYS),
        "status": _is("disabled", **_WAYS),
        "reason": _is("reason-mark", **_WAYS),
        "edge": _is(True, **_WAYS),
        "parent": _is("ms-azure-iot-edge://gateway-mark-1", **_WAYS),
    },
    TrustedModule: {**_ENTRY, "device": _plain(None, _ALONE), "module_id": _is("module-mark", **_WAYS)},
    TrustedFleet: {
        "hub": _plain(None, _ALONE),
        "authority": _plain(None, _ALONE),
        "roster": _plain(from_pattern("press-{1..3}")),
        "canary": _is("canary-mark"),
        "check": _plain(False, canary="canary"),
        "adopt": _is(["adopt-mark"]),
        "no_devices": _plain(True),
        "delete_devices": _is(4321),
    },
    EnrollmentFleet: {
        "service": _is(SERVICE.replace("dps-7", "service-mark")),
        "roster": _plain(enrollments_from_list([])),
        "hubs": _plain(["hub-mark.azure-devices.net"]),
        "adopt": _is(["adopt-mark"]),
        "no_enrollments": _plain(True),
        "delete_enrollments": _is(4321),
        "revoke_devices": _is(False),
        "cloud": _is("usgovernment"),
        "deadline": _is(77.5),
    },
    EnrollmentGroup: {
        **_ENROLLED,
        "group_id": _is("group-mark"),
        "authorities": _plain(None, _ALONE),
        "ca_references": _is(["ca-mark"]),
        "signing_certificates": _is([CHAIN], ca_references=None),
    },
    IndividualEnrollment: {
        **_ENROLLED,
        "registration_id": _is("device-1"),
        "certificates": _is([_LEAF]),
        "device_id": _is("device-mark"),
    },
    EvidenceLog: {
        "hubs": _plain([], _ALONE),
        "services": _plain([], _ALONE),
        "enrollments": _plain([], _ALONE),
        "fleets": _plain([], _ALONE),
        "devices": _plain([], _ALONE),
        "file": _is("file-mark.jsonl"),
        "cloud": _plain("public"),
    },
    ProvisioningService: {
        "authorities": _plain([], _ALONE),
        "hubs": _plain([]),
        "service": _is(SERVICE.replace("dps-7", "service-mark")),
        "operators": _plain([_GUID]),
        "attest": _is(True),
        "reprove": _is("etag-mark"),
        "adopt": _is(["BC" * 20]),
        "drop_generation": _is(4321),
        "cloud": _plain("public"),
        "deadline": _is(77.5),
    },
    ProvisioningServiceArgs: {
        "name": _is("name-mark"),
        "resource_group": _is("group-mark"),
        "location": _is("region-mark"),
        "units": _is(123),
        "tags": _is({"site": "tag-mark"}),
        "protect": _plain(False),
        "adopt_id": _plain(SERVICE),
        "identity": _is({"type": "identity-mark"}),
        "allocation_policy": _is("Static"),
        "authorization_policies": _is([{"key_name": "policy-mark"}]),
        "enable_data_residency": _is(True),
        "ip_filter_rules": _is([{"filter_name": "filter-mark"}]),
        "portal_operations_host_name": _is("portal-mark"),
        "private_endpoint_connections": _is([]),
        "public_network_access": _is("Disabled"),
    },
    LinkedHub: {
        "hub": _is(HUB.replace("hub-7", "hub-mark")),
        "weight": _is(321),
        "allocate": _is(False),
        "location": _is("region-mark"),
        "policy": _is("policy-mark"),
    },
    EnrollmentCanary: {
        "service": _plain(None, _ALONE),
        "hubs": _plain([], _ALONE),
        "authority": _plain(None, _ALONE),
        "device_id": _is("canary-mark"),
        "enrollments": _plain([], _ALONE),
        "check": _plain(False),
    },
    AuthorityVault: {
        "vault_name": _is("vault-mark"),
        "resource_group": _is("group-mark"),
        "location": _is("region-mark"),
        "hsm": _plain(True, "it decides how keys are made"),
        "network_acls": _is({"default_action": "Deny", "bypass": "bypass-mark"}),
        "public_network_access": _is("disabled"),
        "tags": _is({"site": "tag-mark"}),
        "operators": _plain([_GUID]),
        "cloud": _plain("public"),
    },
    HubArgs: {
        "name": _is("name-mark"),
        "resource_group": _is("group-mark"),
        "location": _is("region-mark"),
        "sku": _is("S2"),
        "units": _is(123),
        "tags": _is({"site": "tag-mark"}),
        "protect": _plain(False),
        "adopt_id": _plain(HUB),
        "identity": _is({"type": "identity-mark"}),
        "allowed_fqdn_list": _is(["host-mark"]),
        "authorization_policies": _is([{"key_name": "policy-mark"}]),
        "cloud_to_device": _is({"max_delivery_count": 4321}),
        "comments": _is("comment-mark"),
        "disable_device_sas": _is(False),
        "disable_local_auth": _is(False),
        "disable_module_sas": _is(False),
        "enable_data_residency": _is(True),
        "enable_file_upload_notifications": _is(True),
        "event_hub_endpoints": _is({"events": {"partition_count": 4321}}),
        "features": _is("feature-mark"),
        "ip_filter_rules": _is([{"filter_name": "filter-mark"}]),
        "messaging_endpoints": _is({"fileNotifications": {"max_delivery_count": 4321}}),
        "min_tls_version": _is("1.2"),
        "network_rule_sets": _is({"default_action": "rule-mark"}),
        "private_endpoint_connections": _is([]),
        "public_network_access": _is("Disabled"),
        "restrict_outbound_network_access": _is(True),
        "routing": _is({"routes": [{"name": "route-mark"}]}),
        "storage_endpoints": _is({"$default": {"container_name": "container-mark"}}),
    },
}
_ENROLLMENTS: dict[type, dict[str, Any]] = {
    EnrollmentFleet: {},
    EnrollmentGroup: {"ca_references": ["root"]},
    IndividualEnrollment: {"registration_id": "device-1", "certificates": [_LEAF]},
}
_SOURCES = {Generate: {"common_name": "P"}, Import: {"chain": CHAIN}, Request: {"common_name": "P"}}


def declare(owner: type, name: str, given: dict[str, Any]) -> None:
    """Declare what has these arguments, with all that it needs and all that uses it; resources begin with ``name``."""
    authority = CertificateAuthority(f"{name}-ca", source=Generate(common_name="P"))
    if owner in _SOURCES:
        authority = CertificateAuthority(name, source=owner(**{**_SOURCES[owner], **given}))
    elif owner in (InKeyVault, InToken):
        authority = CertificateAuthority(name, source=Generate(common_name="P", custody=owner(**given)))
    elif owner in (CertificateAuthority, AuthorityVault):
        owner(name, **({"source": Generate(common_name="P")} if owner is CertificateAuthority else {}) | given)
        return
    if owner in (HubArgs, TrustedHub):
        arguments = {"hub": HubArgs(**given)} if owner is HubArgs else given
        TrustedHub(name, **{"authorities": [authority], "hub": HUB, **arguments})
        return
    if owner in (ProvisioningService, ProvisioningServiceArgs, LinkedHub):
        service = {"service": ProvisioningServiceArgs(**given)} if owner is ProvisioningServiceArgs else {}
        linked = {"hubs": [LinkedHub(**{"hub": HUB, **given})]} if owner is LinkedHub else {}
        ProvisioningService(name, **{"authorities": [authority], **service, **linked, **(given if owner is ProvisioningService else {})})
        return
    if owner in _ENROLLMENTS:
        owner(name, **{"service": SERVICE, **_ENROLLMENTS[owner], **given})
        return
    hub = TrustedHub(f"{name}-hub", authorities=[authority], hub=HUB)
    if owner in (EnrollmentCanary, TrustedModule):
        beside = {EnrollmentCanary: _of_a_canary, TrustedModule: _of_a_module}[owner](name, hub, authority)
        owner(name, **{**beside, **given})
    elif owner in (EvidenceLog, TrustedDevice, TrustedFleet):
        owner(name, **{**({"hubs": [hub]} if owner is EvidenceLog else {"hub": hub, "authority": authority}), **given})
    elif authority.signer is not None:
        TrustedDevice(name, hub=hub, authority=authority, make_key=True)
        TrustedFleet(name, hub=hub, authority=authority, canary="canary")


def _of_a_canary(name: str, hub: TrustedHub, authority: CertificateAuthority) -> dict[str, Any]:
    service = ProvisioningService(f"{name}-dps", authorities=[authority], service=SERVICE)
    return {"service": service, "hubs": [hub], "authority": authority, "device_id": "canary"}


def _of_a_module(name: str, hub: TrustedHub, authority: CertificateAuthority) -> dict[str, Any]:
    return {"device": TrustedDevice(f"{name}-device", hub=hub, authority=authority, make_key=True)}
