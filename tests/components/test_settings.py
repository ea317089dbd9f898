"""The configuration: every wrong key told at once, with its fact and what to write; and Pulumi.yaml says what settings.py reads."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

import settings
from settings import Settings, SettingsError

ROOT = Path(__file__).parents[2]
PROJECT = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())


def load(*, secrets: tuple[str, ...] = ("caKey", "caKeyPassphrase"), **keys: str) -> Settings:
    """The settings of a stack whose configuration has these texts."""
    pulumi.runtime.settings.SETTINGS = pulumi.runtime.Settings("hubtrust", "test")
    pulumi.runtime.set_all_config({f"hubtrust:{name}": text for name, text in keys.items()}, [f"hubtrust:{name}" for name in secrets])
    try:
        return settings.load(pulumi.Config("hubtrust"))
    finally:
        pulumi.runtime.set_all_config({}, [])


WRONG: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "no such size": ({"sku": "S9"}, ("hubtrust:sku is 'S9'", "'S1'")),
    "no number": ({"units": "many"}, ("hubtrust:units is 'many'", "write a whole number")),
    "too many": ({"units": "201"}, ("hubtrust:units is '201'", "less than or equal to 200")),
    "no boolean": ({"protect": "maybe"}, ("hubtrust:protect is 'maybe'", "write true or false")),
    "no list": ({"tags": "a=b"}, ("hubtrust:tags is 'a=b'", "write a list of texts")),
    "no tag": ({"tags": '["plant"]'}, ("hubtrust:tags", "'plant' is no tag", "name=value")),
    "no principal": ({"operators": '["me@contoso.com"]'}, ("hubtrust:operators", "'me@contoso.com' is no object id", "GUID")),
    "no cloud": ({"cloud": "mars"}, ("hubtrust:cloud", "'mars' is no cloud", "public, usgovernment, china")),
    "no hub name": ({"hubName": "a_b"}, ("hubtrust:hubName", "'a_b' can't name a hub", "3 to 50")),
    "no source": ({"caSource": "buy"}, ("hubtrust:caSource is 'buy'", "'generate', 'import' or 'request'")),
    "no chain": ({"caSource": "import"}, ("caSource is import and there is no chain", "set caChain or caChainFile")),
    "two chains": ({"caSource": "import", "caChain": "x", "caChainFile": "y"}, ("caChain and caChainFile are both set", "set one of them")),
    "chain unused": ({"caChainFile": "y"}, ("caSource is generate and a chain", "set caSource to import")),
    "two owners": ({"existingHub": "/subscriptions/s", "hubName": "abc"}, ("existingHub is set together", "has both already")),
    "misspelt": ({"hubname": "abc"}, ("hubtrust:hubname: there is no such key", "write hubName, or take it out")),
    "unknown": ({"zebra": "red"}, ("hubtrust:zebra: there is no such key", "there are name, hubName, resourceGroup")),
    "two lists of devices": ({"devices": "a", "devicesFile": "b.csv"}, ("devices and devicesFile are both set", "set one of them")),
    "no device": ({"canary": "press 1"}, ("hubtrust:canary", "its id has the character ' '", "use letters, digits")),
    "nothing before": ({"caKeepPrevious": "true"}, ("caKeepPrevious is true and caGeneration is 1", "leave caKeepPrevious out")),
    "no chain before": (
        {"caKeepPrevious": "true", "caGeneration": "2", "caSource": "import", "caChain": "x"},
        ("there is no chain of the generation before", "set caPreviousChain or caPreviousChainFile"),
    ),
    "kept by nothing": ({"caPreviousChain": "x"}, ("caPreviousChain is set and nothing keeps it", "leave it out")),
    "always due": (
        {"caIssuingDays": "30", "caIssuingRenewBeforeDays": "30"},
        ("caIssuingRenewBeforeDays is 30 and it lives 30 days", "renew later"),
    ),
    "two ways": (
        {"existingHub": "/subscriptions/s", "adoptHub": "/subscriptions/s"},
        ("existingHub and adoptHub are both set", "set adoptHub to own the hub"),
    ),
    "adopted and named": ({"adoptHub": "/subscriptions/s", "resourceGroup": "g"}, ("adoptHub is set together", "has both already")),
    "made and found": ({"caCertificateName": "x"}, ("caCertificateName is set and caSource is generate", "is imported")),
    "no certificate name": (
        {"caCertificateName": "a/b", "caSource": "import", "caChain": "x"},
        ("hubtrust:caCertificateName: 'a/b' can't name a certificate", "at most 64"),
    ),
    "free units": ({"sku": "F1", "units": "2"}, ("sku F1 has one unit and units is 2", "set units to 1")),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_key_is_told(case: str) -> None:
    """The line names the key, the fact and the remedy."""
    keys, words = WRONG[case]
    with pytest.raises(SettingsError) as caught:
        load(**keys)
    (line,) = str(caught.value).splitlines()[1:]
    assert [word for word in words if word not in line] == []


def test_all_wrong_keys_are_told_at_once() -> None:
    """What can't be read, what is out of range and what is malformed come in one error, a line each."""
    with pytest.raises(SettingsError) as caught:
        load(units="many", sku="S9", cloud="mars")
    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == 3
    assert [key for key in ("units", "sku", "cloud") if not any(f"hubtrust:{key}" in line for line in lines)] == []


