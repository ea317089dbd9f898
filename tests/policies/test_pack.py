"""The pack as a whole: every rule has its reason, every environment a level for it, and the documentation lists it."""

import json

import pytest
from pulumi_policy import EnforcementLevel

from hubtrust import shell
from policies.rules import POLICIES, RULES, resource
from policies.rules.resource import Resource
from tests.kit.repository import ROOT

LEVELS = {"advisory", "mandatory", "remediate", "disabled"}


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_each_rule_has_description_reason_and_source(rule: object) -> None:
    """The docstring has the rule in one line, then the reason, then the source."""
    text, why = rule.text  # type: ignore[attr-defined]
    assert text.endswith(".")
    assert "\n" not in text
    assert why.startswith("Reason: ")
    assert "\nSource: " in why


def test_rules_read_both_types_of_each_resource() -> None:
    """A rule compares `Resource.type`, which is the plugin's type also for the dynamic provider's. Each type that a rule names exists."""
    schema = json.loads((ROOT / "components/hubtrust/plugin/schema.json").read_text())["resources"]
    custom = {token: one for token, one in schema.items() if not one.get("isComponent")}
    for token in schema:
        assert Resource(shell.dynamic_type(token.rpartition(":")[2])).type == Resource(token).type == token
    assert {token for token, one in custom.items() if "signer" in one["inputProperties"]} == resource.SIGNED
    named = {value for value in vars(resource).values() if isinstance(value, str) and value.startswith(resource.OURS)}
    assert named - {resource.OURS} <= custom.keys()
    places = [path for path in (ROOT / "policies").rglob("*.py") if "pulumi-python:" in path.read_text()]
    assert [path.name for path in places] == ["resource.py"]


@pytest.mark.parametrize("environment", ["prod", "staging"])
def test_each_environment_gives_each_policy_a_level(environment: str) -> None:
    """No policy is missing or misspelled, and each setting is one of its policy."""
    configured = json.loads((ROOT / "policies" / f"{environment}.json").read_text())
    assert set(configured) == {policy.name for policy in POLICIES}
    rules = {rule.name: rule for rule in RULES}
    for name, value in configured.items():
        settings = dict(value) if isinstance(value, dict) else {"enforcementLevel": value}
        assert settings.pop("enforcementLevel") in LEVELS
        assert name not in rules or rules[name].unknown_settings(settings) == [], name


def test_prod_is_as_strict_as_the_pack() -> None:
    """Everything mandatory in the pack is mandatory in prod."""
    configured = json.loads((ROOT / "policies/prod.json").read_text())
    levels = {name: value if isinstance(value, str) else value["enforcementLevel"] for name, value in configured.items()}
    weaker = {policy.name for policy in POLICIES if policy.enforcement_level and policy.enforcement_level.value != levels[policy.name]}
    assert weaker == set()


def test_secrecy_is_a_remediation() -> None:
    """Only at that level can a policy see which inputs are secret."""
    assert {policy.name for policy in POLICIES if policy.enforcement_level is EnforcementLevel.REMEDIATE} == {"private-key-secret"}


def test_the_documentation_has_every_policy_and_setting() -> None:
    """docs/policies.md names each policy and each of its settings."""
    page = (ROOT / "docs/policies.md").read_text()
    for rule in RULES:
        assert f"`{rule.name}`" in page
        for name in rule.settings:
            assert f"`{name}`" in page, f"{rule.name}: {name}"
    assert "`private-key-secret`" in page
