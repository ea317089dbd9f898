"""ProvisioningService: the services and hubs that it takes, what ProvisioningServiceArgs can declare, and what is refused."""

import json
from typing import Any

import pulumi
import pytest
from pulumi import _types
from pulumi.runtime import mocks
from pulumi_azure_native import deviceprovisioningservices as dps
from pulumi_azure_native import iothub, resources

from hubtrust.authority import CertificateAuthority
from hubtrust.authority_source import Generate
from hubtrust.dynamic.hub_inputs import stack_name
from hubtrust.hub import TrustedHub
from hubtrust.hub_args import HubArgs
from hubtrust.program_errors import ProgramError
from hubtrust.proven_authorities import AuthoritiesError, SameNameError
from hubtrust.provisioning_args import PROPERTIES, ProvisioningServiceArgs
from hubtrust.provisioning_kinds import ProvisioningServiceIdError
from hubtrust.provisioning_links import LinkedHub, LinkError
from hubtrust.provisioning_managed import ProvisioningServiceArgsError
from hubtrust.provisioning_service import ProvisioningOptionError, ProvisioningService
from tests.kit.remembering_engine import HUB, LINK, OPERATOR, SERVICE, TOKEN, Engine, Monitor, is_secret

_SERVICE = "azure-native:deviceprovisioningservices:IotDpsResource"
_ROLE = "azure-native:authorization:RoleAssignment"
_VERIFIED = "pulumi-python:dynamic/hubtrust:VerifiedCertificate"
_POLICY = "pulumi-python:dynamic/hubtrust:LinkPolicy"
_GROUP = "azure-native:resources:ResourceGroup"
_NAMES = ("service_id", "service_name", "resource_group_name", "id_scope", "host_name", "device_host_name")
UNKNOWN: pulumi.Output[Any] = pulumi.Output(set(), pulumi.Output.from_input(None).future(), pulumi.Output.from_input(False).future())  # type: ignore[arg-type]


def later(value: Any) -> pulumi.Output[Any]:
    """A value that is known when the program runs."""
    return pulumi.Output.from_input(value).apply(lambda known: known)


def authority(name: str = "plant") -> CertificateAuthority:
    """A CA of the program."""
    return CertificateAuthority(name, source=Generate(common_name="Plant", intermediates=0))


def trusted_hub(name: str = "plant", **declared: Any) -> TrustedHub:
    """A hub that takes keys of services, unless ``declared`` says otherwise."""
    return TrustedHub(name, authorities=[], hub=HubArgs(**{"disable_local_auth": False, **declared}))


def declare(**options: Any) -> dict[str, Any]:
    """A provisioning service with one authority; returns its attributes."""
    seen: dict[str, Any] = {}

    @pulumi.runtime.test
    def program() -> Any:
        given = {name: of() if callable(of) else of for name, of in options.items()}
        service = ProvisioningService("plant", **{"authorities": [authority()], **given})
        return pulumi.Output.all(**{name: getattr(service, name) for name in _NAMES}).apply(seen.update)

    program()
    return seen


