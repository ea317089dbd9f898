"""The paths at which a resource differs, as engines show them: `tags.site`, `thumbprints[1]`, `tags["a.b"]`."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi.runtime.proto import provider_pb2

from hubtrust.dynamic.contract import Change, Contract
from hubtrust.inputs import Properties, is_unknown, python_name

_PLAIN_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_STEP = re.compile(r'("(?:[^"\\]|\\.)*")|([^.\[\]"]+)')
# Outputs that an update is about which no input names: why it was not read, whether it is proven, when it expires. The most telling first.
_TELLING = ("unread", "state", "digest", "notAfter", "trigger", "proof", "make", "etag", "lastWrite")
_Kinds = dict[str, str]  # by path: ADD, DELETE or UPDATE


@dataclass(frozen=True)
class Difference:
    """A change, with what it was found from. ``ignored`` are the paths of the option ignoreChanges."""

    contract: Contract[Any]
    change: Change
    old_inputs: Properties
    outs: Properties
    news: Properties
    ignored: tuple[str, ...]

    def answer(self) -> Any:
        """The answer to Diff.

        What changed in the program is an input's difference; what others changed in Azure is one of the outputs. A path that is ignored
        is left as others made it.
        """
        some = provider_pb2.DiffResponse
        replaces = [name for name in self.change.replaces if not self._is_ignored(name)]
        declared = self._differing(self.old_inputs, self.news)
        drifted = {} if declared else self._differing({name: self.outs[name] for name in self.news.keys() & self.outs.keys()}, self.news)
        ignored = [path for path in drifted if self._is_ignored(path)]
        all_ignored = bool(ignored) and len(ignored) == len(drifted)
        if not replaces and (not self.change.updates or all_ignored):
            return some(changes=some.DIFF_NONE, hasDetailedDiff=True)
        drifted = {path: kind for path, kind in drifted.items() if path not in ignored}
        if not declared and not drifted and not replaces:
            drifted = {name: "UPDATE" for name in _TELLING if name in self.outs or name in self.contract.outputs}
            drifted = dict([*drifted.items()][:1])
        declared |= {name: "UPDATE" for name in replaces if name not in map(_first, [*declared, *drifted])}
        paths = {path: self._difference(path, kind, replaces, from_input=path in declared) for path, kind in (declared | drifted).items()}
        names = sorted({_first(path) for path in paths})
        return some(changes=some.DIFF_SOME, replaces=replaces, diffs=names, detailedDiff=paths, hasDetailedDiff=True)

    def _differing(self, old: Properties, new: Properties) -> _Kinds:
        found: _Kinds = {}
        for name in sorted(old.keys() | new.keys()):
            if not self._means_the_same(name, old.get(name), new.get(name)):
                found |= dict(_member(old, new, name, name))
        return found

    def _means_the_same(self, name: str, old: Any, new: Any) -> bool:
        declaration = self.contract.inputs.declarations().get(python_name(name))
        if declaration is None or old is None or new is None or is_unknown(new):
            return False
        return declaration.same(old, new) or (name in self.contract.documents and _parsed(old) == _parsed(new))

    @staticmethod
    def _difference(path: str, kind: str, replaces: list[str], *, from_input: bool) -> Any:
        kind += "_REPLACE" if _first(path) in replaces else ""
        return provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.Kind.Value(kind), inputDiff=from_input)

    def _is_ignored(self, path: str) -> bool:
        steps = _steps(path)
        return any(
            all(one in ("*", own) for one, own in zip(each, steps, strict=False)) and len(each) <= len(steps)
            for each in map(_steps, self.ignored)
        )


def _between(old: Any, new: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted(old.keys() | new.keys()):
            yield from _member(old, new, name, f"{path}.{name}" if _PLAIN_NAME.fullmatch(name) else f"{path}[{json.dumps(name)}]")
    elif isinstance(old, list) and isinstance(new, list):
        for place in range(max(len(old), len(new))):
            yield from _member(dict(enumerate(old)), dict(enumerate(new)), place, f"{path}[{place}]")
    elif is_unknown(new) or old != new:
        yield path, "UPDATE"


def _member(old: Mapping[Any, Any], new: Mapping[Any, Any], name: Any, path: str) -> Iterator[tuple[str, str]]:
    if name not in old:
        yield path, "ADD"
    elif name not in new:
        yield path, "DELETE"
    else:
        yield from _between(old[name], new[name], path)


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _steps(path: str) -> list[str]:
    """The names and places in a path: `tags["a.b"].c[*]` has `tags`, `a.b`, `c`, `*`; `["tags"]` is `tags` too."""
    return [json.loads(quoted) if quoted else name for quoted, name in _STEP.findall(path)]


def _first(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]
