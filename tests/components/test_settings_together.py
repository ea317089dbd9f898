"""Settings that have an effect only with others, wrong types of each kind, and any text at all: told, never ignored, never a traceback."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel

from settings import Settings, SettingsError
from settings.applicability import ALWAYS, USES
from tests.components.test_settings import CA, load
from tests.kit.repository import ROOT

KEYS = {to_camel(name): field for name, field in Settings.model_fields.items()}
SECRETS = ("caKey", "caKeyPassphrase", "caPin")
HUB = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/h"
IMPORTED = {"caSource": "import", "caChain": CA.pem}
VAULT = {"caCustody": "key-vault", "caKeyReference": "https://kv.vault.azure.net/keys/a", "caIntermediates": "0"}
# Keys without an effect, the others, and what is told: an error, and then notices.
WITHOUT_EFFECT: list[tuple[str, dict[str, str], str]] = [
    (
        "caProof",
        {},
        "caSource is generate, and only an imported CA in custody offline uses it; remove caProof, or set caCustody to offline",
    ),
    ("caProof", IMPORTED | {"caKey": CA.private_pem}, "caSource is import and caKey is set, and only an imported CA in custody offline"),
    ("caProof", IMPORTED | {"caCustody": "offline", "attest": "true"}, "attest is true, and only a CA whose possession is proven"),
    ("caTrust", {"caSource": "request", "caTrust": "root"}, "caSource is request, and only a generated or imported CA uses it"),
    ("caKey", {"caSource": "request"}, "caSource is request, and only an imported CA uses it"),
    ("caPinVariable", VAULT, "caCustody is key-vault, and only custody pkcs11 uses it; remove caPinVariable, or set caCustody to pkcs11"),
    ("caPreviousCertificateName", IMPORTED, "caKeepPrevious is false, and only a previous generation that is kept uses it"),
    (
        "caPreviousCertificateName",
        {"caSource": "request", "caPreviousChain": CA.pem, "caKeepPrevious": "true", "caGeneration": "2"},
        "caSource is request, and only an imported CA uses it",
    ),
    (
        "caPreviousChain",
        {"caKeepPrevious": "true", "caGeneration": "2"},
        "caSource is generate, and only a CA that is not generated in the state uses it; remove caPreviousChain",
    ),
    ("protect", {"existingHub": HUB, "protect": "false"}, "existingHub is set, and only a hub that is managed here uses it"),
    ("caName", IMPORTED, "caSource is import, and only a CA whose key or request is made here uses it"),
    ("caRootDays", IMPORTED | {"caRootDays": "30"}, "caSource is import, and only a CA that is generated here uses it"),
    ("caIssuingDays", {"caIntermediates": "0", "caIssuingDays": "30"}, "caIntermediates is 0, and only a CA below the root uses it"),
    ("caKeyPassphrase", IMPORTED, "caKey is not set and caKeyFile is not set, and only a key or a PKCS#12 file that is given here uses it"),
    ("caDropGeneration", {"caDropGeneration": "2", "caGeneration": "2"}, "caGeneration is 2, and only a generation that a later one has"),
    ("deviceTags", {"deviceTags": '["a=b"]'}, "devicesFile is not set and enrollmentGroups is not set, and only a device uses it"),
    ("adoptDevices", {"adoptDevices": '["a"]'}, "canary is not set, and only a device uses it; remove adoptDevices, or declare devices"),
    ("deleteDevices", {"deleteDevices": "40", "noDevices": "true"}, "noDevices is true, and only a fleet that keeps devices uses it"),
    ("connectionCheck", {"connectionCheck": "false"}, "canary is not set and enrollmentCanary is not set, and only a canary uses it"),
]


@pytest.mark.parametrize(("key", "others", "told"), WITHOUT_EFFECT)
def test_a_key_without_an_effect_is_told(key: str, others: dict[str, str], told: str) -> None:
    """As an error where it asks for something that will not happen, else as a notice; never with a secret's value."""
    try:
        lines = list(load(secrets=SECRETS, **{key: "sesame"} | others).notices())
    except SettingsError as error:
        lines = str(error).splitlines()[1:]
    (line,) = lines
    assert f"{key} is set, but " in line
    assert told in line
    assert "sesame" not in line


def test_every_key_says_when_it_has_an_effect() -> None:
    """A new key must be in the table, or be one that always has an effect."""
    conditional = {key for use in USES for key in use.keys.split()}
    assert conditional | ALWAYS == Settings.model_fields.keys()
    assert not conditional & ALWAYS
    assert {key for use in USES for key in use.decided_by.split()} <= Settings.model_fields.keys()


