"""The policy pack's settings of an environment, policies/<stack>.json, with the CAs that it must not trust."""

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
    """The file and its new text: the target's own, or the source's with its name replaced; None if neither has a file.

    ``authorities`` are SHA-256 digests, in hex, of the keys of the CAs that the source trusts: the target must trust none of them.

    Raises:
        EnvironmentRefusedError: a file is not a JSON object.
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
    lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in found.items()]  # one policy per line, as people write it
    return path, "{\n" + ",\n".join(lines) + "\n}\n"


def write(path: Path, text: str) -> None:
    """Write a new file, then replace the old one with it."""
    draft = path.with_suffix(".json.new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)  # noqa: PTH105 - Path.replace reads like a change of text


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise EnvironmentRefusedError(f"{path.name} can't be read: {error}; correct it first") from None
    if not isinstance(found, dict):
        raise EnvironmentRefusedError(f"{path.name} is not a JSON object: use policy names with their levels or settings")
    return found


def _renamed(value: Any, source: str, target: str) -> Any:
    """``value`` with every value that is the environment's name replaced; keys stay."""
    if isinstance(value, dict):
        return {name: _renamed(each, source, target) for name, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, source, target) for each in value]
    return target if value == source else value
