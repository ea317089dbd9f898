"""The policy pack's settings of an environment, policies/<stack>.json: they fit its stack, and forbid the CAs that it must not trust."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import EnvironmentRefusedError
from .policy_fit import JUDGED, LEVEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from settings import Settings

    from .policy_fit import JudgedRule, Misfit

_NOT_SHARED = "authority-not-shared"
_TAGS = "required-tags"
_ENFORCED = {"mandatory", "remediate"}


@dataclass
class PolicyFile:
    """The settings of one environment's policies; they are changed here, and written by ``write``."""

    path: Path
    found: dict[str, Any]
    is_new: bool  # made from another environment's
    fitted: list[str] = field(default_factory=list)  # what was loosened, a line each

    @classmethod
    def of(cls, folder: Path, *, source: str, target: str) -> PolicyFile | None:
        """The target's own, or the source's with its name in the tags' values replaced; None if neither has a file.

        Raises:
            EnvironmentRefusedError: a file is not a JSON object, or has another shape than the pack's settings.
        """
        path = folder / "policies" / f"{target}.json"
        found = _read(path)
        if found is not None:
            return cls(path, found, is_new=False)
        inherited = _read(folder / "policies" / f"{source}.json")
        if inherited is None:
            return None
        created = cls(path, inherited, is_new=True)
        values = created._settings(_TAGS).get("values")
        if isinstance(values, dict):  # no other setting has an environment's name, and a stack may be called `state` or `advisory`
            created._set(_TAGS, {"values": {name: target if value == source else value for name, value in values.items()}})
        return created

    def forbid(self, environment: str, authorities: Sequence[str] | Mapping[str, Sequence[str]], *, target: str) -> None:
        """Add the CAs that an environment trusts, as `RecordedAuthorities.setting` has them. Those of others stay, not the target's own."""
        known = self._settings(_NOT_SHARED).get("elsewhere")
        others = {name: keys for name, keys in known.items() if keys and name != target} if isinstance(known, dict) else {}
        self._set(_NOT_SHARED, {"elsewhere": {**others, environment: authorities}})
        if self.found[_NOT_SHARED].get(LEVEL) is None and "all" not in self.found:
            self.found[_NOT_SHARED] = {LEVEL: "mandatory", **self.found[_NOT_SHARED]}

    def fit(self, stack: Settings, *, chosen: Callable[[str], bool]) -> Iterator[str]:
        """Loosen a new file's rules to what was ``chosen`` for the stack; yields what no rule is loosened for, with what to do.

        A file that was there is never loosened: somebody wrote it.
        """
        for name, rule in JUDGED.items():
            told = set[str]()  # a fact that is still told after the rule was loosened to it is refused: there is no endless loop
            while self._is_enforced(name, rule) and (misfit := next(iter(rule.misfits(stack, self._with_defaults(name, rule))), None)):
                is_chosen = any(map(chosen, misfit.keys.split()))
                if misfit.fit is None or not self.is_new or not is_chosen or misfit.fact in told:
                    yield from (self._refused(name, each) for each in rule.misfits(stack, self._with_defaults(name, rule)))
                    break
                told.add(misfit.fact)
                self.fitted.append(self._loosen(name, misfit))

    def write(self) -> None:
        """Write a new file, then replace the old one with it."""
        draft = self.path.with_suffix(".json.new")
        draft.write_text(self.text, encoding="utf-8")
        os.replace(draft, self.path)  # noqa: PTH105 - Path.replace reads like a change of text

    @property
    def text(self) -> str:
        """One policy per line, as people write it."""
        lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in self.found.items()]
        return "{\n" + ",\n".join(lines) + "\n}\n"

    def _loosen(self, rule: str, misfit: Misfit) -> str:
        before = self.found.get(rule)
        self._set(rule, dict(misfit.fit or {}))
        given = {**self._settings(rule)}
        after = ", ".join(f"{name} {json.dumps(given[name])}" for name in misfit.fit or ())
        if not self._settings(rule).keys() - {LEVEL} and not isinstance(before, dict):
            self.found[rule] = given[LEVEL]  # a level alone stays a level alone
        return f"{'loosened':9} {rule:28} {after.removeprefix(LEVEL).strip()}: {misfit.fact}"

    def _refused(self, rule: str, misfit: Misfit) -> str:
        key = misfit.keys.split()[0]
        remedy = (
            f"set {key} as the policy wants it (--set {key}=…)"
            if self.is_new
            else f"change {key} in the stack's settings, or this rule in that file"
        )
        return f"the policy {rule} of policies/{self.path.name} refuses this stack, because {misfit.fact}: {remedy}"

    def _settings(self, rule: str) -> dict[str, Any]:
        """What the file has of a rule, its level too."""
        value = self.found.get(rule)
        if isinstance(value, str):
            return {LEVEL: value}
        if value is None or isinstance(value, dict):
            return dict(value or {})
        raise EnvironmentRefusedError(
            f"{self.path.name}: {rule} is {json.dumps(value)}; write an enforcement level, or an object with settings"
        )

    def _set(self, rule: str, settings: Mapping[str, Any]) -> None:
        self.found[rule] = {**self._settings(rule), **settings}

    def _is_enforced(self, name: str, rule: JudgedRule) -> bool:
        general = self._settings("all").get(LEVEL)
        level = self._settings(name).get(LEVEL) or general or ("advisory" if rule.advisory else "mandatory")
        return level in _ENFORCED

    def _with_defaults(self, name: str, rule: JudgedRule) -> dict[str, Any]:
        """The rule's settings as it reads them.

        Raises:
            EnvironmentRefusedError: one is of another type than the rule takes.
        """
        found = {**rule.defaults, **self._settings(name)}
        for setting, default in rule.defaults.items():
            value = found[setting]
            if type(value) is not type(default):
                fact = f"{self.path.name}: {setting} of {name} is {json.dumps(value)}"
                raise EnvironmentRefusedError(f"{fact}, and the rule takes one such as {json.dumps(default)}: correct it first")
        return found


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
