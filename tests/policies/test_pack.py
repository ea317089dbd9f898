"""The pack as a whole: every rule has its reason, every environment a level for it, and the documentation lists it."""

import json

import pytest
from pulumi_policy import EnforcementLevel

from policies.rules import POLICIES, RULES
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
