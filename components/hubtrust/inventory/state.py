"""Pulumi's state, as `pulumi stack export` writes it: read without trusting it, because it may be anybody's file, of any program.

The format is Pulumi's `apitype.DeploymentV3` (sdk/go/common/apitype/core.go). What a reader asks for and does not get goes to ``unseen``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hubtrust import shell, urns
from hubtrust.engine_marks import OUTPUT, SECRET, SIGNATURE, UNKNOWN
from hubtrust.errors import shown
from hubtrust.inventory.records import Unseen

_OWN = tuple(one("") for one in (shell.token, shell.dynamic_type))  # what the types of custom resources begin with, in both shells
_LONGEST = 200  # characters of a name in a line of `unseen`
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
_ENCRYPTED = "it is an encrypted secret in this export; `pulumi stack export --show-secrets` shows it, and every private key with it"


@dataclass(slots=True)
class UnseenList:
    """What could not be seen, each once, in the order in which it was met."""

    found: dict[Unseen, None] = field(default_factory=dict)

    def add(self, what: str, why: str) -> None:
        """Keep one; names in both may be anybody's."""
        self.found[Unseen(shown(what, _LONGEST * 2), shown(why, _LONGEST * 4))] = None


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the state."""

    type: str
    name: str
    urn: str
    id: str
    parent: str
    inputs: Mapping[str, Any] = field(repr=False)
    outputs: Mapping[str, Any] = field(repr=False)
    is_to_be_deleted: bool
    """An interrupted run replaced it, and left the old one for the next run to delete."""
    unseen: UnseenList = field(repr=False, compare=False)

    @property
    def kind(self) -> str:
        """The name of the custom resource of this package, such as `IssuedCertificate`; empty for others."""
        return next((self.type.removeprefix(start) for start in _OWN if self.type.startswith(start)), "")

    @property
    def title(self) -> str:
        """In messages."""
        return shown(f"{self.kind or self.type} '{self.name}'", _LONGEST)

    def text(self, name: str) -> str | None:
        """An output that is a text; None if it is missing or empty. Another type is told."""
        found = self._known(name, self.outputs)
        if found is None or isinstance(found, str):
            return found or None
        self._tell(name, f"it is no text but {_kind(found)}")
        return None

    def texts(self, name: str, *, of_inputs: bool = False) -> list[str]:
        """An output, or an input, that is a list of texts, or one text; empty if it is missing."""
        found = self._known(name, self.inputs if of_inputs else self.outputs)
        if found is None:
            return []
        listed = found if isinstance(found, list) else [found]
        plain = [self._plain(name, one) for one in listed]
        if any(one is not None and not isinstance(one, str) for one in plain):
            self._tell(name, "it is no list of texts")
        return [one for one in plain if isinstance(one, str)]

    def number(self, name: str) -> float | None:
        """An output that is a number; None if it is missing. Another type is told."""
        found = self._known(name, self.outputs)
        if isinstance(found, int | float) and not isinstance(found, bool) and abs(found) < 1e15:  # noqa: PLR2004 - also no NaN, and none that int() can't take
            return found
        if found is not None:
            self._tell(name, f"it is no number but {_kind(found)}")
        return None

    def count(self, name: str) -> int:
        """An output that is a number of things; 0 if it is missing."""
        return max(int(self.number(name) or 0), 0)

    def flag(self, name: str) -> bool:
        """Whether an output is true."""
        return self._known(name, self.outputs) is True

    def within(self, *names: str) -> Any:
        """A value inside of an output that others made, such as `properties`, `hostName`; None if there is none."""
        found: Any = self._known(names[0], self.outputs)
        for name in names[1:]:
            found = self._plain(name, found.get(name)) if isinstance(found, Mapping) else None
        return found

    def has(self, name: str, *, of_inputs: bool = False) -> bool:
        """Whether there is such an output or input, readable or not."""
        return (self.inputs if of_inputs else self.outputs).get(name) is not None

    def _known(self, name: str, properties: Mapping[str, Any]) -> Any:
        return self._plain(name, properties.get(name))

    def _plain(self, name: str, value: Any) -> Any:
        """``value`` without the engine's marks; None for what is encrypted or not known yet."""
        while isinstance(value, Mapping) and value.get(SIGNATURE) in {SECRET, OUTPUT}:
            if "plaintext" in value:
                value = _decoded(value["plaintext"])
            elif "ciphertext" in value:
                self._tell(name, _ENCRYPTED)
                return None
            else:
                value = value.get("value")
        return None if value == UNKNOWN else value

    def _tell(self, name: str, why: str) -> None:
        self.unseen.add(f"{name} of {self.title}", why)


