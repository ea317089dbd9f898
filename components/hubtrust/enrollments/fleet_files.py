"""Rosters of enrollments from a list, a mapping or a file: CSV or JSON. Errors name invalid lines by their numbers."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hubtrust.azure.enrollment_limits import MOST_ENROLLMENTS
from hubtrust.devices.csv_table import Columns, csv_records, edge, twin_columns
from hubtrust.devices.field_names import meant_by
from hubtrust.devices.json_records import json_records
from hubtrust.devices.json_values import kind
from hubtrust.devices.roster import RosterError
from hubtrust.devices.roster_files import is_json
from hubtrust.devices.roster_lines import RosterLines
from hubtrust.devices.roster_text import as_text
from hubtrust.enrollments.description import EnrollmentDescription, Terms
from hubtrust.enrollments.fleet_certificates import read_certificates
from hubtrust.enrollments.fleet_roster import EnrollmentRoster
from hubtrust.enrollments.fleet_terms import read_terms, require_own_device_id, require_registration_id
from hubtrust.file_content import file_content
from hubtrust.reconcile_errors import DeclarationError

_ID = "registrationId"
_OF_EACH = (_ID, "certificate", "secondaryCertificate", "deviceId")
_TERMS = ("status", "edge", "hubs", "allocation", "reprovision")
_FIELDS = (*_OF_EACH, *_TERMS, "tags", "desired", "information")
_COLUMNS = Columns((*_OF_EACH, *_TERMS))
_KEY = json.JSONEncoder(sort_keys=True)
_Line = tuple[int, Mapping[str, Any] | DeclarationError]


@RosterError.told()
def enrollments_from_list(
    enrollments: Iterable[Mapping[str, Any]] | Mapping[str, Mapping[str, Any]], tags: Mapping[str, Any] | None = None
) -> EnrollmentRoster:
    """Individual enrollments from objects.

    Args:
        enrollments: a list of objects as ``enrollments_from_json_lines`` has them, or a mapping of registration ids to such objects.
        tags: tags of the first twin of every device, an object; an enrollment's own go before these.

    Raises:
        RosterError: some are invalid; the first twenty are named by their number in the list.
    """
    if isinstance(enrollments, str | bytes) or not isinstance(enrollments, Iterable):
        raise RosterError("enrollments", f"it is {kind(enrollments)}", "give a list or a mapping of objects")
    if isinstance(enrollments, Mapping):
        enrollments = [{**one, _ID: id_} if isinstance(one, Mapping) else one for id_, one in enrollments.items()]
    return _from_lines(_checked(enumerate(enrollments, 1)), "the list of enrollments", tags, item="entry")


@RosterError.told()
def enrollments_from_file(
    path: str | os.PathLike[str], *, what: str | None = None, tags: Mapping[str, Any] | None = None
) -> EnrollmentRoster:
    """Individual enrollments from a CSV file (see ``enrollments_from_csv``) or a file of JSON (``enrollments_from_json_lines``).

    It is read as UTF-8 whatever the machine's locale is, or as UTF-16 with a byte order mark.

    Args:
        path: the file.
        what: what it is called in errors; default: its path.
        tags: tags of the first twin of every device, an object; an enrollment's own go before these.

    Raises:
        RosterError: the file can't be read, or see the two functions.
    """
    named = what or f"file '{path}'"
    if not isinstance(path, str | os.PathLike):
        raise RosterError(named, f"its path is {kind(path)}", "give the path of a file")
    text = as_text(file_content(Path(path), what=named, remedy="give the path of a file that can be read"), what=named)
    read = enrollments_from_json_lines if is_json(path, text) else enrollments_from_csv
    return read(text, what=named, tags=tags)


@RosterError.told()
def enrollments_from_csv(text: str | bytes, *, what: str, tags: Mapping[str, Any] | None = None) -> EnrollmentRoster:
    """Columns `registrationId`, `certificate`, and any of those that ``enrollments_from_json_lines`` names, but `information`.

    Tags and desired properties are columns `tag.<name>` and `desired.<name>`. A certificate is base64 of its DER, or PEM in quotes; several
    hubs are separated by white space. The first line names the columns, as ``hubtrust.devices.roster_files.from_csv`` has it.

    Args:
        text: the content of the file.
        what: what it is called in errors.
        tags: tags of the first twin of every device, an object; an enrollment's own go before these.

    Raises:
        RosterError: the encoding, the first line, or another one, is invalid; the first twenty invalid lines are named.
    """
    return _from_lines(_csv_lines(as_text(text, what=what), what), what, tags)


@RosterError.told()
def enrollments_from_json_lines(text: str | bytes, *, what: str, tags: Mapping[str, Any] | None = None) -> EnrollmentRoster:
    """One object a line: `registrationId` and `certificate`, and any of the fields below. It may also be one list of such objects.

    `secondaryCertificate`; `deviceId`, the device's id on its hub; `hubs`, host names of linked hubs; `allocation`: hashed, static
    or geoLatency; `reprovision`: migrate, reset or never; `status`: enabled or disabled;
    `edge`; `tags` and `desired` of the first twin; `information`, an object. Certificates are PEM, or base64 of their DER.

    Args:
        text: the content of the file.
        what: what it is called in errors.
        tags: tags of the first twin of every device, an object; an enrollment's own go before these.

    Raises:
        RosterError: the encoding or lines are invalid; the first twenty of them are named.
    """
    return _from_lines(_checked(json_records(as_text(text, what=what))), what, tags)


def _csv_lines(text: str, what: str) -> Iterator[_Line]:
    for number, cells in csv_records(text, _COLUMNS, what=what):
        try:
            yield number, cells if isinstance(cells, DeclarationError) else _of_cells(cells)
        except DeclarationError as error:
            yield number, error


def _of_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    texts = {name: cells.get(name) or None for name in _COLUMNS.names}
    status = cells.get("status", "").lower() or None
    return {**texts, "status": status, "edge": edge(cells), "hubs": cells.get("hubs", "").split() or None, **twin_columns(cells)}


def _checked(values: Iterable[tuple[int, Any]]) -> Iterator[_Line]:
    """Each value, or the error of what is no object or has a field that there is not."""
    for number, value in values:
        yield number, value if isinstance(value, DeclarationError) else _with_known_fields(value)


def _with_known_fields(value: Any) -> Mapping[str, Any] | DeclarationError:
    if not isinstance(value, Mapping):
        return DeclarationError("the enrollment", f"it is {kind(value)}", f"write an object with {_ID} and certificate")
    if (unknown := next((name for name in value if name not in _FIELDS), None)) is not None:
        meant = meant_by(unknown, _FIELDS) if isinstance(unknown, str) else None
        remedy = f"write it as '{meant}'" if meant else f"use {', '.join(_FIELDS)}"
        return DeclarationError("the enrollment", f"there is no field '{unknown}'", remedy)
    return value


def _from_lines(lines: Iterable[_Line], what: str, tags: Mapping[str, Any] | None, *, item: str = "line") -> EnrollmentRoster:
    common = read_terms({"tags": tags}).tags or {}
    known: dict[str, Terms] = {}  # thousands of lines differ only in what is the device's own

    def described(line: Mapping[str, Any]) -> EnrollmentDescription:
        attestation = read_certificates(line[_ID], (line.get("certificate"), line.get("secondaryCertificate")))
        return EnrollmentDescription(attestation, _terms(line, common, known), require_own_device_id(line.get("deviceId")))

    read = RosterLines(
        "enrollment",
        lambda line: require_registration_id(line.get(_ID)),
        described,
        MOST_ENROLLMENTS,
        ("the most that a provisioning service holds", "spread them over several services"),
        same=str.lower,
        item=item,
    )
    return EnrollmentRoster.of(read.read(lines, what).items())


def _terms(line: Mapping[str, Any], common: Mapping[str, Any], known: dict[str, Terms]) -> Terms:
    """The terms of a line; equal ones are one object, kept in ``known``."""
    inputs = {name: value for name, value in line.items() if name not in _OF_EACH}
    try:
        key = _KEY.encode(inputs)
    except (RecursionError, TypeError, ValueError):
        raise DeclarationError("the enrollment", "it has a value that is not JSON, or is nested too deeply", "use JSON's values") from None
    if key not in known:
        own = read_terms(inputs)
        known[key] = read_terms({**inputs, "tags": {**common, **(own.tags or {})}}) if common else own
    return known[key]
