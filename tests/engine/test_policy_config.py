"""The configuration of a policy pack, checked against the schema that each policy declares."""

from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import analyzer_pb2

from sandbox.engine.policy import policy_config
from sandbox.engine.policy.policy_config import PolicyConfigError

SCHEMA: dict[str, Any] = {
    "days": {"type": "integer", "minimum": 1, "default": 365},
    "allowed": {"type": "array", "items": {"type": "string", "enum": ["state", "offline"]}, "default": ["offline"]},
}


def policies() -> list[Any]:
    info = analyzer_pb2.PolicyInfo(name="rule", enforcementLevel=analyzer_pb2.MANDATORY)
    info.configSchema.properties.update(SCHEMA)
    return [info]


def test_schema_defaults_apply() -> None:
    """A level and one setting are given; the other is the schema's."""
    found = policy_config.reconciled("pack", policies(), {"rule": {"enforcementLevel": "advisory", "days": 30}})
    assert found == {"rule": policy_config.PolicyConfig("advisory", {"days": 30, "allowed": ["offline"]})}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"rule": {"days": "many"}}, "days must be of type integer"),
        ({"rule": {"days": True}}, "days must be of type integer"),
        ({"rule": {"days": 0}}, "days must be at least 1"),
        ({"rule": {"allowed": "state"}}, "allowed must be of type array"),
        ({"rule": {"allowed": ["state", "stat"]}}, r"allowed\[1\] must be one of"),
        ({"rule": {"allowed": [1]}}, r"allowed\[0\] must be of type string"),
        ({"rule": "strict"}, "enforcement level 'strict'"),
        ({"rules": "mandatory"}, "no policy 'rules'"),
    ],
)
def test_an_invalid_configuration_is_refused_by_name(given: dict[str, Any], named: str) -> None:
    """Type, least value and choice, in lists too; an unknown level and an unknown policy."""
    with pytest.raises(PolicyConfigError, match=named):
        policy_config.reconciled("pack", policies(), given)


@pytest.mark.parametrize("text", ["[]", "{", ""])
def test_a_file_without_a_json_object_is_refused(text: str, tmp_path: Path) -> None:
    """Not JSON, or not a JSON object: the error names the file."""
    path = tmp_path / "prod.json"
    path.write_text(text)
    with pytest.raises(PolicyConfigError, match=r"prod\.json"):
        policy_config.read(path)
