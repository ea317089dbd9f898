"""What happens to each setting in a new environment, and what is refused; then nothing is written."""

import json
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from environments import clone
from environments.derivation import COPIED_KEYS, DERIVED_KEYS, LEFT_OUT_KEYS, renamed
from environments.engine import Engine
from environments.errors import EnvironmentRefusedError
from settings import Settings
from tests.environments.conftest import HUB, SERVICE, Project
from tests.kit.authorities import hierarchy, pem_of


def planned(project: Project, source: str = "prod", target: str = "staging", *given: str, **more: Any) -> clone.Plan:
    return clone.plan(project.folder, project.engine, source, target, given=given, **more)


def config(project: Project, *given: str) -> dict[str, Any]:
    """The project's own settings of the new environment."""
    found = planned(project, "prod", "staging", *given).settings.config
    return {key.removeprefix("hubtrust:"): value for key, value in found.items()}


def test_every_setting_of_the_program_is_copied_derived_or_left_out() -> None:
    """A new key of `settings` needs a place in environments/derivation.py: may another environment have the same value?"""
    placed = [*COPIED_KEYS, *DERIVED_KEYS, *LEFT_OUT_KEYS]
    assert len(placed) == len(set(placed))
    assert {to_camel(name) for name in Settings.model_fields} <= set(placed)


def test_settings_are_copied_and_names_derived(project: Project) -> None:
    """The environment's name is replaced in names and tags; sizes and policies are copied."""
    tags = ["environment=prod", "owner=production-team"]
    project.write("prod", name="hubtrust-prod", caName="Contoso Prod", hubName="contoso", sku="S2", caRootDays=4000, tags=tags)
    assert config(project) == {
        "azure-native:location": "westeurope",
        "name": "hubtrust-staging",
        "caName": "Contoso staging",
        "hubName": "contoso-staging",
        "sku": "S2",
        "caRootDays": 4000,
        "tags": ["environment=staging", "owner=production-team"],
    }


def test_each_environment_makes_a_vault_of_its_own(project: Project) -> None:
    """That a vault is made is copied, and its name derived if it fits; a vault of somebody else is left out, and never shared."""
    made = {"caCustody": "key-vault", "caVault": "make", "caVaultHsm": True}
    for name, derived in (("contoso-prod", "contoso-staging"), ("contoso", None), ("contoso-berlin-2-ca-prod", None)):
        project.write("prod", name="hubtrust-prod", caName="Contoso prod", caVaultName=name, **made)
        found = config(project)
        assert {key: found.get(key) for key in made} == made
        assert found.get("caVaultName") == derived
    project.write("prod", name="hubtrust-prod", caName="Contoso prod", caCustody="key-vault", caVault="https://plant.vault.azure.net")
    with pytest.raises(EnvironmentRefusedError, match=r"caKeyReference is not set; .* or caVault to make"):
        planned(project)
    with pytest.raises(EnvironmentRefusedError, match="caVault is the same as in 'prod': its signers could sign for both; use another"):
        planned(project, "prod", "staging", "caVault=https://PLANT.vault.azure.net/")


def test_default_names_get_the_environments_name(project: Project) -> None:
    """Where prod uses the program's defaults, the new environment's name is appended to them."""
    project.write("prod")
    assert config(project) == {"azure-native:location": "westeurope", "name": "hubtrust-staging", "caName": "hubtrust staging"}


def test_generations_secrets_and_credentials_are_not_copied(project: Project) -> None:
    """The new environment begins at generation 1, with its own secrets; what is left out is reported with the reason, without secrets."""
    project.write("prod", caGeneration=3, adopt=["AB" * 20], devices="press-{001..025}", canary="press-001")
    path = project.folder / "stacks/Pulumi.prod.yaml"
    path.write_text(path.read_text() + "  other:token: {secure: v1:abc}\n  azure-native:clientSecret: hunter2\nencryptionsalt: v1:salt\n")
    created = planned(project)
    assert set(created.settings.config) == {"azure-native:location", "hubtrust:name", "hubtrust:caName"}
    left = {change.key: str(change) for change in created.changes if change.how == "left out"}
    ours = {f"hubtrust:{name}" for name in ("caGeneration", "adopt", "devices", "canary")}
    assert set(left) == ours | {"other:token", "azure-native:clientSecret", "encryptionsalt"}
    assert "(secret)" in left["other:token"]
    assert "abc" not in "".join(left.values())
    assert "generations start again at 1" in left["hubtrust:caGeneration"]


def test_given_settings_override_all_others(project: Project) -> None:
    """Settings are given as YAML, with or without the project's name, for other packages too."""
    found = config(project, "sku=F1", "hubtrust:units=1", "protect=false", "azure-native:location=westus")
    assert (found["sku"], found["units"], found["protect"], found["azure-native:location"]) == ("F1", 1, False, "westus")


