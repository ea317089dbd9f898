"""The pack as a whole: every rule says why, every environment says how strict, and the documentation knows them all."""

import json

import pytest
from pulumi_policy import EnforcementLevel

from policies.rules import POLICIES, RULES
from tests.kit.repository import ROOT

LEVELS = {"advisory", "mandatory", "remediate", "disabled"}


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_each_rule_says_the_rule_the_reason_and_the_source(rule: object) -> None:
    """In its docstring: the rule in one line, then why, then where that comes from."""
    text, why = rule.text  # type: ignore[attr-defined]
    assert text.endswith(".")
    assert "\n" not in text
    assert why.startswith("Reason: ")
    assert "\nSource: " in why


@pytest.mark.parametrize("environment", ["prod", "staging"])
def test_each_environment_gives_each_policy_a_level(environment: str) -> None:
    """None is forgotten, none is misspelt, and settings are the policy's own, of the type that its schema says."""
    said = json.loads((ROOT / "policies" / f"{environment}.json").read_text())
    assert set(said) == {policy.name for policy in POLICIES}
    rules = {rule.name: rule for rule in RULES}
    for name, value in said.items():
        settings = dict(value) if isinstance(value, dict) else {"enforcementLevel": value}
        assert settings.pop("enforcementLevel") in LEVELS
        assert name not in rules or rules[name].strays(settings) == [], name


def test_prod_is_as_strict_as_the_pack() -> None:
    """Nothing that the pack makes mandatory is less in prod, but for custody: a CA in a vault is for each team to set up."""
    said = json.loads((ROOT / "policies/prod.json").read_text())
    levels = {name: value if isinstance(value, str) else value["enforcementLevel"] for name, value in said.items()}
    weaker = {policy.name for policy in POLICIES if policy.enforcement_level and policy.enforcement_level.value != levels[policy.name]}
    assert weaker == {"custody-allowed"}


def test_secrecy_is_a_remediation() -> None:
    """Only that level is shown which inputs are secret."""
    assert {policy.name for policy in POLICIES if policy.enforcement_level is EnforcementLevel.REMEDIATE} == {"private-key-secret"}


def test_the_documentation_has_every_policy_and_setting() -> None:
    """docs/policies.md names each, with its rule as the pack tells it."""
    page = (ROOT / "docs/policies.md").read_text()
    for rule in RULES:
        assert f"`{rule.name}`" in page
        for name in rule.settings:
            assert f"`{name}`" in page, f"{rule.name}: {name}"
    assert "`private-key-secret`" in page
