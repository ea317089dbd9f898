"""The configuration: all wrong keys are reported together, each with what to do; and Pulumi.yaml describes what `settings` reads."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pulumi
import pytest
import yaml
from pydantic.alias_generators import to_camel

import settings
from hubtrust import ProvisioningServiceArgs
from hubtrust.azure import clouds
from hubtrust.hub_args import HubArgs
from hubtrust.operators import DEPLOYER, KINDS
from settings import Settings, SettingsError
from tests.kit.repository import ROOT
from tests.kit.root_authority import RootAuthority

CA = RootAuthority()
PROJECT = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())


def load(*, secrets: tuple[str, ...] = ("caKey", "caKeyPassphrase"), folder: Path = Path(), **keys: str) -> Settings:
    """The settings of a stack whose configuration has these texts."""
    pulumi.runtime.settings.SETTINGS = pulumi.runtime.Settings("hubtrust", "test")
    pulumi.runtime.set_all_config({f"hubtrust:{name}": text for name, text in keys.items()}, [f"hubtrust:{name}" for name in secrets])
    try:
        return settings.load(folder, pulumi.Config("hubtrust"))
    finally:
        pulumi.runtime.set_all_config({}, [])


SERVICE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/d"
WRONG: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "no such size": ({"sku": "S9"}, ("hubtrust:sku: it is 'S9'; use F1, B1, B2, B3, S1, S2 or S3",)),
    "no number": ({"units": "many"}, ("hubtrust:units: it is 'many'; use a whole number from 0 to 200",)),
    "too many": ({"units": "201"}, ("hubtrust:units: it is '201'; use a whole number from 0 to 200",)),
    "no boolean": ({"protect": "maybe"}, ("hubtrust:protect: it is 'maybe'; use true or false",)),
    "no list": ({"tags": "a=b"}, ("hubtrust:tags: it is 'a=b'; use a list of texts: config set --path 'tags[0]' VALUE",)),
    "no tag": ({"tags": '["plant"]'}, ("hubtrust:tags", "'plant' is not a tag", "name=value")),
    "no principal": (
        {"operators": '["me@contoso.com"]'},
        ("hubtrust:operators", "operator 'me@contoso.com': it is not an object id", "User:<GUID>", "deployer"),
    ),
    "no addresses": ({"ipRules": '["plant=203.0.113.7/24"]'}, ("hubtrust:ipRules", "'203.0.113.7/24' is not a range of IPv4", "name=CIDR")),
    "two rules of one name": ({"ipRules": '["a=10.0.0.0/8", "A=203.0.113.7"]'}, ("two items are called 'a'; remove one",)),
    "no identity": ({"identity": '["/subscriptions/s"]'}, ("hubtrust:identity", "it is not the resource id of a user-assigned identity")),
    "no access": ({"publicNetworkAccess": "disabled"}, ("publicNetworkAccess: it is 'disabled'; use Enabled or Disabled",)),
    "a tag twice": ({"tags": '["a=b", "a=c"]'}, ("tags has 'a' twice; remove one",)),
    "our own tag": ({"tags": '["hubtrust=x"]'}, ("tag 'hubtrust': it names the stack that manages the hub; leave it out",)),
    "rules of a closed hub": (
        {"publicNetworkAccess": "Disabled", "ipRules": '["10.0.0.0/8"]'},
        ("ipRules is set, but publicNetworkAccess is set, and only a hub with a public endpoint uses it",),
    ),
    "no cloud": ({"cloud": "mars"}, ("hubtrust:cloud", "cloud 'mars'", "public, usgovernment, china")),
    "no address": ({"cloud": "https://[::1"}, ("hubtrust:cloud: cloud 'https://[::1': there is no such cloud",)),
    "no hub name": ({"hubName": "a_b"}, ("hubtrust:hubName", "'a_b' is not a valid hub name", "3 to 50")),
    "no source": ({"caSource": "buy"}, ("hubtrust:caSource: it is 'buy'; use generate, import or request",)),
    "no chain": ({"caSource": "import"}, ("caSource is import, but no chain is set", "set caChain or caChainFile")),
    "two chains": (
        {"caSource": "import", "caChain": CA.pem, "caChainFile": "there.pem"},
        ("caChain and caChainFile are both set", "set only one of them"),
    ),
    "chain unused": (
        {"caChain": "y"},
        ("caChain is set, but caSource is generate, and only an imported or requested CA uses it; remove caChain, or set",),
    ),
    "two owners": (
        {"existingHub": "/subscriptions/s", "hubName": "abc"},
        ("hubName is set, but existingHub is set, and only a hub that is created here uses it; remove hubName, or", "has both already"),
    ),
    "the owner's": (
        {"existingHub": "/subscriptions/s", "localAuth": "false", "sku": "S1"},
        ("sku, localAuth are set, but existingHub is set, and only a hub that is managed here uses them; remove sku,",),
    ),
    "misspelt": ({"hubname": "abc"}, ("hubtrust:hubname: there is no such key", "use hubName, or remove it")),
    "unknown": ({"zebra": "red"}, ("hubtrust:zebra: there is no such key", "the keys are name, hubName, resourceGroup")),
    "two lists of devices": ({"devices": "a", "devicesFile": "b.csv"}, ("devices and devicesFile are both set", "set only one of them")),
    "no device": ({"canary": "press 1"}, ("hubtrust:canary", "its id has the character ' '", "use letters, digits")),
    "nothing before": (
        {"caKeepPrevious": "true"},
        ("caKeepPrevious is set, but caGeneration is 1, and only a later generation uses it; remove caKeepPrevious",),
    ),
    "nothing to prove": (
        {"attest": "true", "reprove": "E"},
        ("reprove is set, but attest is true", "remove reprove, or remove attest to prove the CA"),
    ),
    "no chain before": (
        {"caKeepPrevious": "true", "caGeneration": "2", "caSource": "import", "caChain": CA.pem},
        ("the previous generation's chain is not set", "set caPreviousChain or caPreviousChainFile"),
    ),
    "kept by nothing": (
        {"caPreviousChain": "x"},
        ("caPreviousChain is set, but caKeepPrevious is false, and only a previous generation that is kept uses it; remove caPrev",),
    ),
    "always due": (
        {"caIssuingDays": "30", "caIssuingRenewBeforeDays": "30"},
        (
            "caIssuingRenewBeforeDays: it is 30, but caIssuingDays is only 30",
            "use a smaller caIssuingRenewBeforeDays or a longer caIssuingDays",
        ),
    ),
    "two ways": (
        {"existingHub": "/subscriptions/s", "adoptHub": "/subscriptions/s"},
        ("existingHub and adoptHub are both set", "set adoptHub to manage the whole hub"),
    ),
    "adopted and named": (
        {"adoptHub": "/subscriptions/s", "resourceGroup": "g"},
        ("resourceGroup is set, but adoptHub is set", "has both already"),
    ),
    "made and found": ({"caCertificateName": "x"}, ("caCertificateName is set, but caSource is generate", "set caSource to import")),
    "no certificate name": (
        {"caCertificateName": "a/b", "caSource": "import", "caChain": CA.pem},
        ("hubtrust:caCertificateName: 'a/b' is not a valid certificate name", "at most 64"),
    ),
    "consent of earlier versions": (
        {"caDropPrevious": "true", "caGeneration": "2"},
        ("caDropPrevious: there is no such key; remove it; set caDropGeneration: 1, which applies to that generation only",),
    ),
    "the same with overlap": (
        {"caDropPrevious": "true", "caGeneration": "4", "caKeepPrevious": "true"},
        ("set caDropGeneration: 2, which applies to",),
    ),
    "the same without a rotation": ({"caDropPrevious": "true"}, ("caDropPrevious: there is no such key; remove it; no generation is",)),
    "certificates by consent": ({"adopt": "true"}, ("hubtrust:adopt: it is true", 'set adopt: ["<SHA-1 thumbprint>"], or remove it')),
    "devices by consent": (
        {"adoptDevices": "false"},
        ("hubtrust:adoptDevices: it is false", 'set adoptDevices: ["press-{001..025}"], or remove it'),
    ),
    "no thumbprint": ({"adopt": '["AB"]'}, ("hubtrust:adopt", "'AB' is not a SHA-1 thumbprint", "40 hex digits")),
    "no pattern": ({"adoptDevices": '["press-{9..1}"]'}, ("hubtrust:adoptDevices", "9..1 is not a valid range")),
    "no list of devices": ({"adoptDevices": "press-1"}, ("hubtrust:adoptDevices: it is 'press-1'", "--path 'adoptDevices[0]' VALUE")),
    "none and some": ({"noDevices": "true", "devices": "a"}, ("noDevices is true, but devices is set too", "remove one")),
    "two services": (
        {"provisioning": "true", "existingDps": SERVICE},
        ("provisioning and existingDps are both set; set provisioning for a service that this stack creates",),
    ),
    "no service": ({"existingDps": SERVICE.replace("provisioningServices", "IotHubs")}, ("existingDps", "it is the id of an IoT hub, not")),
    "no id": ({"existingDps": "dps"}, ("hubtrust:existingDps", "it is not the id of an IoT hub or a provisioning service")),
    "no keys for the link": (
        {"provisioning": "true", "localAuth": "false"},
        ("localAuth is false, but provisioning is true", "linked to the hub by a shared access key; leave localAuth out"),
    ),
    "no group": (
        {"existingDps": SERVICE, "enrollmentGroups": '["a b"]'},
        ("enrollment group 'a b'", "does not accept this id; use 1 to 128"),
    ),
    "a group twice": ({"existingDps": SERVICE, "enrollmentGroups": '["a", "A"]'}, ("two items are called 'a'; remove one",)),
    "two groups": (
        {"existingDps": SERVICE, "enrollmentGroups": '["a", "b"]'},
        ("enrollmentGroups has 2, and all of them would have the stack's CA: Azure lets a certificate be in one entry", "keep one"),
    ),
    "a group that is not there": (
        {"provisioning": "true", "enrollmentGroups": '["a"]', "disabledEnrollmentGroups": '["b"]'},
        ("disabledEnrollmentGroups has 'b', which is not in enrollmentGroups; add it there, or remove it",),
    ),
    "groups of nowhere": (
        {"enrollmentGroups": '["a"]'},
        ("enrollmentGroups is set, but provisioning is false and existingDps is not set, and only a provisioning service uses it",),
    ),
    "somebody else's": (
        {"existingDps": SERVICE, "dpsAllocation": "static"},
        ("dpsAllocation is set, but provisioning is false, and only a provisioning service that is made here uses it",),
    ),
    "rules of a closed service": (
        {"provisioning": "true", "dpsPublicNetworkAccess": "Disabled", "dpsIpRules": '["10.0.0.0/8"]'},
        ("dpsIpRules is set, but dpsPublicNetworkAccess is set, and only a provisioning service with a public endpoint uses it",),
    ),
    "a canary without a group": (
        {"provisioning": "true", "enrollmentCanary": "press-9"},
        ("enrollmentCanary is set, but enrollmentGroups is not set, and only a device that enrols in a group uses it",),
    ),
    "free units": ({"sku": "F1", "units": "2"}, ("sku F1 has one unit, but units is 2", "set units to 1")),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_key_is_reported(case: str) -> None:
    """The line names the key, the fact and the remedy."""
    keys, words = WRONG[case]
    with pytest.raises(SettingsError) as caught:
        load(**keys)
    (line,) = str(caught.value).splitlines()[1:]
    assert [word for word in words if word not in line] == []


def test_all_wrong_keys_are_reported_together() -> None:
    """Wrong types, values out of range and malformed texts are in one error, a line for each."""
    with pytest.raises(SettingsError) as caught:
        load(units="many", sku="S9", cloud="mars")
    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == 3
    assert [key for key in ("units", "sku", "cloud") if not any(f"hubtrust:{key}" in line for line in lines)] == []


@pytest.mark.parametrize(("key", "secret"), [("caKey", CA.private_pem), ("caKeyPassphrase", "open sesame")])
def test_a_secret_is_never_repeated(key: str, secret: str) -> None:
    """Neither an error about other keys nor the text of the settings shows a secret."""
    with pytest.raises(SettingsError) as caught:
        load(caSource="import", caKeyFile="there", sku="S9", **{key: secret})
    shown = str(caught.value) + repr(load(caSource="import", caChain=CA.pem, **{key: secret}))
    assert not any(line in shown for line in secret.splitlines() if "---" not in line)
    with pytest.raises(SettingsError, match="hubtrust: caKey: it contains no certificate, key or request") as caught:
        load(caSource="import", caChain=CA.pem, caKey="open sesame")
    assert "open sesame" not in str(caught.value)


@pytest.mark.parametrize("key", ["caKey", "caKeyPassphrase"])
def test_a_secret_in_plain_text_is_refused(key: str) -> None:
    """It would be readable in the settings file and in the state; the error does not repeat it."""
    with pytest.raises(SettingsError, match=f"hubtrust:{key}: it is in plain text, and would be in the state too; .*--secret") as caught:
        load(secrets=(), caSource="import", caChain=CA.pem, **{key: "open sesame"})
    assert "open sesame" not in str(caught.value)


def test_the_project_file_declares_what_settings_read() -> None:
    """The same keys and defaults, and a description for each key. A type would let Pulumi end at the first wrong value."""
    declared = PROJECT["config"]
    defaults: dict[str, Any] = json.loads(Settings().model_dump_json(by_alias=True))
    assert {name: entry["default"] for name, entry in declared.items()} == defaults
    assert [name for name, entry in declared.items() if "type" in entry] == []
    assert [name for name, entry in declared.items() if not entry.get("description")] == []


def test_the_project_file_names_every_choice() -> None:
    """Where a key has a fixed set of values, its description names each of them, as the tables that `settings` reads have them."""
    choices = {to_camel(name): _choices(field.annotation) for name, field in Settings.model_fields.items()}
    choices |= {"cloud": set(clouds.KNOWN), "operators": {DEPLOYER, *(f"{kind}:" for kind in KINDS)}}
    missing = {key: {text for text in texts if text not in PROJECT["config"][key]["description"]} for key, texts in choices.items()}
    assert {key: texts for key, texts in missing.items() if texts} == {}


def _choices(kind: Any) -> set[str]:
    """The values of a Literal or an enumeration, without the empty one, which means not set."""
    values = kind if isinstance(kind, type) and issubclass(kind, StrEnum) else get_args(kind) if get_origin(kind) is Literal else ()
    return {str(value) for value in values} - {""}


def test_up_refreshes_first() -> None:
    """`up` refreshes first."""
    assert PROJECT["options"] == {"refresh": "always"}


def test_the_network_and_the_identities_of_a_hub() -> None:
    """As azure-native takes them: only the given addresses reach the hub, and its event hub endpoint."""
    identity = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/plant"
    loaded = load(
        ipRules='["plant=203.0.113.0/24", "203.0.113.7"]', identity=f'["SystemAssigned", "{identity}"]', publicNetworkAccess="Enabled"
    )
    assert isinstance(loaded.hub, HubArgs)
    assert (loaded.hub.public_network_access, loaded.hub.identity) == (
        "Enabled",
        {"type": "SystemAssigned, UserAssigned", "user_assigned_identities": [identity]},
    )
    rules = [
        {"filter_name": name, "ip_mask": mask, "action": "Allow"} for name, mask in (("plant", "203.0.113.0/24"), ("203.0.113.7/32",) * 2)
    ]
    declared = {"default_action": "Deny", "apply_to_built_in_event_hub_endpoint": True, "ip_rules": rules}
    assert loaded.hub.network_rule_sets == declared
    undeclared = load().hub
    assert isinstance(undeclared, HubArgs)
    assert (undeclared.network_rule_sets, undeclared.identity, undeclared.public_network_access) == (None, None, None)
    assert load(existingHub="/subscriptions/s").hub == "/subscriptions/s"


def test_the_connection_check_is_decided_by_the_hub_unless_it_is_set() -> None:
    """Not set, a hub without public network access is not connected to; set, the setting counts."""
    assert [load(**keys).check for keys in ({}, {"connectionCheck": "true"}, {"connectionCheck": "false"})] == [None, True, False]


def test_the_deployer_is_an_operator() -> None:
    """The setting has a word for it, because anybody may run the program."""
    assert load(operators='["deployer"]').operators == ("deployer",)


@pytest.mark.parametrize(
    ("keys", "keys_off"),
    [
        ({}, (None, None, None)),
        ({"localAuth": "false"}, (True, True, True)),
        ({"provisioning": "true"}, (False, True, True)),
        ({"provisioning": "true", "localAuth": "true"}, (False, False, False)),
        ({"existingDps": SERVICE}, (None, None, None)),
    ],
    ids=str,
)
def test_a_linked_hub_takes_keys_from_services_alone(keys: dict[str, str], keys_off: tuple[bool | None, ...]) -> None:
    """The provisioning service signs in to the hub with a key; devices and modules have none unless somebody wants that."""
    hub = load(**keys).hub
    assert isinstance(hub, HubArgs)
    assert (hub.disable_local_auth, hub.disable_device_sas, hub.disable_module_sas) == keys_off


def test_the_provisioning_service() -> None:
    """As azure-native takes it: an address that no rule has would be let in, so the last rule has all others."""
    keys = {
        "dpsName": "plant",
        "dpsAllocation": "geoLatency",
        "dpsIpRules": '["plant=203.0.113.0/24"]',
        "tags": '["a=b"]',
        "protect": "false",
    }
    found = load(provisioning="true", **keys).provisioning_service("rg")
    assert isinstance(found, ProvisioningServiceArgs)
    assert (found.name, found.resource_group, found.allocation_policy) == ("plant", "rg", "GeoLatency")
    assert (found.tags, found.protect) == ({"a": "b"}, False)
    assert found.ip_filter_rules == [
        {"filter_name": "plant", "ip_mask": "203.0.113.0/24", "action": "Accept", "target": "all"},
        {"filter_name": "all others", "ip_mask": "0.0.0.0/0", "action": "Reject", "target": "all"},
    ]
    undeclared = load(provisioning="true").provisioning_service(None)
    assert undeclared == ProvisioningServiceArgs()
    of_others = load(provisioning="true", existingHub="/subscriptions/s").provisioning_service("theirs")
    assert of_others == ProvisioningServiceArgs(), "the group of somebody else's hub is theirs"
    assert load(existingDps=SERVICE).provisioning_service("rg") == SERVICE


def test_groups_are_known_in_any_letter_case() -> None:
    """The service does not tell them apart."""
    loaded = load(
        existingDps=SERVICE, enrollmentGroups='["Presses"]', disabledEnrollmentGroups='["presses"]', adoptEnrollments='["PRESSES"]'
    )
    assert [(loaded.disables(each), loaded.adopts_enrollment(each)) for each in ("Presses", "lathes")] == [(True, True), (False, False)]


@pytest.mark.parametrize(
    ("keys", "check"),
    [
        ({}, None),
        ({"dpsPublicNetworkAccess": "Disabled"}, False),
        ({"dpsPublicNetworkAccess": "Disabled", "connectionCheck": "true"}, True),
        ({"connectionCheck": "false"}, False),
    ],
    ids=str,
)
def test_nobody_enrols_at_a_closed_service_unless_it_is_set(keys: dict[str, str], check: bool | None) -> None:
    """The machine that runs the program is seldom in the service's own network."""
    assert load(provisioning="true", enrollmentGroups='["a"]', enrollmentCanary="press-9", **keys).enrollment_check is check
