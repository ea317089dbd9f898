"""Rosters as other languages give them: an object that says in exactly one of some ways which devices, or enrollments, there are."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hubtrust.devices.roster import Roster, RosterError, unpack
from hubtrust.devices.roster_files import from_csv, from_ids, from_json_lines, from_pattern
from hubtrust.enrollments.fleet_files import enrollments_from_csv, enrollments_from_json_lines, enrollments_from_list
from hubtrust.enrollments.fleet_roster import EnrollmentRoster
from hubtrust.plugin.argument_types import Anything, Argument, ArgumentType, ListOf, Record, Scalar, construct

_TEXT: Final = Scalar("string")
_Read = Callable[[Any, Mapping[str, Any] | None], Any]


@dataclass(frozen=True)
class RosterForm:
    """A roster in Python, and its form in other languages."""

    kind: type
    record: Record


def _form(kind: type, title: str, doc: str, ways: Mapping[str, tuple[ArgumentType, str, _Read]], tags: str) -> RosterForm:
    """``ways`` has, by the field's name on the wire, its type, what it is, and the function that reads it with the common tags."""

    def build(given: Mapping[str, Any]) -> Any:
        way = next(name for name in ways if name in given)
        return ways[way][2](given[way], given.get("tags"))

    declared = [Argument(name, name, type_, doc=said) for name, (type_, said, _) in ways.items()]
    return RosterForm(kind, Record(title, (*declared, Argument("tags", "tags", Anything(), doc=tags)), build, tuple(ways), doc))


DEVICES: Final = _form(
    Roster,
    "Roster",
    "Which devices there are. Exactly one of `ids`, `pattern`, `csv` and `jsonLines` is given, and it is plain.",
    {
        "ids": (ListOf(_TEXT), "Their ids, each at most 128 characters, case-sensitive.", from_ids),
        "pattern": (_TEXT, "`press-{001..025}` is press-001 to press-025; several ranges give every combination.", from_pattern),
        "csv": (
            _TEXT,
            (
                "The content of a CSV file: columns `id`, and any of `status`, `reason`, `edge`, `thumbprint`, `secondaryThumbprint`, "
                "`tag.<name>`, `desired.<name>`."
            ),
            lambda text, tags: from_csv(text, what="csv", tags=tags),
        ),
        "jsonLines": (
            _TEXT,
            "One JSON object a line, or one list of them: `id`, and any of `status`, `reason`, `edge`, `thumbprints`, `tags`, `desired`.",
            lambda text, tags: from_json_lines(text, what="jsonLines", tags=tags),
        ),
    },
    "Tags of the twin of every device, an object; a device's own go before these.",
)
ENROLLMENTS: Final = _form(
    EnrollmentRoster,
    "EnrollmentRoster",
    "Which enrollments there are. Exactly one of `list`, `csv` and `jsonLines` is given, and it is plain.",
    {
        "list": (
            ListOf(Anything()),
            (
                "Objects with `registrationId` and `certificate` (PEM, or base64 of DER), and any of `secondaryCertificate`, `deviceId`, "
                "`hubs`, `allocation`, `reprovision`, `status`, `edge`, `tags`, `desired`, `information`."
            ),
            enrollments_from_list,
        ),
        "csv": (
            _TEXT,
            (
                "The content of a CSV file: columns `registrationId`, `certificate`, and any of `secondaryCertificate`, `deviceId`, "
                "`hubs`, `allocation`, `reprovision`, `status`, `edge`, `tag.<name>`, `desired.<name>`."
            ),
            lambda text, tags: enrollments_from_csv(text, what="csv", tags=tags),
        ),
        "jsonLines": (
            _TEXT,
            "One JSON object a line, or one list of them, as in `list`.",
            lambda text, tags: enrollments_from_json_lines(text, what="jsonLines", tags=tags),
        ),
    },
    "Tags of the first twin of every device, an object; an enrollment's own go before these.",
)


def packed(form: RosterForm, value: object) -> object:
    """The text of a custom resource's input `members`: made of an object such as the schema has it, or as it is.

    Raises:
        RosterError: a device or enrollment in it is not valid.
        ArgumentError: the object has not the fields that the schema says.
    """
    return construct(form.record, value, "members", _no_component).pack() if isinstance(value, Mapping) else value


def readable(text: str, pattern: str) -> Mapping[str, Any] | str:
    """The object of which ``packed`` makes the roster of devices that ``text`` is, as short as it can be; without one, ``text`` itself.

    Args:
        text: what `Roster.pack` wrote.
        pattern: what names the devices, if it is one pattern.
    """
    roster = unpack(text)
    held = {one: dict(declared) for one, declared in roster.lines()}
    first: Mapping[str, Any] = next(iter(held.values()), {})
    same = first.keys() <= {"tags"} and all(one == first for one in held.values())
    tags = dict(first) if same else {}
    lines = "".join(f"{json.dumps({'id': one, **declared})}\n" for one, declared in held.items())
    for given in ({"pattern": pattern, **tags}, {"ids": list(held), **tags}, {"jsonLines": lines}):
        try:
            if (same or "jsonLines" in given) and packed(DEVICES, given) == text:
                return given
        except RosterError:  # no pattern, or what a hub has and no roster may declare
            continue
    return text


def _no_component(kind: Any, _value: object, what: str) -> Any:
    raise AssertionError(f"{what}: {kind}")
