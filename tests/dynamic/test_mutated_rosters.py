"""Whatever becomes of a roster on its way, it is read or refused in one line: it is cut, joined, encoded again, edited by hand."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hubtrust.devices.roster import Roster, RosterError, unpack
from hubtrust.devices.roster_files import from_csv, from_json_lines
from hubtrust.errors import HubtrustError
from tests.kit.repository import SHARED

_KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAwMDE="
_CSV = "id,status,edge,thumbprint,tag.hall,desired.speed\r\n" + "".join(
    f'oven-{number:02},{"disabled" if number == 2 else ""},,,"3, ""Süd""",{number}\r\n' for number in range(4)
)
_DEVICES: list[dict[str, Any]] = [
    {"id": "oven-01", "status": "enabled", "edge": True, "tags": {"hall": {"n": 3, "names": ["Süd", 1.5]}}, "desired": {}},
    {"id": "oven-02", "reason": "in repair", "thumbprints": ["AB" * 20], "tags": None},
    {
        "id": "oven-03",
        "eTag": "MQ==",
        "status": "disabled",
        "statusReason": None,
        "tags": {"hall": "3"},
        "authentication": {
            "type": "certificateAuthority",
            "symmetricKey": {"primaryKey": _KEY},
            "x509Thumbprint": {"primaryThumbprint": None},
        },
        "properties": {"desired": {"$version": 1, "speed": 2}},
        "capabilities": {"iotEdge": False},
        "moduleId": None,
    },
]
_LINES = "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in _DEVICES)
_TEXTS = (_CSV, _CSV.replace(",", ";"), f"sep=\t\n{_CSV}".replace(",", "\t"), _LINES, json.dumps(_DEVICES, indent=1))

_PIECES = st.sampled_from([*'\n\r",;\t{}[]:\\ $\x00\ufeff\u200e\u2028\x85\x0cé']) | st.sampled_from(
    ["", "null", "NaN", "-1e999", "true", "\\ud800", "\\u0000", "sep=", "id", "tag.", "9" * 30, "1" * 5000, "x" * 200, "[" * 500]
)
_CUTS = st.tuples(st.floats(0, 1), st.floats(0, 0.1), _PIECES)  # where, how much is taken out, what takes its place


def _cut(text: str, cut: tuple[float, float, str]) -> str:
    start = int(cut[0] * len(text))
    return text[:start] + cut[2] + text[start + int(cut[1] * len(text)) :]


_MUTATED = st.builds(lambda text, cuts: reduce(_cut, cuts, text), st.sampled_from(_TEXTS), st.lists(_CUTS, max_size=4))
_ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-32-be", "cp1252", "cp437"])
_READERS = st.sampled_from([from_csv, from_json_lines])


def _answer(read: Callable[..., Roster], content: str | bytes) -> Roster | HubtrustError:
    try:
        return read(content, what="f", tags={"site": "x"})
    except HubtrustError as error:
        return error


def _require_answer(read: Callable[..., Roster], content: str | bytes) -> None:
    """A roster that can be packed, or one bounded line that shows no key. A cut can make a key the value of a tag: those are the user's."""
    found = _answer(read, content)
    if isinstance(found, Roster):
        assert dict(unpack(found.pack())) == dict(found)
        assert _KEY not in str([replace(one, tags={}, desired={}) for one in dict(found).values()])
        return
    assert isinstance(found, RosterError)
    assert str(found).isprintable()
    assert len(str(found)) < 7000
    assert _KEY.rstrip("=") not in str(found)


@settings(max_examples=800)
@given(_READERS, _MUTATED)
@example(from_csv, "id\n")
@example(from_csv, "sep=")
@example(from_csv, '"')
@example(from_json_lines, "[")
@example(from_json_lines, "{")
@example(from_json_lines, "[" * 100_000)
@example(from_json_lines, '{"id":"x","tags":' * 5000)
def test_a_mutated_text_is_read_or_refused(read: Callable[..., Roster], text: str) -> None:
    """No text is a traceback."""
    _require_answer(read, text)