@pytest.mark.parametrize("path", sorted((ROOT / "stacks").glob("Pulumi.*.yaml")), ids=lambda path: path.name)
def test_our_own_stacks_have_no_key_without_an_effect(path: Path) -> None:
    """Nor do the defaults."""
    config = yaml.safe_load(path.read_text(encoding="utf-8")).get("config") or {}
    texts = {key.partition(":")[2]: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    own = {key: text for key, text in texts.items() if key in KEYS and not text.startswith("{")}
    assert list(load(folder=ROOT, **own).notices()) == []
    assert list(load().notices()) == []


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        ({"caRootDays": "1.5"}, ["hubtrust:caRootDays: it is '1.5'; use a whole number from 1 to 36525"]),
        ({"caRootDays": "NaN"}, ["hubtrust:caRootDays: it is 'NaN'; use a whole number from 1 to 36525"]),
        ({"units": "1_0"}, ["hubtrust:units: it is '1_0'; use a whole number from 0 to 200"]),
        ({"units": "٣"}, ["hubtrust:units: it is '٣'; use a whole number from 0 to 200"]),
        ({"caGeneration": "9" * 5000}, [f"hubtrust:caGeneration: it is '{'9' * 186} … (shortened)'; use a whole number from 1 to 9999"]),
        ({"protect": "yes"}, ["hubtrust:protect: it is 'yes'; use true or false"]),
        ({"retain": "True\n"}, [r"hubtrust:retain: it is 'True\n'; use true or false"]),
        ({"tags": '["a=b", 5]'}, ["hubtrust:tags: item 2 is '5', which is a number; write it in quotes"]),
        ({"adoptDevices": "[null]"}, ["hubtrust:adoptDevices: item 1 is 'null', which is empty; use a text"]),
        ({"tags": '{"a": "b"}'}, ["hubtrust:tags: it is '{\"a\": \"b\"}'; use a list of texts: config set --path 'tags[0]' VALUE"]),
        ({"operators": "[" * 100_000}, [f"hubtrust:operators: it is '{'[' * 186} … (shortened)'; use a list of texts: config set "]),
        ({"hubName": '["a"]'}, ["hubtrust:hubName: it is a list; use a text"]),
        ({"caChain": '{"secure": "x"}'}, ["hubtrust:caChain: it is an object; use a text"]),
        ({"caName": "x" * 51}, [f"hubtrust:caName: it is '{'x' * 51}'; use a text of 1 to 50 characters"]),
        (
            {"caName": "x" * 50, "caIntermediates": "2"},
            [f"hubtrust: caName: the subject 'CN={'x' * 50} intermediate 1 CA,O=': a name in it is empty or longer than 64 characters"],
        ),
        (
            {"caName": "4F2A91C0" * 6, "caSource": "request"},
            [f"hubtrust: caName: 'CN={'4F2A91C0' * 6}': its common name has the form of an"],
        ),
        ({"caIntermediates": "10"}, ["hubtrust:caIntermediates: it is '10'; use a whole number from 0 to 9"]),
        ({"name": "a_b"}, ["hubtrust:name: 'a_b' is not a valid name; use 2 to 31 letters, digits and hyphens, with a letter first"]),
        ({"caTrust": "leaf"}, ["hubtrust:caTrust: it is 'leaf'; use root or issuing"]),
        ({"caSource": "buy", "caChain": "x"}, ["hubtrust:caSource: it is 'buy'; use generate, import or request"]),
        ({"units": "", "protect": "", "tags": ""}, []),  # what an empty value in a settings file is
    ],
)
def test_a_wrong_type_is_told_in_our_own_words(keys: dict[str, str], lines: list[str]) -> None:
    """A contradiction that depends on a wrong key is not told: nobody knows yet whether it is one."""
    try:
        load(**keys)
        found = []
    except SettingsError as error:
        found = [line.strip() for line in str(error).splitlines()[1:]]
    assert len(found) == len(lines)
    assert [line for line, start in zip(found, lines, strict=True) if not line.startswith(start)] == []


def test_a_wrong_value_that_is_a_secret_is_not_repeated() -> None:
    """Any key may have been set with --secret."""
    with pytest.raises(SettingsError, match=r"units: it is \(a secret\); use a whole number") as caught:
        load(secrets=("units", "hubName", "tags"), units="se-same", hubName="se_same", tags='["se-same"]')
    assert "same" not in str(caught.value)


def test_a_misspelt_project_is_told() -> None:
    """Its keys would be ignored silently: those of another package are not ours."""
    import pulumi

    pulumi.runtime.set_all_config({"hubtrsut:sku": "S1", "azure-native:location": "westeurope"}, [])
    try:
        with pytest.raises(SettingsError, match="hubtrsut:sku: the project is called hubtrust; use hubtrust:sku, or remove it") as caught:
            load_configured()
        assert "azure-native" not in str(caught.value)
    finally:
        pulumi.runtime.set_all_config({}, [])


def load_configured() -> Settings:
    """The settings of what is configured."""
    import pulumi

    import settings

    return settings.load(Path(), pulumi.Config("hubtrust"))


_TEXTS = st.text(max_size=60) | st.sampled_from(["true", "import", "request", "key-vault", "2", "[]", "[1]", "{}", "pkcs11", "a=b", HUB])


@given(st.dictionaries(st.sampled_from(sorted(KEYS)), _TEXTS, max_size=12), st.booleans())
def test_any_settings_are_taken_or_told(keys: dict[str, str], secret: bool) -> None:
    """Printable lines of bounded length, a line for each fact; and no secret is repeated."""
    try:
        found = "\n".join(load(secrets=(*SECRETS, *(keys if secret else ())), folder=ROOT, **keys).notices())
    except SettingsError as error:
        found = str(error)
    lines = found.split("\n")
    assert len(lines) < 100
    assert [line for line in lines if len(line) > 2100 or not line.isprintable()] == []