@dataclass(frozen=True, slots=True)
class State:
    """The resources of one stack."""

    stack: str
    project: str
    resources: tuple[Resource, ...]
    unseen: UnseenList = field(repr=False)

    @classmethod
    def read(cls, deployment: Mapping[str, Any]) -> "State":
        """The resources of an exported deployment: what is no resource, or has a mark that nobody can read, is told in ``unseen``."""
        unseen = UnseenList()
        listed = deployment.get("resources")
        if listed is not None and not isinstance(listed, list):
            unseen.add("the stack's resources", f"`resources` is no list but {_kind(listed)}")
        found = tuple(_resources(listed if isinstance(listed, list) else [], unseen))
        _tell_pending(deployment.get("pending_operations"), unseen)
        for one in found:
            if one.is_to_be_deleted:
                unseen.add(one.title, "it was replaced, and an interrupted run left it; the next `pulumi up` deletes it")
        named = next((urns.read(one.urn) for one in found), None)
        return cls(named.stack if named else "", named.project if named else "", found, unseen)

    def of(self, *kinds: str) -> Iterator[Resource]:
        """The resources of this package of these kinds."""
        return (one for one in self.resources if one.kind in kinds)

    def of_types(self, pattern: re.Pattern[str]) -> Iterator[Resource]:
        """The resources of others whose whole type matches."""
        return (one for one in self.resources if pattern.fullmatch(one.type))


def moment(text: object) -> datetime | None:
    """RFC 3339 text as a time, without its fraction; None if it is none."""
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    try:
        return datetime.fromisoformat(found[1] + found[3]).astimezone(UTC) if found else None
    except (ValueError, OverflowError):
        return None


def _resources(listed: list[Any], unseen: UnseenList) -> Iterator[Resource]:
    broken = 0
    for one in listed:
        urn = one.get("urn") if isinstance(one, Mapping) else None
        if not isinstance(urn, str) or urn.count("::") < 3 or not urn.startswith("urn:pulumi:"):  # noqa: PLR2004 - a URN's four parts
            broken += 1
            continue
        texts = {name: value if isinstance(value := one.get(name), str) else "" for name in ("type", "id", "parent")}
        inputs, outputs = (value if isinstance(value := one.get(name), Mapping) else {} for name in ("inputs", "outputs"))
        is_left = one.get("delete") is True
        yield Resource(texts["type"], urns.read(urn).name, urn, texts["id"], texts["parent"], inputs, outputs, is_left, unseen)
    if broken:
        unseen.add(f"{broken} of the stack's resources", "they have no URN of Pulumi's; the file may have been edited")


def _tell_pending(operations: object, unseen: UnseenList) -> None:
    for one in operations if isinstance(operations, list) else []:
        resource = one.get("resource") if isinstance(one, Mapping) else None
        urn = resource.get("urn") if isinstance(resource, Mapping) else None
        name = str(urn).rpartition("$")[2].rpartition("::")
        what = f"{name[0].rpartition('::')[2] or name[0]} '{name[2]}'" if isinstance(urn, str) else "a resource"
        doing = str(one.get("type")) if isinstance(one, Mapping) else "doing something"
        unseen.add(what, f"a run was interrupted while it was {doing} it; `pulumi refresh` finds out how it is")


def _decoded(plaintext: object) -> Any:
    """The value of a secret that was exported with `--show-secrets`: JSON text."""
    try:
        return json.loads(plaintext) if isinstance(plaintext, str) else None
    except (ValueError, RecursionError):
        return None


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "nothing")
