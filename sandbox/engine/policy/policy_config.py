"""The configuration of a policy pack: the declarations of its policies and the user's file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from sandbox.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LEVELS = ("advisory", "mandatory", "disabled", "remediate")
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


class PolicyConfigError(EngineError):
    """A policy pack's configuration can't be read, or does not match the pack's declarations."""


@dataclass(frozen=True)
class PolicyConfig:
    """One policy's enforcement level, one of `LEVELS`, and properties."""

    level: str
    properties: Mapping[str, Any] = field(default_factory=dict)


def read(path: Path | None) -> dict[str, Any]:
    """The user's file: policy name (or `all`) to a level, or to an object with `enforcementLevel` and properties.

    Raises:
        PolicyConfigError: the file does not exist, or is not a JSON object.
    """
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PolicyConfigError(f"could not read the policy configuration {path}: {error}") from None
    if not isinstance(found, dict):
        raise PolicyConfigError(f"the policy configuration {path} is not an object: write policy names with their levels or settings")
    return found


def reconciled(pack: str, policies: Any, given: Mapping[str, Any]) -> dict[str, PolicyConfig]:
    """Every policy's configuration: its declared level and defaults, overridden by the user's file.

    Raises:
        PolicyConfigError: a level is unknown, a property is missing or has the wrong type, or a policy is unknown.
    """
    known = {policy.name for policy in policies}
    for name in given:
        if name != "all" and name not in known:
            raise PolicyConfigError(f"policy pack {pack!r} has no policy {name!r}: it has {', '.join(sorted(known))}")
    general, _ = _level_and_properties(pack, "all", given.get("all"))
    found = {}
    for policy in policies:
        level, properties = _level_and_properties(pack, policy.name, given.get(policy.name))
        declared = LEVELS[policy.enforcementLevel]
        schema = json_format.MessageToDict(policy.configSchema) if policy.HasField("configSchema") else {}
        whole = {**_defaults(schema), **properties}
        _check(pack, policy.name, schema, whole)
        found[policy.name] = PolicyConfig(level or general or declared, whole)
    return found


def _level_and_properties(pack: str, name: str, given: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(given, dict | str | None):
        raise PolicyConfigError(f"policy pack {pack!r}: {name!r} is {given!r}; write an enforcement level, or an object with settings")
    properties = {"enforcementLevel": given} if isinstance(given, str) else dict(given or {})
    level = properties.pop("enforcementLevel", "")
    if level and level not in LEVELS:
        raise PolicyConfigError(f"policy pack {pack!r}: {name!r} has the enforcement level {level!r}; it is one of {', '.join(LEVELS)}")
    return level, properties


def _defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _whole(item["default"]) for key, item in schema.get("properties", {}).items() if "default" in item}


def _whole(value: Any) -> Any:
    """A whole number as an int: gRPC has only doubles."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check(pack: str, policy: str, schema: Mapping[str, Any], properties: Mapping[str, Any]) -> None:
    what = f"policy pack {pack!r}: the configuration of {policy!r}"
    missing = [key for key in schema.get("required", ()) if key not in properties]
    if missing:
        raise PolicyConfigError(f"{what} lacks {', '.join(missing)}")
    for key, value in properties.items():
        _check_value(f"{what}: {key}", schema.get("properties", {}).get(key) or {}, value)


def _check_value(what: str, declared: Mapping[str, Any], value: Any) -> None:
    types = _TYPES.get(declared.get("type", ""))
    if types and (not isinstance(value, types) or (isinstance(value, bool) and bool not in types)):
        raise PolicyConfigError(f"{what} must be of type {declared['type']}, it is {value!r}")
    if "enum" in declared and value not in map(_whole, declared["enum"]):
        raise PolicyConfigError(f"{what} must be one of {declared['enum']}, it is {value!r}")
    if "minimum" in declared and value < declared["minimum"]:
        raise PolicyConfigError(f"{what} must be at least {_whole(declared['minimum'])}, it is {value!r}")
    for place, item in enumerate(value if isinstance(value, list) else ()):
        _check_value(f"{what}[{place}]", declared.get("items") or {}, item)
