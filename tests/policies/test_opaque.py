"""`opaque-declarations` over every way to hide what is declared, through the analyzer's own protocol."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.kit.policy_analyzer import UNKNOWN, Declared, PolicyAnalyzer, secret
from tests.kit.samples import one_of
from tests.policies.opaque_ways import AZAPI, DEPLOYMENTS, GROUP_ID, HOLDERS, OPAQUE, WEB
from tests.policies.test_ways import SETTINGS


@pytest.fixture(scope="module")
def analyzer() -> Iterator[PolicyAnalyzer]:
    with PolicyAnalyzer() as started:
        started.configure(SETTINGS)
        yield started


def _unknown(value: Any) -> Any:
    return {name: _unknown(each) for name, each in value.items()} if isinstance(value, dict) else UNKNOWN


@pytest.mark.parametrize(("name", "declared", "refused"), OPAQUE, ids=[row[0] for row in OPAQUE])
def test_what_cannot_be_read_is_refused(analyzer: PolicyAnalyzer, name: str, declared: Declared, refused: bool) -> None:
    """Plain, and secret, in a component or renamed (in a whole run all three); each message says what to do."""
    others = {
        "secret": replace(declared, properties={name: secret(value) for name, value in declared.properties.items()}),
        "nested": replace(declared, parents=("my:index:Site",)),
        "renamed": replace(declared, aliases=("urn:pulumi:dev::program::elsewhere:index:Thing::old",)),
    }
    forms = [declared, *one_of(others, name).values()]
    if declared.name == "read":
        forms = [declared]  # the URN was reviewed, and no other
    for each in forms:
        found = analyzer.analyze(each).violations.get("opaque-declarations", [])
        assert bool(found) is refused, found
        assert all("declare what it makes as resources of their own" in message for message in found)


# In text an unknown value makes the whole text unknown, which is the case of a template that is not known.
@pytest.mark.parametrize("way", sorted(DEPLOYMENTS.keys() - {"azapi-text"}), ids=str)
def test_a_template_that_is_not_known_yet_is_read_later(analyzer: PolicyAnalyzer, way: str) -> None:
    """A preview says that the rule can't be checked yet, and the update checks it."""
    answer = analyzer.analyze(Declared(*DEPLOYMENTS[way]({"template": UNKNOWN})))
    assert "opaque-declarations" not in answer.violations
    assert "opaque-declarations" in answer.not_applicable


@pytest.mark.parametrize(
    "properties",
    [
        {"resourceId": UNKNOWN, "action": "start"},
        {"resourceId": f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "action": UNKNOWN},
        {"resourceId": f"{GROUP_ID}/providers/Microsoft.Web/sites/s", "action": "start", "method": UNKNOWN},
    ],
    ids=["id", "action", "method"],
)
def test_an_action_that_is_not_known_yet_is_read_later(analyzer: PolicyAnalyzer, properties: dict[str, Any]) -> None:
    """Its path says what it changes."""
    answer = analyzer.analyze(Declared("azapi:index/resourceAction:ResourceAction", {"type": WEB, **properties}))
    assert "opaque-declarations" not in answer.violations
    assert "opaque-declarations" in answer.not_applicable


@pytest.mark.parametrize("name", ["name", "parentId"])
def test_a_place_that_is_not_known_yet_is_read_later(analyzer: PolicyAnalyzer, name: str) -> None:
    """It could make another path than the type says; what is known already is told at once."""
    later = analyzer.analyze(Declared(AZAPI, {"type": WEB, name: UNKNOWN}))
    assert "opaque-declarations" not in later.violations
    assert "opaque-declarations" in later.not_applicable
    assert "opaque-declarations" in analyzer.analyze(Declared(AZAPI, {"type": "A.B/../c", name: UNKNOWN})).violations


@pytest.mark.parametrize(
    ("kind", "properties"), [(kind, properties) for name, kind, properties, _ in HOLDERS if name.endswith("-of-a-site")]
)
def test_a_definition_that_is_not_known_yet_is_read_later(analyzer: PolicyAnalyzer, kind: str, properties: dict[str, Any]) -> None:
    """As a deployment's template is."""
    for unknown in (UNKNOWN, _unknown(properties)):
        answer = analyzer.analyze(Declared(AZAPI, {"type": kind, "body": {"properties": unknown}}))
        assert "opaque-declarations" not in answer.violations
        assert "opaque-declarations" in answer.not_applicable