def refused(error: type[ProgramError], **options: Any) -> str:
    """The error's line; it must have one line and be no traceback of ours."""
    with pytest.raises(error) as caught:
        declare(**options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_its_args_have_every_property_of_azure_natives_service() -> None:
    """By azure-native's names; the linked hubs are an argument of their own, and what Azure alone says of its state is none."""
    known = _types.input_type_py_to_pulumi_names(dps.IotDpsPropertiesDescriptionArgs)
    assert {name: wire for name, wire in known.items() if name not in ("iot_hubs", "state", "provisioning_state")} == dict(PROPERTIES)
    own = set(_types.input_type_py_to_pulumi_names(dps.IotDpsResourceArgs))
    other_form = {"resource_group_name", "provisioning_service_name", "properties", "sku", "resourcegroup", "subscriptionid"}
    assert own - other_form <= ProvisioningServiceArgs.__dataclass_fields__.keys()


def test_a_service_of_this_stack(engine: Engine) -> None:
    """In a group of its own, named and tagged by its owner, protected; its CA is proven there, and its operator gets the role."""
    printed = declare(hubs=lambda: [trusted_hub()], operators=[OPERATOR])
    assert printed == {
        "service_id": SERVICE,
        "service_name": "dps-7",
        "resource_group_name": "plant",
        "id_scope": "0ne00CAF894",
        "host_name": "dps-7.azure-devices-provisioning.net",
        "device_host_name": "global.azure-devices-provisioning.net",
    }
    inputs = engine.inputs(_SERVICE)
    assert (inputs["provisioningServiceName"], inputs["sku"]) == ("plant01234567", {"name": "S1", "capacity": 1})
    assert inputs["tags"] == {"hubtrust": f"{stack_name()} {TOKEN}"}
    assert engine.request(_SERVICE).protect
    parent = engine.request(_SERVICE).parent
    assert parent.endswith("hubtrust:index:ProvisioningService::plant")
    certificate = next(one for one in engine.every if one.typ == _VERIFIED)
    assert (certificate.name, certificate.inputs["serviceId"]) == ("plant-plant-g1", SERVICE)
    assert engine.request(_VERIFIED).deletedWith.endswith(f"{_SERVICE}::plant")
    role = engine.inputs(_ROLE)
    assert (role["scope"], role["principalId"]) == (SERVICE, OPERATOR)
    assert role["roleDefinitionId"].endswith("dfce44e4-17b7-4bd1-a6d1-04996ec95633"), "Device Provisioning Service Data Contributor"


def test_a_link(engine: Engine) -> None:
    """A policy named after the service, deleted with the hub; the key is a secret in what the service is told."""
    declare(hubs=lambda: [LinkedHub(hub=trusted_hub("press"), weight=7, allocate=False), HUB.replace("hub-7", "hub-8")])
    first, second = engine.inputs(_POLICY, "plant-press"), engine.inputs(_POLICY, "plant-hub-8")
    assert (first["policyName"], first["make"]) == ("hubtrust-plant01234567", True)
    assert second["hubId"] == HUB.replace("hub-7", "hub-8")
    assert engine.request(_POLICY, "plant-press").deletedWith.endswith("IotHubResource::press")
    assert engine.request(_POLICY, "plant-hub-8").deletedWith == ""
    links = engine.named(_SERVICE, "plant")["properties"]["iotHubs"]
    assert [is_secret(link["connectionString"]) for link in links] == [True, True]
    assert [(link.get("allocationWeight"), link.get("applyAllocationPolicy")) for link in links] == [(7, False), (None, None)]
    told = {kind: sent for kind, sent in engine.sent.items() if "KEY-MARK" in json.dumps(sent)}
    assert set(told) == {(_SERVICE, "plant")}
    assert LINK.endswith("KEY-MARK")


def test_a_policy_that_is_there_is_used(engine: Engine) -> None:
    """Also where the hub's policies are declared, which would take away one that is made here."""
    rule = {"key_name": "links", "rights": "RegistryWrite, ServiceConnect"}
    declared = refused(LinkError, hubs=lambda: [trusted_hub(authorization_policies=[rule])])
    assert declared.startswith("provisioning service 'plant': its hub 'plant' declares authorization_policies")
    assert "name it: LinkedHub(hub=…, policy='…')" in declared
    declare(hubs=lambda: [LinkedHub(hub=trusted_hub("press", authorization_policies=[rule]), policy=later("links"))])
    found = engine.inputs(_POLICY, "plant-press")
    assert (found["policyName"], found["make"]) == ("links", False)


@pytest.mark.parametrize("declared", [{"disable_local_auth": None}, {"disable_local_auth": True}], ids=["default", "declared"])
def test_a_hub_that_takes_no_keys_is_refused(engine: Engine, declared: dict[str, Any]) -> None:
    """With what to do, before anything is made; where nobody says it, the run finds it out."""
    words = refused(LinkError, hubs=lambda: [trusted_hub(**declared)])
    assert words.startswith("hub 'plant': disableLocalAuth is set, and a provisioning service signs in to a hub with a key of one of its")
    assert "set disable_local_auth=False in its HubArgs" in words
    assert _SERVICE not in engine.registered
    for undecided in ({"disable_local_auth": later(True)}, {"adopt_id": HUB, "disable_local_auth": None}):
        pulumi.runtime.settings.SETTINGS = pulumi.runtime.Settings("project", "stack")
        mocks.set_mocks(engine, preview=False, monitor=Monitor(engine))
        declare(hubs=lambda of=undecided: [trusted_hub(**of)])


@pytest.mark.parametrize("as_output", [False, True], ids=["plain", "Output"])
def test_what_can_not_be_linked(engine: Engine, as_output: bool) -> None:
    """In one line; an Output when it is known."""
    wrong: dict[Any, tuple[type[ProgramError], str]] = {
        5: (LinkError, "one of its hubs is of type int; give a TrustedHub, a LinkedHub or the resource id of a hub"),
        SERVICE: (ProgramError, "it is not the resource id of an IoT hub"),
        "": (ProgramError, "it is not the resource id of an IoT hub"),
    }
    for value, (error, words) in wrong.items():
        if not (as_output and value == 5):
            assert words in refused(error, hubs=[later(value) if as_output else value])
    for field, value, words in (
        ("weight", 0, "weight: it is 0; use a whole number from 1 to 1000"),
        ("weight", 1.5, "use a whole number"),
        ("location", "", "location: it is empty"),
        ("allocate", "yes", "allocate of a linked hub: it is 'yes'; use True or False"),
    ):
        assert words in refused(LinkError, hubs=[LinkedHub(hub=HUB, **{field: later(value) if as_output else value})])
    assert _SERVICE not in engine.registered


def test_hubs_as_a_whole(engine: Engine) -> None:
    """A plain list, each hub once, at most fifty, all in the service's cloud."""
    assert "the hubs are an Output; they decide which resources there are" in refused(LinkError, hubs=lambda: later([]))
    assert "the hubs are of type int" in refused(LinkError, hubs=5)
    assert "is linked twice; link it once" in refused(LinkError, hubs=[HUB, HUB.replace("IotHubs", "iothubs")])
    both = refused(LinkError, hubs=lambda: [trusted_hub("hub-7"), HUB])
    assert "a hub in Azure and a TrustedHub of this program are both called 'hub-7'" in both
    many = [HUB.replace("hub-7", f"hub-{number}") for number in range(51)]
    assert "51 hubs are linked; use at most 50" in refused(LinkError, hubs=many)
    china = refused(LinkError, hubs=lambda: [TrustedHub("press", authorities=[], hub=HUB, cloud="china")])
    assert "its hub 'press' is in cloud 'china', and the service in 'public'; use one cloud" in china
    for service in (SERVICE, lambda: dps.IotDpsResource.get("own", SERVICE)):
        pulumi.runtime.settings.SETTINGS = pulumi.runtime.Settings("project", "stack")
        mocks.set_mocks(engine, preview=False, monitor=Monitor(engine))
        words = refused(LinkError, hubs=[HUB], service=service)
        assert "hubs are given for a service that this component does not manage" in words


def test_a_service_of_the_program(engine: Engine) -> None:
    """It is neither tagged nor linked here, also one of another api-version; what is on one that is only read is deleted one by one."""

    def own() -> dps.IotDpsResource:
        return dps.IotDpsResource("own", resource_group_name="g", sku={"name": "S1"}, properties={})

    printed = declare(service=own)
    assert (printed["service_id"], printed["resource_group_name"]) == (SERVICE, "g")
    assert "tags" not in engine.inputs(_SERVICE)
    assert engine.request(_VERIFIED).deletedWith.endswith(f"{_SERVICE}::own")
    engine.forget()
    declare(service=lambda: dps.IotDpsResource.get("own", SERVICE))
    assert engine.request(_VERIFIED).deletedWith == ""
    assert not [kind for kind in engine.registered if kind.endswith((":HubOwner", ":ResourceGroup"))]


@pytest.mark.parametrize(
    "form", [SERVICE, f"{SERVICE}/", SERVICE.replace("S", "s", 1), later(SERVICE)], ids=["plain", "slash", "case", "Output"]
)
def test_a_service_by_its_id(engine: Engine, form: Any) -> None:
    """In each form of the id, only certificates and roles are declared."""
    printed = declare(service=form, operators=[OPERATOR])
    assert (printed["service_name"], printed["resource_group_name"]) == ("dps-7", "g")
    assert engine.inputs(_VERIFIED)["serviceId"].rstrip("/").lower() == SERVICE.lower()
    assert _SERVICE not in engine.registered
    assert engine.inputs(_ROLE)["scope"].rstrip("/").lower() == SERVICE.lower()


def test_an_id_that_a_preview_does_not_know(engine: Engine) -> None:
    """Nothing is looked up, and nothing is refused."""
    mocks.set_mocks(engine, preview=True, monitor=Monitor(engine))
    assert declare(service=lambda: UNKNOWN) == {}


@pytest.mark.parametrize("as_output", [False, True], ids=["plain", "Output"])
def test_what_is_no_service_is_refused(engine: Engine, as_output: bool) -> None:
    """In one line that names what it is."""
    wrong: dict[Any, str] = {
        5: "it is of type int; give an IotDpsResource, the resource id of a provisioning service, or ProvisioningServiceArgs",
        "": "it is not the resource id of a provisioning service",
        HUB: "it is not the resource id of a provisioning service; use /subscriptions/",
    }
    for value, words in wrong.items():
        assert words in refused(ProvisioningServiceIdError, service=later(value) if as_output else value)
    assert _VERIFIED not in engine.registered
    if not as_output:
        group = refused(ProvisioningServiceIdError, service=lambda: resources.ResourceGroup("group"))
        assert "it is a resource of type azure-native:resources:ResourceGroup" in group
        hub = refused(ProvisioningServiceIdError, service=lambda: iothub.IotHubResource("h", resource_group_name="g", sku={"name": "S1"}))
        assert "it is a resource of type azure-native:iothub:IotHubResource" in hub
        for none in (None, ProvisioningServiceArgs()):
            with pytest.raises(ProvisioningServiceIdError, match="the existing provisioning service's id: it is "):
                ProvisioningService.existing("plant", none, authorities=[])  # type: ignore[arg-type]


def test_everything_that_is_declared_is_applied(engine: Engine) -> None:
    """Outputs, dicts and Args; only what private endpoints add is ignored, and a generated name."""
    rule = {"filter_name": "office", "ip_mask": "10.0.0.0/8", "action": "Accept", "target": "serviceApi"}
    args = ProvisioningServiceArgs(
        name=later("own-dps"),
        resource_group="own-group",
        location="westeurope",
        units=later(3),
        tags={"site": later("a")},
        protect=False,
        identity={"type": "SystemAssigned"},
        allocation_policy=later("GeoLatency"),
        ip_filter_rules=[rule],
        public_network_access="Enabled",
    )
    declare(service=args)
    inputs = engine.inputs(_SERVICE)
    assert (inputs["provisioningServiceName"], inputs["resourceGroupName"]) == ("own-dps", "own-group")
    assert (inputs["location"], inputs["sku"], inputs["identity"]) == (
        "westeurope",
        {"name": "S1", "capacity": 3},
        {"type": "SystemAssigned"},
    )
    assert inputs["properties"] == {
        "allocationPolicy": "GeoLatency",
        "ipFilterRules": [{"filterName": "office", "ipMask": "10.0.0.0/8", "action": "Accept", "target": "serviceApi"}],
        "publicNetworkAccess": "Enabled",
        "iotHubs": [],
    }
    assert inputs["tags"] == {"site": "a", "hubtrust": f"{stack_name()} {TOKEN}"}
    assert list(engine.request(_SERVICE).ignoreChanges) == ["properties.privateEndpointConnections"]
    assert not engine.request(_SERVICE).protect
    assert _GROUP not in engine.registered


@pytest.mark.parametrize("as_output", [False, True], ids=["plain", "Output"])
@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "global", "'global' is not a valid name; use 3 to 50 letters, digits and hyphens"),
        ("name", "-a-", "is not a valid name"),
        ("units", 0, "units: it is 0; use a whole number from 1 to 200"),
        ("allocation_policy", "custom", "use Hashed, GeoLatency, Static; custom allocation belongs to an enrollment"),
        ("public_network_access", "On", "it is 'On'; use Enabled or Disabled"),
        ("tags", {"hubtrust": "x"}, "it names the stack that manages the hub; leave it out"),
        ("ip_filter_rules", [{"filtername": "x"}], "a provisioning service has nothing of that name, and Azure would ignore it"),
        ("identity", {"kind": "x"}, "a provisioning service has nothing of that name"),
    ],
)
def test_a_field_that_can_not_be(engine: Engine, field: str, value: Any, words: str, as_output: bool) -> None:
    """Plain ones at once, an Output when it is known."""
    args = ProvisioningServiceArgs(**{field: later(value) if as_output else value})
    assert words in refused(ProvisioningServiceArgsError, service=args)
    assert _SERVICE not in engine.registered