@given(
    st.sampled_from([16, 32, 64])
    .flatmap(lambda size: st.binary(min_size=size, max_size=size))
    .map(lambda octets: base64.b64encode(octets).decode()),
    st.sampled_from(["id\n{}\n", "{}\nx\n", '{{"{}": 1}}']),
)
@example(_KEY, 'id\n"primaryKey": "{}"\n')
@example(_KEY, "id\nHostName=h;DeviceId=x;SharedAccessKey={}\n")
@example(_KEY, "id,status\nx,{}\n")
@example(_KEY, "id,edge\nx,{}\n")
@example(_KEY, "id,thumbprint\nx,{}\n")
@example(_KEY, "tag.a;{}\n")
def test_a_key_in_a_wrong_place_is_not_shown(key: str, text: str) -> None:
    """Where an id, a column or a field is expected. A key without padding may be an id: it is a text that is a name as well."""
    for read in (from_csv, from_json_lines):
        found = _answer(read, text.format(key))
        assert isinstance(found, Roster) or key not in str(found) or (not key.endswith("=") and not _is_mixed(key))


def _is_mixed(key: str) -> bool:
    return all(any(kind(char) for char in key) for kind in (str.islower, str.isupper, str.isdecimal))


@settings(max_examples=500)
@given(_READERS, _MUTATED, _ENCODINGS, st.integers(0, 3))
def test_mutated_bytes_are_read_or_refused(read: Callable[..., Roster], text: str, encoding: str, cut: int) -> None:
    """In every encoding, and cut within a character too."""
    content = text.encode(encoding, "replace")
    _require_answer(read, content[: len(content) - cut])


@settings(max_examples=300)
@given(_READERS, st.binary(max_size=200) | st.text(st.characters(exclude_categories=()), max_size=100))
def test_anything_is_read_or_refused(read: Callable[..., Roster], content: str | bytes) -> None:
    """What is no roster at all."""
    _require_answer(read, content)


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just(_KEY),
    lambda part: (
        st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=4) | st.sampled_from(["type", "desired", "$a"]), part, max_size=3)
    ),
    max_leaves=5,
)
_FIELDS = st.sampled_from(
    sorted({name for one in _DEVICES for name in one} | {"deviceId", "importMode", "authenticationType", "x509Thumbprint"})
)


@settings(max_examples=400)
@given(st.sampled_from(_DEVICES), st.dictionaries(_FIELDS, _ANY, min_size=1, max_size=4))
def test_a_field_of_another_type_is_read_or_refused(device: dict[str, Any], changes: dict[str, Any]) -> None:
    """Any field may be of any type."""
    found = _answer(from_json_lines, json.dumps({**device, **changes}))
    assert isinstance(found, Roster) or str(found).isprintable()


_CASES = SHARED / "cases"


@pytest.mark.skipif(not _CASES.is_dir(), reason=f"{_CASES} is not there")
@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("C01-empty.jsonl", None),  # a roster without devices: see test_loss_is_said, and the settings
        ("C02-id-null.jsonl", "1 invalid line: line 1: the device: its id is null"),
        ("C03-edge-1.jsonl", "line 1: edge: it is a number"),
        ("C04-tags-text.jsonl", "line 1: tags: it is a text"),
        ("C05-bom.jsonl", None),
        ("C06-line-separator-in-text.jsonl", None),
        ("C07-semicolons.csv", None),
        ("C08-excel-empty-rows.csv", None),
        (
            "C09-cp1252.csv",
            "line 2: it has the byte 0xFC, which is not UTF-8 here; in Windows-1252 or Latin-1 it would be 'ü'; save it as UTF-8",
        ),
        ("C10-thumbprint-lrm.csv", r"line 2: thumbprints: '\u200eABABABA…' is not a thumbprint: it has the character '\u200e'"),
        ("C12-hub-export-devices.jsonl", None),
    ],
)
def test_reported_rosters_have_the_right_value(case: str, says: str | None) -> None:
    """Small files like those that people reported."""
    read = from_csv if case.endswith(".csv") else from_json_lines
    content = (_CASES / case).read_bytes()
    if says is None:
        assert read(content, what="f").ids == (() if case.startswith("C01") else ("oven-01",))
        return
    with pytest.raises(RosterError) as caught:
        read(content, what="f")
    assert says in str(caught.value)
