"""The rule `network-exposure`: which addresses of the internet reach a hub or a provisioning service."""

import json
from typing import Any

import pytest
from pulumi_policy.proxy import unknown_checking_proxy

from hubtrust.hub_args import HubArgs
from policies.rules.resource import UNKNOWN, NotKnownYetError, Resource
from settings import Settings
from tests.policies.judging import before

HUB, PROVISIONING = "azure-native:iothub:IotHubResource", "azure-native:deviceprovisioningservices:IotDpsResource"
CLASSIC_HUB, CLASSIC_PROVISIONING = "azure:iot/ioTHub:IoTHub", "azure:iot/iotHubDps:IotHubDps"


def allow(*masks: str, **more: Any) -> dict[str, Any]:
    """Network rules of a hub that let these in and nobody else."""
    rules = [{"filterName": f"r{place}", "ipMask": mask, "action": "Allow"} for place, mask in enumerate(masks)]
    return {"defaultAction": "Deny", "applyToBuiltInEventHubEndpoint": True, "ipRules": rules, **more}


def hub(rules: Any = None, **properties: Any) -> Resource:
    return Resource(HUB, {"properties": {"networkRuleSets": rules, **properties}})


def provisioning(*rules: tuple[str, ...], **properties: Any) -> Resource:
    """A provisioning service; each rule is action, addresses and perhaps a target."""
    filters = [dict(zip(("action", "ipMask", "target"), rule, strict=False)) for rule in rules]
    return Resource(PROVISIONING, {"properties": {"ipFilterRules": filters, **properties}})


def azapi(body: Any) -> Resource:
    return Resource("azapi:index/resource:Resource", {"type": "Microsoft.Devices/IotHubs@2023-06-30", "body": body})


REJECT_ALL = ("Reject", "0.0.0.0/0")


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        (hub(), "is not set, so every address is let in"),
        (hub(publicNetworkAccess="Enabled"), "is not set, so every address is let in"),
        (hub(allow("203.0.113.0/24", defaultAction="Allow")), "default action is Allow"),
        (hub(allow("203.0.113.0/24", applyToBuiltInEventHubEndpoint=False)), "built-in event hub endpoint"),
        (hub(allow("203.0.113.0/24", applyToBuiltInEventHubEndpoint=None)), "built-in event hub endpoint"),
        (hub(allow("0.0.0.0/0")), "4,294,967,296 addresses, but at most 65,536"),
        (hub(allow("0.0.0.0/1", "128.0.0.0/1")), "4,294,967,296"),
        (hub(allow("203.0.0.0/16", "198.51.100.7")), "65,537"),
        (hub(allow("203.0.113.0/40")), "no range in CIDR notation"),
        (hub(allow("10.0.0.0/7")), "33,554,432"),
        (Resource("azure-native:devices/v20230630:IotHubResource", {"properties": {}}), "is not set, so every address is let in"),
        (Resource(CLASSIC_HUB, {}), "is not set, so every address is let in"),
        (Resource(CLASSIC_HUB, {"networkRuleSets": [{"ipRules": [{"ipMask": "203.0.113.0/24"}]}]}), "built-in event hub endpoint"),
        (azapi({"PROPERTIES": {"NetworkRuleSets": allow() | {"ipRules": [{"IPMASK": "0.0.0.0/0"}]}}}), "4,294,967,296"),
        (azapi(json.dumps({"properties": {}})), "is not set, so every address is let in"),
        (provisioning(("Accept", "0.0.0.0/0", "anybody"), REJECT_ALL), "4,294,967,296"),
        (provisioning(("Reject", "0.0.0.0/0", "anybody")), "4,294,967,296"),
        (provisioning(), "deviceApi: properties.ipFilterRules lets in 4,294,967,296"),
        (provisioning(("Accept", "203.0.113.0/24")), "4,294,967,296"),
        (provisioning(("Accept", "0.0.0.0/0"), REJECT_ALL), "4,294,967,296"),
        (provisioning(("Reject", "0.0.0.0/1")), "2,147,483,648"),
        (provisioning(("Reject", "203.0.113.0/24")), "4,294,967,040"),
        (provisioning(("Accept", "noise"), REJECT_ALL), "no range in CIDR notation"),
        (provisioning(("Reject", "noise")), "4,294,967,296"),
        (Resource(CLASSIC_PROVISIONING, {"publicNetworkAccessEnabled": True}), "4,294,967,296"),
    ],
)
def test_an_endpoint_that_lets_in_too_many_is_reported(resource: Resource, named: str) -> None:
    """Whatever declares it; halves of the internet are added, and each address is counted once."""
    message, *others = before("network-exposure", resource)
    assert named in message
    assert len(others) == (1 if "rovisioning" in resource.type or "Dps" in resource.type else 0), "both APIs of a provisioning service"