@pytest.mark.parametrize("key", ["caKey", "caKeyPassphrase"])
def test_a_secret_is_never_repeated(key: str) -> None:
    """An error about other keys does not print a secret, nor does the settings' own text."""
    with pytest.raises(SettingsError) as caught:
        load(caSource="import", caKeyFile="there", sku="S9", **{key: "open sesame"})
    assert "open sesame" not in str(caught.value)
    assert "open sesame" not in repr(load(caSource="import", caChain="x", **{key: "open sesame"}))


@pytest.mark.parametrize("key", ["caKey", "caKeyPassphrase"])
def test_a_secret_in_clear_text_is_refused(key: str) -> None:
    """It would lie in the settings file and in the state; the error does not repeat it."""
    with pytest.raises(SettingsError, match=f"hubtrust:{key}: it stands there in clear text, and would in the state; .*--secret") as caught:
        load(secrets=(), caSource="import", caChain="x", **{key: "open sesame"})
    assert "open sesame" not in str(caught.value)


@pytest.mark.parametrize("key", ["caChainFile", "caKeyFile"])
def test_a_missing_file_is_told(key: str, tmp_path: Path) -> None:
    """The key, the file, and where paths start."""
    keys = {"caChainFile": "chain.pem"} | {key: "absent.pem"}
    (tmp_path / "chain.pem").write_text("x")
    with pytest.raises(SettingsError, match=rf"{key}: the file 'absent\.pem' can't be read: No such file.*program's folder"):
        load(caSource="import", **keys).source(tmp_path)


def test_the_project_file_declares_what_settings_read() -> None:
    """Same keys, same defaults, each with a type and a description: what a person reads there is what happens."""
    declared = PROJECT["config"]
    defaults: dict[str, Any] = json.loads(Settings().model_dump_json(by_alias=True))
    assert {name: entry["default"] for name, entry in declared.items()} == defaults
    kinds = {str: "string", int: "integer", bool: "boolean", list: "array"}
    assert {name: entry["type"] for name, entry in declared.items()} == {name: kinds[type(value)] for name, value in defaults.items()}
    assert [name for name, entry in declared.items() if not entry.get("description")] == []


def test_a_plain_up_sees_drift() -> None:
    """Every `up` refreshes first."""
    assert PROJECT["options"] == {"refresh": "always"}


def test_devices_come_from_a_pattern_or_a_file(tmp_path: Path) -> None:
    """CSV by its ending, JSON lines by any other; tags of all devices are added."""
    (tmp_path / "fleet.csv").write_text("id,tag.line\npress-1,4\n")
    (tmp_path / "fleet.jsonl").write_text('{"id": "press-1"}\n{"id": "press-2"}\n')
    assert len(load(devices="press-{001..025}").roster(tmp_path)) == 25
    assert dict(load(devicesFile="fleet.csv", deviceTags='["plant=A"]').roster(tmp_path))["press-1"].tags == {"line": "4", "plant": "A"}
    assert load(devicesFile="fleet.jsonl").roster(tmp_path).ids == ("press-1", "press-2")
    assert len(load().roster(tmp_path)) == 0


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        ({"devices": "press-{9..1}"}, "the range 9..1 is none"),
        ({"devicesFile": "absent.csv"}, r"devicesFile: the file 'absent\.csv' can't be read"),
        ({"devicesFile": "bad.csv"}, r"devicesFile 'bad\.csv': 2 bad lines: line 2: .*; line 3: "),
    ],
)
def test_devices_that_can_not_be_meant_are_told(keys: dict[str, str], match: str, tmp_path: Path) -> None:
    """In one line, every bad one."""
    (tmp_path / "bad.csv").write_text("id\na b\nc/d\n")
    with pytest.raises(SettingsError, match=match):
        load(**keys).roster(tmp_path)


def test_the_deployer_is_an_operator() -> None:
    """By a word, because whoever runs the program may be anybody."""
    assert load(operators='["deployer"]').operators == ("deployer",)