def test_another_ca_may_be_given(project: Project) -> None:
    """An imported CA is not copied; the new environment may have its own."""
    (project.folder / "prod.pem").write_text(pem_of(*project.authority.up))
    (project.folder / "staging.pem").write_text(pem_of(*hierarchy().up))
    project.write("prod", caSource="import", caChainFile="prod.pem", caKeyFile="prod.key")
    assert config(project, "caChainFile=staging.pem", "caKeyFile=staging.key")["caChainFile"] == "staging.pem"


def written(project: Project, *given: str) -> dict[str, Any]:
    """The policy settings of the new environment."""
    policies = planned(project, "prod", "staging", *given).policies
    assert policies
    assert policies.path == project.folder / "policies/staging.json"
    found: dict[str, Any] = json.loads(policies.text)
    return found


def test_each_environments_ca_is_forbidden_in_the_other(project: Project) -> None:
    """The new policy settings are the old ones with the name changed, or the existing ones; each forbids the other environment's CA."""
    prod = {"tls-minimum": "mandatory", "required-tags": {"required": ["owner"], "values": {"environment": "prod"}}}
    elsewhere = {"old": [], "staging": ["CD"], "test": ["AB"]}
    project.write("prod", name="hubtrust-prod", caName="hubtrust prod", tags=["owner=us"])
    project.policies("prod", prod | {"authority-not-shared": {"enforcementLevel": "mandatory", "elsewhere": elsewhere}})
    key = planned_key(project)
    assert written(project) == {
        "tls-minimum": "mandatory",
        "required-tags": {"required": ["owner"], "values": {"environment": "staging"}},
        "authority-not-shared": {"enforcementLevel": "mandatory", "elsewhere": {"test": ["AB"], "prod": [key]}},
    }
    project.policies("staging", {"authority-not-shared": "mandatory", "tls-minimum": "disabled"})
    assert written(project) == {
        "authority-not-shared": {"enforcementLevel": "mandatory", "elsewhere": {"prod": [key]}},
        "tls-minimum": "disabled",
    }


def planned_key(project: Project) -> str:
    found: str = project.engine.resources("prod")[-1]["outputs"]["keyThumbprint"]
    return found


SHARED = {
    "the hub by name": ("hubName=hubtrust-PROD3c4d", "the hub"),
    "the hub by id": (f"existingHub={HUB}", "the hub"),
    "the hub to be adopted": (f"adoptHub={HUB}", "the hub"),
    "the provisioning service by name": ("provisioning=true dpsName=hubtrust-DPS1a", "the provisioning service 'hubtrust-DPS1a' belongs"),
    "the provisioning service by id": (f"existingDps={SERVICE}", "the provisioning service"),
    "the group that prod made": ("resourceGroup=hubtrust-prod1a2b", "resource group"),
    "the file of the CA": ("caChainFile=prod.pem", "caChainFile is the same as in 'prod'"),
    "a copy of the CA": ("caChainFile=copy.pem", "the same key as one of 'prod'"),
    "the same CA in another encoding": ("caChainFile=copy.der", "the same key as one of 'prod'"),
    "a CA of a third environment": ("caChainFile=third.pem", "'third'"),
    "a key in a vault": ("caKeyReference=https://v.vault.azure.net/keys/Issuing/2", "is used by 'third'"),
    "the file of the key": ("caKeyFile=prod.key", "caKeyFile is the same as in 'prod'"),
}


@pytest.mark.parametrize("case", SHARED)
def test_shared_resources_are_refused(case: str, project: Project) -> None:
    """A hub, a CA, a key or a group in common with any environment that has settings here, by name or by content."""
    given, printed = SHARED[case]
    for name in ("prod.pem", "copy.pem"):
        (project.folder / name).write_text(pem_of(*project.authority.up))
    (project.folder / "copy.der").write_bytes(project.authority.up[0].der)
    (project.folder / "third.pem").write_text(pem_of(*hierarchy().up))
    project.write("prod", caSource="import", caChainFile="prod.pem", caKeyFile="prod.key")
    project.write("third", caSource="import", caChainFile="third.pem", caKeyReference="https://v.vault.azure.net/keys/issuing/1")
    with pytest.raises(EnvironmentRefusedError, match=printed):
        planned(project, "prod", "staging", *given.split(" "))


def test_a_ca_that_only_the_state_shows_is_refused(project: Project) -> None:
    """The state of the deployed stack shows which keys it trusts."""
    (project.folder / "copy.pem").write_text(pem_of(*project.authority.up))
    with pytest.raises(EnvironmentRefusedError, match="is trusted by 'prod'"):
        planned(project, "prod", "staging", "caSource=import", "caChainFile=copy.pem")


def test_the_key_that_encrypts_secrets_is_not_shared(project: Project) -> None:
    """Where a vault's key encrypts prod's secrets, the new one must have another."""
    path = project.folder / "stacks/Pulumi.prod.yaml"
    path.write_text(path.read_text() + "secretsprovider: azurekeyvault://v.vault.azure.net/keys/prod\n")
    for provider in (None, "azurekeyvault://v.vault.azure.net/keys/prod"):
        with pytest.raises(EnvironmentRefusedError, match="a key of its own"):
            planned(project, secrets_provider=provider)
    assert planned(project, secrets_provider="azurekeyvault://v.vault.azure.net/keys/staging").is_new


