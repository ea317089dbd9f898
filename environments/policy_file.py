"""The policy pack's settings of an environment, policies/<stack>.json: made with the environment, and told whom it must not trust."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from .errors import EnvironmentRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_RULE = "authority-not-shared"


def settings(folder: Path, *, source: str, target: str, authorities: Iterable[str]) -> tuple[Path, str] | None:
    """Where they lie, and what they are to be: the target's own, or the source's with its name changed; None where neither has any.

    ``authorities`` are the keys of the CAs that the source trusts, SHA-256 in hex: the target must trust none of them.

    Raises:
        EnvironmentRefusedError: a file is no JSON object.
    """
    path = folder / "policies" / f"{target}.json"
    found = _read(path)
    if found is None:
        inherited = _read(folder / "policies" / f"{source}.json")
        if inherited is None:
            return None
        found = {name: _renamed(value, source, target) for name, value in inherited.items()}
        if isinstance(found.get(_RULE), dict):
            found[_RULE].pop("elsewhere", None)
    rule = found.get(_RULE)
    rule = dict(rule) if isinstance(rule, dict) else {"enforcementLevel": rule or "mandatory"}
    found[_RULE] = {**rule, "elsewhere": {**(rule.get("elsewhere") or {}), source: sorted(authorities)}}
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in found.items()]  # a policy a line, as people write it
    return path, "{\n" + ",\n".join(lines) + "\n}\n"


def write(path: Path, text: str) -> None:
    """Beside its place, then over it."""
    draft = path.with_suffix(".json.new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)  # noqa: PTH105 - the atomic one


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise EnvironmentRefusedError(f"{path.name} can't be read: {error}; mend it first") from None
    if not isinstance(found, dict):
        raise EnvironmentRefusedError(f"{path.name} holds no object: write policy names with their levels or settings")
    return found


def _renamed(value: Any, source: str, target: str) -> Any:
    """Values that are the environment's name, changed; keys and all else as they are."""
    if isinstance(value, dict):
        return {name: _renamed(each, source, target) for name, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, source, target) for each in value]
    return target if value == source else value
