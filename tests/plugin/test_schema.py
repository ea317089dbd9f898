"""The schema: it is what the code says, whole, in words for any language, and the TypeScript SDK that is checked in is of it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from docs.constructor_arguments import resources
from hubtrust.plugin.configuration import Configuration
from hubtrust.plugin.schema.checked_in import checked_in
from hubtrust.plugin.schema.document import components, generated
from hubtrust.plugin.tokens import MODULES
from tests.kit.repository import ROOT

SCHEMA = checked_in()
SDK = ROOT / "sdk/nodejs"
# What is said for Python alone: its constants, its names, its markup.
_PYTHON = re.compile(
    r"\bNone\b(?! or DeviceManagement)|\bTrue\b|\bFalse\b|``|`[a-z]+_[a-z_]+`|^An Input|HubArgs|ServiceArgs|signer_inputs|_files|Roster\.of"
)


def test_the_file_is_what_the_code_says() -> None:
    """`make docs` writes it."""
    assert generated() == SCHEMA, "run `make docs`"


def test_every_component_and_resource_is_there() -> None:
    """Each that the plugin serves, once."""
    found = {name.rpartition(":")[2]: bool(one.get("isComponent")) for name, one in SCHEMA["resources"].items()}
    assert {name for name, is_component in found.items() if not is_component} == set(MODULES) == {one.__name__ for one in resources()}
    assert {name for name, is_component in found.items() if is_component} == {one.__name__ for one in components()}


def _described(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every property, type, resource and enum's value, by its path, with its description."""
    for name, one in value.items() if isinstance(value, dict) else ():
        if path.endswith(("/inputProperties", "/properties", "/types", "/resources", "/functions")):
            yield f"{path}/{name}", one.get("description", "")
        if name == "enum":
            yield from ((f"{path}/{each['value']}", each.get("description", "")) for each in one)
        yield from _described(one, f"{path}/{name}")


def test_everything_is_described_for_readers_of_any_language() -> None:
    """Nothing lacks a description, and none has a word that only Python has."""
    wrong = {path: said for path, said in _described(SCHEMA) if not said or _PYTHON.search(said)}
    assert not wrong


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(found := value.get("$ref"), str):
            yield found
        for one in value.values():
            yield from _named(one)
    elif isinstance(value, list):
        for one in value:
            yield from _named(one)


def test_what_is_named_exists() -> None:
    """A reference to a type or resource that is not there fails in every language, and a type that nothing names is left over."""
    own = {f"#/{kind}/{token}" for kind in ("types", "resources") for token in SCHEMA[kind]}
    named = set(_named(SCHEMA)) - {"pulumi.json#/Any"}
    assert not named - own
    assert {one for one in own if one.startswith("#/types")} <= named


def test_required_properties_exist() -> None:
    """The names of those that are required are names of properties."""
    for token, one in SCHEMA["resources"].items():
        assert set(one.get("requiredInputs", ())) <= one["inputProperties"].keys(), token
        assert set(one.get("required", ())) <= one["properties"].keys(), token
    for token, one in SCHEMA["types"].items():
        assert set(one.get("required", ())) <= one.get("properties", {}).keys(), token