BAD = {
    "onto a stack that is there": (("prod", "empty"), (), "'empty' exists already"),
    "onto itself": (("prod", "prod"), (), "both 'prod'"),
    "from a stack that is not deployed": (("empty", "staging"), (), "'empty' is not deployed"),
    "from a stack without settings": (("other", "staging"), (), r"no Pulumi\.other\.yaml"),
    "from settings without a stack": (("lost", "staging"), (), "no stack 'lost'"),
    "to no name": (("prod", "../x"), (), "not a stack name"),
    "a setting without a value": (("prod", "staging"), ("sku",), "use key=value"),
    "a wrong value": (("prod", "staging"), ("sku=S9",), "hubtrust:sku"),
    "two wrong values": (("prod", "staging"), ("sku=S9", "units=many"), "hubtrust:units"),
    "a secret in the clear": (("prod", "staging"), ("caKey=PEM",), "config set --secret caKey"),
    "a name that gets too long": (("prod", "a-stack-with-quite-a-long-name"), (), "hubtrust:name"),
}


@pytest.mark.parametrize("case", BAD)
def test_invalid_input_is_reported_and_nothing_is_written(case: str, project: Project) -> None:
    """The error is one line that says what to do; no file changes."""
    (source, target), given, printed = BAD[case]
    project.write("lost")
    before = {path: path.read_bytes() for path in project.folder.rglob("*") if path.is_file()}
    with pytest.raises(EnvironmentRefusedError, match=printed):
        planned(project, source, target, *given)
    assert {path: path.read_bytes() for path in project.folder.rglob("*") if path.is_file()} == before


def test_an_imported_ca_must_be_replaced(project: Project) -> None:
    """Without a CA of its own the new environment is refused; the error names the flag that sets one."""
    (project.folder / "prod.pem").write_text(pem_of(*project.authority.up))
    project.write("prod", caSource="import", caChainFile="prod.pem")
    with pytest.raises(EnvironmentRefusedError, match="--set"):
        planned(project)


def test_existing_settings_are_kept_and_compared(project: Project) -> None:
    """An existing file is never overwritten: the difference is shown, and shared resources are refused."""
    project.write("staging", name="hubtrust-staging", sku="F1")
    created = planned(project)
    assert not created.is_new
    shown = [str(change) for change in created.changes]
    assert any("hubtrust:sku" in line and "(not set) -> F1" in line for line in shown)
    assert any("hubtrust:caName" in line and "hubtrust prod -> (not set)" in line for line in shown)
    with pytest.raises(EnvironmentRefusedError, match="change the setting in that file"):
        planned(project, "prod", "staging", "sku=S1")
    project.write("staging", hubName="hubtrust-prod3c4d")
    with pytest.raises(EnvironmentRefusedError, match="the hub"):
        planned(project)
    path = project.folder / "stacks/Pulumi.staging.yaml"
    path.write_text("config: {}\nencryptionsalt: v1:salt\n")
    with pytest.raises(EnvironmentRefusedError, match="created before"):
        planned(project)


@pytest.mark.parametrize("text", ["[]", "config: [a]", "a: b: c", "\x00"])
def test_an_invalid_settings_file_is_named(text: str, project: Project) -> None:
    """This holds for any environment's file, because its resources must be known to keep the new one separate."""
    (project.folder / "stacks/Pulumi.third.yaml").write_text(text)
    with pytest.raises(EnvironmentRefusedError, match=r"Pulumi\.third\.yaml"):
        planned(project)


@pytest.mark.parametrize("there", [False, True])
def test_files_are_restored_when_the_stack_can_not_be_created(there: bool, project: Project) -> None:
    """When the engine refuses, a new settings file is deleted and an existing one is restored."""
    if there:
        project.write("staging", name="hubtrust-staging", caName="x")
    before = {path: path.read_bytes() for path in project.folder.rglob("*") if path.is_file()}
    created = planned(project)
    with pytest.raises(EnvironmentRefusedError, match="stack init staging"):
        clone.create(
            created,
            Engine(project.folder, ("sh", "-c", "echo broken >> stacks/Pulumi.staging.yaml; echo error: no passphrase; exit 1")),
            "prod",
        )
    assert {path: path.read_bytes() for path in project.folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hubtrust-prod", "hubtrust-staging"),
        ("prod", "staging"),
        ("Prod hub", "staging hub"),
        ("hub_prod_1", "hub_staging_1"),
        ("production", None),
        ("reprod", None),
        ("hub", None),
    ],
)
def test_only_whole_words_are_renamed(text: str, found: str | None) -> None:
    """`prod` in `production` is not the environment's name."""
    assert renamed(text, "prod", "staging") == found
