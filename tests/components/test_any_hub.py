"""The three kinds of hubs that a TrustedHub takes, what HubArgs can declare, and what is refused, now or when it is known."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from pulumi import _types
from pulumi.runtime import mocks
from pulumi_azure_native import iothub, resources

from hubtrust.authority import CertificateAuthority
from hubtrust.authority_source import Generate
from hubtrust.cloud_choice import CloudChoiceError
from hubtrust.hub import TrustedHub
from hubtrust.hub_args import DEFAULTS, PROPERTIES, HubArgs
from hubtrust.hub_kinds import HubIdError
from hubtrust.hub_managed import HubArgsError
from hubtrust.hub_undeclared import undeclared_paths
from hubtrust.operators import OperatorError
from hubtrust.program_errors import ProgramError
from hubtrust.proven_authorities import AuthoritiesError
from hubtrust.replaced_arguments import ReplacedArgumentError
from tests.kit.remembering_engine import HUB, OPERATOR, Engine, Monitor

_HUB = "azure-native:iothub:IotHubResource"
_ROLE = "azure-native:authorization:RoleAssignment"
_VERIFIED = "pulumi-python:dynamic/hubtrust:VerifiedCertificate"
_OTHER = "66666666-7777-8888-9999-000000000000"
UNKNOWN: pulumi.Output[Any] = pulumi.Output(set(), pulumi.Output.from_input(None).future(), pulumi.Output.from_input(False).future())  # type: ignore[arg-type]


def later(value: Any) -> pulumi.Output[Any]:
    """A value that is known when the program runs."""
    return pulumi.Output.from_input(value).apply(lambda known: known)


def declare(**options: Any) -> dict[str, Any]:
    """A hub that trusts one authority; returns its attributes."""
    seen: dict[str, Any] = {}

    @pulumi.runtime.test
    def program() -> Any:
        authority = CertificateAuthority("plant", source=Generate(common_name="Plant"))
        hub = TrustedHub("plant", authorities=[authority], **{name: of() if callable(of) else of for name, of in options.items()})
        names = ("hub_id", "hub_name", "resource_group_name", "host_name", "public_network_access")
        return pulumi.Output.all(**{name: getattr(hub, name) for name in names}).apply(seen.update)

    program()
    return seen


def refused(error: type[ProgramError], **options: Any) -> str:
    """The error's line; it must have one line and be no traceback of ours."""
    with pytest.raises(error) as caught:
        declare(**options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_hub_args_has_every_property_of_azure_natives_hub() -> None:
    """By azure-native's names; the hub's own arguments have a field here too, or take another form: name, resource_group, sku and units."""
    assert _types.input_type_py_to_pulumi_names(iothub.IotHubPropertiesArgs) == dict(PROPERTIES)
    own = set(_types.input_type_py_to_pulumi_names(iothub.IotHubResourceArgs))
    assert own - {"resource_group_name", "resource_name", "properties"} <= HubArgs.__dataclass_fields__.keys()


def test_a_hub_of_the_program_is_trusted_and_not_managed(engine: Engine) -> None:
    """What belongs to it is deleted with it; there is no owner and no tag; its operators get roles."""
    printed = declare(hub=lambda: iothub.IotHubResource("own", resource_group_name="g", sku={"name": "S1"}), operators=[OPERATOR])
    assert (printed["hub_id"], printed["host_name"], printed["resource_group_name"]) == (HUB, "hub-7.azure-devices.net", "g")
    assert engine.request(_VERIFIED).deletedWith.endswith(f"{_HUB}::own")
    assert engine.request(_ROLE).deletedWith.endswith(f"{_HUB}::own")
    assert "tags" not in engine.inputs(_HUB)
    declare(hub=lambda: iothub.IotHubResource.get("own", HUB))
    assert engine.request(_VERIFIED).deletedWith == "", "a hub that is only read stays, and nothing may stay on it"
    assert not [kind for kind in engine.registered if kind.endswith((":HubOwner", ":ResourceGroup"))]


@pytest.mark.parametrize("form", [HUB, f"{HUB}/", HUB.replace("IotHubs", "iothubs"), later(HUB)], ids=["plain", "slash", "case", "Output"])
def test_a_hub_by_its_id(engine: Engine, form: Any) -> None:
    """In each form of the id, also as an Output of another stack, only certificates are declared."""
    printed = declare(hub=form)
    assert (printed["hub_name"], printed["resource_group_name"], printed["host_name"]) == ("hub-7", "g", "hub-7.azure-devices.net")
    assert str(engine.inputs(_VERIFIED)["serviceId"]).lower() == HUB.lower()
    assert _HUB not in engine.registered


def test_an_id_that_a_preview_does_not_know(engine: Engine) -> None:
    """Nothing is looked up, and nothing is refused."""
    mocks.set_mocks(engine, preview=True, monitor=Monitor(engine))
    assert declare(hub=lambda: UNKNOWN, operators=lambda: [UNKNOWN]) == {}
    assert _ROLE not in engine.registered
    declare(hub=lambda: UNKNOWN, operators=lambda: {"plant": UNKNOWN})
    assert _ROLE in engine.registered


@pytest.mark.parametrize("as_output", [False, True], ids=["plain", "Output"])
def test_what_is_no_hub_is_refused(engine: Engine, as_output: bool) -> None:
    """In one line that names what it is; an Output when it is known."""
    provisioning = HUB.replace("IotHubs", "provisioningServices")
    wrong: Mapping[Any, str] = {
        5: "it is of type int; give an IotHubResource, the resource id of a hub, or HubArgs",
        "": "it is not the resource id of an IoT hub",
        provisioning: "it is not the resource id of an IoT hub; use /subscriptions/",
        f"{HUB}/certificates/c": "it is not the resource id of an IoT hub",
        (HUB,): "it is of type tuple" if not as_output else "it is of type ",
    }
    for value, words in wrong.items():
        assert words in refused(HubIdError, hub=later(value) if as_output else value)
    assert _VERIFIED not in engine.registered
    if not as_output:
        group = refused(HubIdError, hub=lambda: resources.ResourceGroup("group"))
        assert "it is a resource of type azure-native:resources:ResourceGroup" in group
        for none in (None, HubArgs()):
            with pytest.raises(HubIdError, match="the existing hub's id: it is "):
                TrustedHub.existing("plant", none, authorities=[])  # type: ignore[arg-type]


def test_the_cloud_is_plain(engine: Engine) -> None:
    """It decides where everything is."""
    assert "cloud: it is an Output; it decides where everything is; give a plain text" in refused(
        CloudChoiceError, hub=HUB, cloud=later("public")
    )
    assert _VERIFIED not in engine.registered


def test_replaced_arguments_and_authorities(engine: Engine) -> None:
    """Those of earlier versions name what takes their place; authorities are a plain list."""
    assert "there is no argument settings any more; give hub=HubArgs" in refused(ReplacedArgumentError, settings=HubArgs())
    assert "there is no argument existing_id any more; give hub=" in refused(ReplacedArgumentError, existing_id=HUB)
    for authorities, words in ((later([]), "they are an Output"), ([5], "one of them is of type int"), (5, "they are of type int")):
        with pytest.raises(AuthoritiesError, match=words):
            TrustedHub("plant", authorities=authorities)
    assert _HUB not in engine.registered


def test_everything_that_is_declared_is_applied(engine: Engine) -> None:
    """Outputs, dicts and Args, also nested, with the defaults beneath; only what private endpoints add is ignored, and a generated name."""
    declare(
        hub=lambda: HubArgs(
            name=later("hub-7"),
            resource_group=later("g"),
            location=later("westeurope"),
            sku=iothub.IotHubSkuInfoArgs(name=later("S2"), capacity=3),
            tags={"plant": later("a")},
            identity=iothub.ArmIdentityArgs(type="SystemAssigned"),
            public_network_access=iothub.PublicNetworkAccess.DISABLED,
            network_rule_sets=later({"apply_to_built_in_event_hub_endpoint": True, "ip_rules": []}),
            disable_device_sas=later(False),
        )
    )
    sent = engine.inputs(_HUB)
    assert (sent["resourceName"], sent["resourceGroupName"], sent["location"], sent["sku"]) == (
        "hub-7",
        "g",
        "westeurope",
        {"name": "S2", "capacity": 3},
    )
    assert (sent["tags"]["plant"], sent["identity"]) == ("a", {"type": "SystemAssigned"})
    assert sent["properties"] == {
        "minTlsVersion": "1.2",
        "disableLocalAuth": True,
        "disableModuleSAS": True,
        "disableDeviceSAS": False,
        "publicNetworkAccess": "Disabled",
        "networkRuleSets": {"applyToBuiltInEventHubEndpoint": True, "ipRules": []},
    }
    connections = "properties.privateEndpointConnections"
    assert list(engine.request(_HUB).ignoreChanges) == [connections], "private endpoints add them"
    declare(hub=HubArgs(name="hub-7", private_endpoint_connections=[]))
    assert list(engine.request(_HUB).ignoreChanges) == []


def test_an_adopted_hub_keeps_every_property_that_is_undeclared(engine: Engine) -> None:
    """What is declared is applied; everything else is ignored."""
    declare(hub=HubArgs(adopt_id=HUB, public_network_access="Disabled"))
    ignored = set(engine.request(_HUB, "plant").ignoreChanges)
    assert ignored == {"location", "sku.name", "sku.capacity", "identity"} | {
        f"properties.{name}" for name in PROPERTIES.values() if name != "publicNetworkAccess"
    }
    assert engine.inputs(_HUB, "plant")["properties"] == {"publicNetworkAccess": "Disabled"}


def test_what_a_hub_of_an_earlier_version_keeps() -> None:
    """Not what the program declares, nor what a transformation adds to it."""
    kept = undeclared_paths({"properties": {"publicNetworkAccess": "Disabled"}, "identity": {"type": "SystemAssigned"}}, HubArgs())
    assert ("properties.publicNetworkAccess" in kept, "identity" in kept, "properties.routing" in kept) == (False, False, True)
    declared = {f"properties.{PROPERTIES[name]}" for name in DEFAULTS}
    assert not declared & set(undeclared_paths({}, HubArgs()))


_WRONG: Mapping[str, tuple[dict[str, Any], str]] = {
    "adopted and named": ({"adopt_id": HUB, "name": "hub-8"}, "adopt_id is given together with name; leave out name"),
    "adopted into a group": ({"adopt_id": HUB, "resource_group": later("g")}, "adopt_id is given together with resource_group"),
    "an adopted id that is an Output": ({"adopt_id": later(HUB)}, "adopt_id is an Output; it decides which resources there are"),
    "protection in words": ({"protect": "yes"}, "protect is 'yes'; use True or False"),
    "F1": ({"sku": "F1", "units": 2}, "sku F1 has one unit, but units is 2; set units to 1"),
    "no sku": ({"sku": "S9"}, "sku: it is 'S9'; use F1, B1"),
    "half a unit": ({"units": 1.5}, "units: it is 1.5; use a whole number"),
    "no size in it": ({"sku": {}}, "sku: it is nothing"),
    "a size twice": ({"sku": {"name": "S1", "capacity": 2}, "units": 2}, "units and sku's capacity are both given"),
    "access in words": ({"public_network_access": "maybe"}, "publicNetworkAccess: it is 'maybe'; use Enabled or Disabled"),
    "an unknown version": ({"min_tls_version": "1.7"}, "minTlsVersion: it is '1.7'; use 1.2 or 1.0"),
    "a misspelt name": (
        {"routing": {"routez": []}},
        "routing.routez: a hub has nothing of that name, and Azure would ignore it; use endpoints,",
    ),
    "a misspelt name in a list": ({"routing": {"routes": [{"nam": "x"}]}}, "routing.routes[0].nam: a hub has nothing of that name"),
    "a misspelt name in a mapping": (
        {"event_hub_endpoints": {"events": {"partitions": 4}}},
        "event_hub_endpoints.events.partitions: a hub",
    ),
    "a misspelt name below Args": (
        {"routing": iothub.RoutingPropertiesArgs(endpoints={"event_hub": []})},  # type: ignore[typeddict-unknown-key]
        "routing.endpoints.event_hub: a hub has nothing of that name",
    ),
    "a misspelt identity": ({"identity": {"typ": "SystemAssigned"}}, "identity.typ: a hub has nothing of that name"),
    "no name": ({"name": ""}, "'' is not a valid hub name"),
    "a name of another type": ({"name": 5}, "the hub's name: it is of type int"),
    "an underscore": ({"name": "a_b"}, "'a_b' is not a valid hub name; use 3 to 50 letters"),
    "no group": ({"resource_group": ""}, "the resource group's name: '' is not a valid name"),
    "no location": ({"location": ""}, "location: it is empty; name a region"),
    "a list of tags": ({"tags": ["a=b"]}, "tags: they are of type list"),
    "a number as a tag": ({"tags": {"a": 5}}, "tag 'a': it is of type int"),
    "our own tag": ({"tags": {"HubTrust": "x"}}, "tag 'HubTrust': it names the stack that manages the hub"),
    "a sign that Azure refuses": ({"tags": {"a/b": "x"}}, "Azure does not accept this tag name"),
    "a long tag": ({"tags": {"a": "x" * 257}}, "its value has 257 characters; use at most 256"),
    "too many tags": ({"tags": {str(number): "" for number in range(50)}}, "use at most 49"),
}


@pytest.mark.parametrize("case", _WRONG)
def test_wrong_arguments_of_a_hub_are_refused(engine: Engine, case: str) -> None:
    """At once where they are plain, before anything is declared; otherwise when they are known."""
    fields, words = _WRONG[case]
    assert words in refused(HubArgsError, hub=HubArgs(**fields))
    assert not {_HUB, "azure-native:resources:ResourceGroup"} & engine.registered
    plain = {"adopt_id", "protect", "resource_group", *(["sku"] if isinstance(fields.get("sku"), dict) else [])}
    if not plain & fields.keys():
        assert words in refused(HubArgsError, hub=HubArgs(**{name: later(value) for name, value in fields.items()}))
    assert _HUB not in engine.registered


@pytest.mark.parametrize(
    "operators",
    [
        [later(OPERATOR)],
        [OPERATOR, later(OPERATOR), f"ServicePrincipal:{OPERATOR}", later(f"ServicePrincipal:{OPERATOR}")],
        {"plant": later(OPERATOR)},
        (later(OPERATOR),),
    ],
    ids=["an Output", "the same in several forms", "a mapping", "a tuple"],
)
def test_operators_may_be_outputs(engine: Engine, operators: Any) -> None:
    """One role for each principal. Its resource is named by the object id, whether that is plain or an Output; in a mapping by the key."""
    declare(operators=operators)
    name = "plant" if isinstance(operators, dict) else OPERATOR
    assert [one for one in engine.names if "-operator-" in one] == [f"plant-operator-{name}"]
    assert engine.inputs(_ROLE)["principalId"] == OPERATOR


def test_an_operator_stays_if_another_one_is_removed(engine: Engine) -> None:
    """Roles of a list are named by their principals, so that the others keep their resources."""
    declare(operators=[later(OPERATOR), later(_OTHER)])
    both = {one for one in engine.names if "-operator-" in one}
    engine.names.clear()
    declare(operators=[later(_OTHER)])
    assert {one for one in engine.names if "-operator-" in one} == both - {f"plant-operator-{OPERATOR}"}


@pytest.mark.parametrize(
    ("operators", "words"),
    [
        (["me@contoso.com"], "operator 'me@contoso.com': it is not an object id"),
        ([later("me@contoso.com")], "operator 'me@contoso.com': it is not an object id"),
        ([5], "operator: it is of type int"),
        ([later(None)], "operator: it is nothing"),
        (later([OPERATOR]), "operators: it is an Output; it decides which resources there are"),
        (OPERATOR, "operators: it is of type str; give a list"),
        ([OPERATOR, f"User:{OPERATOR}"], "it is given as ServicePrincipal and as User; give it once"),
        ([OPERATOR, later(f"User:{OPERATOR}")], "it is given as ServicePrincipal and as User; give it once"),
        (["deployer", OPERATOR], f"both are {OPERATOR}; give each operator once"),
        ({"a": OPERATOR, "b": OPERATOR.upper()}, "operators 'a' and 'b': both are "),
        ({"a": later(OPERATOR), "b": later(OPERATOR)}, f"both are {OPERATOR}; give each operator once"),
        ({"": OPERATOR}, "a key is ''; use texts as keys"),
    ],
)
def test_wrong_operators_are_refused(engine: Engine, operators: Any, words: str) -> None:
    """In one line, at once or when they are known."""
    assert words in refused(OperatorError, operators=operators)
    assert isinstance(engine, Engine)