@pytest.mark.parametrize(
    "resource",
    [
        hub(publicNetworkAccess="Disabled"),
        hub(publicNetworkAccess="disabled"),
        hub(allow()),
        hub(allow("203.0.113.0/24", "203.0.113.0/25", "203.0.0.0/16")),
        hub(allow("203.0.113.0/24", "10.0.0.0/8", "192.168.0.0/16", defaultAction=None)),
        hub(allow("203.0.113.0/24", applyToBuiltInEventHubEndpoint="true", defaultAction="deny")),
        azapi({"properties": {"networkrulesets": allow("203.0.113.0/24")}}),
        Resource(CLASSIC_HUB, {"publicNetworkAccessEnabled": False}),
        Resource(CLASSIC_HUB, {"networkRuleSets": [{"applyToBuiltinEventhubEndpoint": True, "ipRules": [{"ipMask": "203.0.113.0/24"}]}]}),
        provisioning(publicNetworkAccess="Disabled"),
        provisioning(REJECT_ALL),
        provisioning(("Accept", "203.0.113.0/24"), REJECT_ALL, ("Accept", "0.0.0.0/0")),
        provisioning(("Accept", "203.0.113.0/24", "serviceApi"), ("Reject", "0.0.0.0/0", "all")),
        provisioning(("Reject", "0.0.0.0/0", "deviceApi"), ("Reject", "0.0.0.0/0", "serviceApi")),
        Resource(CLASSIC_PROVISIONING, {"ipFilterRules": [{"action": "Reject", "ipMask": "0.0.0.0/0", "target": "all"}]}),
        Resource("random:index/randomId:RandomId", {}),
    ],
)
def test_an_endpoint_for_known_addresses_is_fine(resource: Resource) -> None:
    """Private addresses are not counted; without a default action Azure denies."""
    assert before("network-exposure", resource) == []


def test_each_api_of_a_provisioning_service_is_judged() -> None:
    """Rules for the one leave the other open."""
    (message,) = before("network-exposure", provisioning(("Reject", "0.0.0.0/0", "DeviceApi")))
    assert "serviceApi: " in message


def test_no_address_at_all_can_be_asked_for() -> None:
    """`addresses` 0: private addresses alone, or no public endpoint."""
    assert len(before("network-exposure", hub(allow("203.0.113.7")), addresses=0)) == 1
    assert before("network-exposure", hub(allow("203.0.113.7")), addresses=1) == []
    assert before("network-exposure", hub(allow("172.16.0.0/12")), addresses=0) == []


@pytest.mark.parametrize(
    "resource",
    [
        hub(publicNetworkAccess=UNKNOWN),
        hub(UNKNOWN),
        hub(allow(defaultAction=UNKNOWN)),
        hub(allow(applyToBuiltInEventHubEndpoint=UNKNOWN)),
        hub({"defaultAction": "Deny", "applyToBuiltInEventHubEndpoint": True, "ipRules": UNKNOWN}),
        hub({"defaultAction": "Deny", "applyToBuiltInEventHubEndpoint": True, "ipRules": [{"ipMask": UNKNOWN}]}),
        hub({"defaultAction": "Deny", "applyToBuiltInEventHubEndpoint": True, "ipRules": [UNKNOWN]}),
        Resource(PROVISIONING, {"properties": UNKNOWN}),
        Resource(PROVISIONING, {"properties": {"ipFilterRules": [{"action": "Reject", "ipMask": UNKNOWN}]}}),
    ],
)
def test_what_is_not_known_yet_postpones_the_rule(resource: Resource) -> None:
    """It neither passes nor fails in the preview."""
    with pytest.raises(NotKnownYetError):
        before("network-exposure", resource)


@pytest.mark.parametrize("ip_rules", ["04da6b54-80e4-46f7-96ec-b56ff0331ba9", ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"]])
def test_pulumis_own_unknown_values_postpone_the_rule(ip_rules: Any) -> None:
    """The SDK's proxy raises at an unknown item of a list."""
    properties = {"networkRuleSets": allow() | {"ipRules": ip_rules}}
    with pytest.raises(NotKnownYetError):
        before("network-exposure", Resource(HUB, unknown_checking_proxy({"properties": properties})))


def test_the_advice_can_be_followed() -> None:
    """The stack setting that the message names makes a hub that complies."""
    (message,) = before("network-exposure", hub())
    assert "hubtrust:ipRules" in message
    declared = Settings.model_validate({"ipRules": ["plant=203.0.113.0/24"]}).hub
    assert isinstance(declared, HubArgs)
    rules: Any = declared.network_rule_sets
    wired = {
        "defaultAction": rules["default_action"],
        "applyToBuiltInEventHubEndpoint": rules["apply_to_built_in_event_hub_endpoint"],
        "ipRules": [{"ipMask": one["ip_mask"], "action": one["action"]} for one in rules["ip_rules"]],
    }
    assert before("network-exposure", hub(wired)) == []