def test_what_decides_which_resources_there_are(engine: Engine) -> None:
    """It is plain, and not contradicted."""
    assert "protect is 1; use True or False" in refused(ProvisioningServiceArgsError, service=ProvisioningServiceArgs(protect=1))  # type: ignore[arg-type]
    waits = ProvisioningServiceArgs(adopt_id=later(SERVICE))  # type: ignore[arg-type]
    assert "adopt_id is an Output" in refused(ProvisioningServiceArgsError, service=waits)
    both = ProvisioningServiceArgs(adopt_id=SERVICE, name="own", resource_group="g")
    assert "adopt_id is given together with name and resource_group" in refused(ProvisioningServiceArgsError, service=both)
    assert "the adopted provisioning service's id" in refused(ProvisioningServiceIdError, service=ProvisioningServiceArgs(adopt_id=HUB))
    assert "deadline of provisioning service 'plant'" in refused(ProvisioningOptionError, deadline=0)
    assert "they are an Output" in refused(AuthoritiesError, authorities=lambda: later([]))
    assert "two of them are called 'plant'" in refused(SameNameError, authorities=lambda: [authority(), authority()][:1] * 2)
    assert _SERVICE not in engine.registered


def test_an_adopted_service_keeps_what_is_not_declared(engine: Engine) -> None:
    """It is imported; its links stay unless hubs are declared."""
    declare(service=ProvisioningServiceArgs(adopt_id=SERVICE, allocation_policy="Static"))
    request = engine.request(_SERVICE, "plant")
    assert request.importId == SERVICE
    ignored = set(request.ignoreChanges)
    assert {"properties.iotHubs", "properties.ipFilterRules", "location", "sku.capacity", "identity"} <= ignored
    assert "properties.allocationPolicy" not in ignored
    engine.forget()
    declare(service=ProvisioningServiceArgs(adopt_id=SERVICE), hubs=[HUB])
    assert "properties.iotHubs" not in engine.request(_SERVICE, "plant").ignoreChanges
