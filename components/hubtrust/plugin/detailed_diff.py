"""The paths at which a resource differs, as engines show them: `tags.site`, `thumbprints[1]`, `tags["a.b"]`."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pulumi.runtime.proto import provider_pb2

from hubtrust.dynamic.contract import Change
from hubtrust.inputs import Properties, is_unknown

_PLAIN_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_Difference = tuple[str, str]  # a path, and ADD, DELETE or UPDATE


def answer(change: Change, old_inputs: Properties, outs: Properties, news: Properties, ignored: Sequence[str]) -> Any:
    """The answer to Diff. What changed in the program is an input's difference; what others changed in Azure is one of the outputs.

    Paths that are ``ignored`` are left as they are, also if others changed them.
    """
    some = provider_pb2.DiffResponse
    if not change.replaces and not change.updates:
        return some(changes=some.DIFF_NONE, hasDetailedDiff=True)
    paths: dict[str, Any] = {}
    for path, kind in _between(old_inputs, news):
        paths[path] = provider_pb2.PropertyDiff(kind=_kind(kind, path, change), inputDiff=True)
    named = {_first(path) for path in paths}
    for path, kind in _between({name: outs[name] for name in news.keys() & outs.keys() - named}, news):
        if _first(path) in outs and not _is_ignored(path, ignored):
            paths[path] = provider_pb2.PropertyDiff(kind=_kind(kind, path, change), inputDiff=False)
    for name in set(change.replaces) - {_first(path) for path in paths}:
        paths[name] = provider_pb2.PropertyDiff(kind=_kind("UPDATE", name, change), inputDiff=name in news)
    return some(
        changes=some.DIFF_SOME,
        replaces=change.replaces,
        diffs=sorted({_first(path) for path in paths}),
        detailedDiff=paths,
        hasDetailedDiff=bool(paths),
        deleteBeforeReplace=False,
    )


def _kind(kind: str, path: str, change: Change) -> Any:
    return provider_pb2.PropertyDiff.Kind.Value(f"{kind}_REPLACE" if _first(path) in change.replaces else kind)


def _between(old: Any, new: Any, path: str = "") -> Iterator[_Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _member(old, new, name, _below(path, name))
    elif isinstance(old, list) and isinstance(new, list):
        for place in range(max(len(old), len(new))):
            yield from _member(dict(enumerate(old)), dict(enumerate(new)), place, f"{path}[{place}]")
    elif is_unknown(new) or old != new:
        yield path, "UPDATE"


def _member(old: dict[Any, Any], new: dict[Any, Any], name: Any, path: str) -> Iterator[_Difference]:
    if name not in old:
        yield path, "ADD"
    elif name not in new:
        yield path, "DELETE"
    else:
        yield from _between(old[name], new[name], path)


def _below(path: str, name: str) -> str:
    if not _PLAIN_NAME.fullmatch(name):
        return f"{path}[{json.dumps(name)}]"
    return f"{path}.{name}" if path else name


def _first(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def _is_ignored(path: str, ignored: Sequence[str]) -> bool:
    return any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in ignored)