def test_no_key_is_public_and_no_argument_of_earlier_versions_is_there() -> None:
    """Each private key, passphrase and PIN is a secret; who owns a device is not said by a program."""
    for token, one in (SCHEMA["types"] | SCHEMA["resources"]).items():
        declared = [*one.get("inputProperties", {}).items(), *one.get("properties", {}).items()]
        for name, spec in declared:
            secret = name in {"privateKey", "passphrase", "pin", "signer", "webhook", "connectionString", "signers"}
            assert bool(spec.get("secret")) == secret, f"{token}: {name}"
        assert not {"owner", "fleetName", "settings", "existingId", "dropPrevious"} & one.get("inputProperties", {}).keys(), token


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("resources/CertificateAuthority/inputProperties/generation", {"type": "integer", "plain": True}),
        ("resources/CertificateAuthority/inputProperties/source", {"$ref": "#/types/hubtrust:index:AuthoritySource", "plain": True}),
        ("resources/TrustedHub/inputProperties/attest", {"type": "boolean"}),
        (
            "resources/TrustedHub/inputProperties/authorities",
            {"type": "array", "plain": True, "items": {"$ref": "#/resources/hubtrust:index:CertificateAuthority"}},
        ),
        ("resources/TrustedHub/inputProperties/hub", {"oneOf": [{"type": "string"}, {"$ref": "#/types/hubtrust:index:ManagedHub"}]}),
        ("resources/TrustedDevice/inputProperties/status", {"$ref": "#/types/hubtrust:index:Status"}),
        ("resources/TrustedDevice/inputProperties/tags", {"$ref": "pulumi.json#/Any"}),
        ("resources/TrustedDevice/inputProperties/parent", {"type": "string"}),
        ("resources/DeviceIdentity/inputProperties/deviceId", {"type": "string", "willReplaceOnChanges": True}),
        ("resources/DeviceIdentity/inputProperties/tags", {"$ref": "pulumi.json#/Any"}),
        ("resources/DeviceIdentity/properties/tags", {"type": "string"}),
        ("resources/DeviceFleet/inputProperties/members", {"oneOf": [{"$ref": "#/types/hubtrust:index:Roster"}, {"type": "string"}]}),
        ("types/GeneratedAuthority/properties/commonName", {"type": "string"}),
        ("types/GeneratedAuthority/properties/key", {"$ref": "#/types/hubtrust:index:KeyAlgorithm", "plain": True}),
        ("types/InToken/properties/pin", {"type": "string", "secret": True}),
    ],
)
def test_a_property_of_each_kind(path: str, expected: dict[str, Any]) -> None:
    """How an annotation becomes a type: what is plain, what is a component, an enum, azure-native's, or one of several."""
    kind, name, *rest = path.split("/")
    found = SCHEMA[kind][f"hubtrust:index:{name}"]
    for part in rest:
        found = found[part]
    assert {name: value for name, value in found.items() if name != "description"} == expected


def test_the_plugin_sends_it_with_its_version() -> None:
    """An SDK that is made of it asks for this version of the plugin."""
    sent = json.loads(Configuration().GetSchema(None, None).schema)
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", sent.pop("version"))
    assert sent == SCHEMA


def test_the_typescript_sdk_is_of_this_schema() -> None:
    """Also where there is no CLI that could generate it: each resource has its file with its properties, and its types are there."""
    files = {path.stem: path.read_text(encoding="utf-8") for path in SDK.glob("*.ts")}
    for token, one in SCHEMA["resources"].items():
        name = token.rpartition(":")[2]
        text = files[name[0].lower() + name[1:]]
        assert set(re.findall(r'resourceInputs\["(\w+)"\] = ', text)) == one["inputProperties"].keys() | one["properties"].keys(), name
        assert set(re.findall(r"declare public (?:/\*out\*/ )?readonly (\w+)", text)) == one["properties"].keys(), name
        args = text.partition(f"export interface {name}Args {{")[2].partition("\n}")[0]
        declared = dict(re.findall(r"^    (\w+)(\??):", args, flags=re.MULTILINE))
        assert {wire for wire, optional in declared.items() if not optional} == set(one.get("requiredInputs", ())), name
        assert declared.keys() == one["inputProperties"].keys(), name
    types = "".join(path.read_text(encoding="utf-8") for path in (SDK / "types").rglob("*.ts"))
    for token, one in SCHEMA["types"].items():
        name = token.rpartition(":")[2]
        assert re.search(rf"export (?:interface|type) {name}(?:Args)?\b", types), name
        assert all(f'"{each["value"]}"' in types for each in one.get("enum", ())), name
    assert json.loads((SDK / "package.json").read_text(encoding="utf-8"))["name"] == SCHEMA["language"]["nodejs"]["packageName"]
