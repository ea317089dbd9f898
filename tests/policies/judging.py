"""Asks one rule of the pack: about a resource before its step, or about a stack at the end of a run."""

from collections.abc import Iterable
from typing import Any

from policies.rules import RULES
from policies.rules.resource import Resource

RULE = {rule.name: rule for rule in RULES}


def before(rule: str, resource: Resource, **settings: Any) -> list[str]:
    """The messages of a rule on single resources; each has one line, a fact, and after a colon what to do."""
    found = list(RULE[rule].validate(resource, {**RULE[rule].defaults, **settings}))
    _require_readable(found)
    return found


def at_the_end(rule: str, resources: Iterable[Resource], **settings: Any) -> dict[str, str]:
    """The messages of a rule on whole stacks, by the URNs they are about."""
    found = list(RULE[rule].validate(list(resources), {**RULE[rule].defaults, **settings}))
    _require_readable([message for message, _ in found])
    assert len(found) == len({urn for _, urn in found}), "each resource is told once"
    return {urn: message for message, urn in found}


def _require_readable(messages: list[str]) -> None:
    assert all("\n" not in message and ": " in message for message in messages), messages
