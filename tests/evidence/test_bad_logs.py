"""Logs that were changed, cut, mixed, damaged or made up: each is refused in one line, and none ends in a traceback."""

import base64
import itertools
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hubtrust.cli.main import main
from hubtrust.evidence.audit import audit
from hubtrust.evidence.conclusion import conclusion, head_line, record_line
from hubtrust.evidence.errors import EvidenceError
from hubtrust.evidence.log import LARGEST, Log
from hubtrust.evidence.merkle import Tree
from hubtrust.evidence.statement import Kind, Subject
from tests.kit.authorities import hierarchy
from tests.kit.evidence_logs import HUB, STACK, proof_predicate, short_log
from tests.kit.samples import SEED, drawn

AUTHORITY = hierarchy(depth=0).issuing
SIGNER = AUTHORITY.signer
NAMED = Subject("CN=Plant", "ab" * 32)
LOG = short_log(AUTHORITY)
RECORDS = LOG.text.split("\n")[:-1]
HEAD = LOG.text.split("\n")[-1]
# A record without a certificate, then a proof: each byte of it is changed, so it is as short as a log with every part can be.
SHORT = (
    Log.empty(STACK)
    .append(Kind.DROP, NAMED, {})
    .append(Kind.PROOF, AUTHORITY.certificate, proof_predicate(AUTHORITY), SIGNER)
    .signed(SIGNER)
)
BYTES = SHORT.text.encode() + b"\n"


def refused(text: str | bytes) -> bool:
    """Whether a log is refused, in one line, or its audit finds an error."""
    try:
        found = audit(Log.read(text))
    except EvidenceError as error:
        return "\n" not in str(error)
    return not found.confirmed


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def envelope(payload: Any, kind: str = "application/vnd.in-toto+json") -> str:
    content = base64.b64encode(canonical(payload).encode()).decode()
    return canonical({"payload": content, "payloadType": kind, "signatures": []})


def made_up(*payloads: Any, **head: Any) -> str:
    """A log of these payloads that fits together, as somebody without any key can write it."""
    tree, lines = Tree(), []
    for payload in payloads:
        lines.append(envelope(payload))
        tree = tree.with_leaf(lines[-1].encode())
    value = {"rootHash": tree.root.hex(), "size": tree.size, "stack": STACK, "version": 1}
    return "\n".join([*lines, envelope({**value, **head}, "application/vnd.hubtrust.log-head+json")])


def payload_of(log: Log, index: int = 0) -> Any:
    return json.loads(log.records[index].envelope.payload)


def test_the_logs_of_these_tests_are_confirmed() -> None:
    """As they are, before anything is changed."""
    assert not refused(BYTES)
    assert not refused(LOG.text)
    assert not refused(made_up(payload_of(SHORT)))


def test_every_byte_matters() -> None:
    """Another byte at any place is found: another bit, and at some places each of the 255 others."""
    chance = random.Random(SEED)  # noqa: S311 - no secret
    changes = [(at, BYTES[at] ^ 1 << chance.randrange(8)) for at in range(len(BYTES))]
    changes += [(at, byte) for at in drawn(range(len(BYTES)), 4) for byte in range(256) if byte != BYTES[at]]
    missed = [(at, byte) for at, byte in changes if not refused(BYTES[:at] + bytes([byte]) + BYTES[at + 1 :])]

    assert missed == []


def test_bytes_that_are_missing_or_added_are_found() -> None:
    """Cut at any place, a byte less, a byte twice, a byte more. Only the line feed at the end may be missing."""
    places = drawn(range(len(BYTES) - 2), 150)
    cut = [at for at in places if not refused(BYTES[:at])]
    less = [at for at in places if not refused(BYTES[:at] + BYTES[at + 1 :])]
    twice = [at for at in places if not refused(BYTES[: at + 1] + BYTES[at:])]
    more = [at for at in places if not refused(BYTES[:at] + b" " + BYTES[at:])]

    assert (cut, less, twice, more) == ([], [], [], [])


def test_a_changed_log_is_one_line_of_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At the command line: never a traceback, never "Confirmed"."""
    file = tmp_path / "log"
    for at in drawn(range(len(BYTES)), 60):
        file.write_bytes(BYTES[:at] + bytes([BYTES[at] ^ 0x80]) + BYTES[at + 1 :])
        assert main(["verify", str(file)]) == 1
        found = capsys.readouterr()
        assert (found.err.count("\n"), "Confirmed" in found.out) == (1, False)


def test_records_are_in_their_order_each_once() -> None:
    """Every other choice of the same records is refused: left out, in another order, twice."""
    choices = [lines for size in range(5) for lines in itertools.product(RECORDS, repeat=size) if list(lines) != RECORDS]

    assert [lines for lines in choices if not refused("\n".join([*lines, HEAD]))] == []


OF_ANOTHER_STACK = Log.empty("contoso/plant/test").append(Kind.DROP, NAMED, {})
LONGER = LOG.append(Kind.DROP, NAMED, {})
OTHER = short_log()
MIXED = {
    "a record of another stack": (
        [*OF_ANOTHER_STACK.text.split("\n")[:1], *RECORDS[1:], HEAD],
        "and the records before it are of 'contoso/plant/test'",
    ),
    "only records of another stack": (
        [OF_ANOTHER_STACK.text.split("\n")[0], Log.empty(STACK).text],
        "the head is of the stack 'contoso/plant/prod'",
    ),
    "the head of a longer log": ([*RECORDS, LONGER.text.split("\n")[-1]], "the head is of a log of 4 records, and there are 3"),
    "the head of a shorter log": ([*LONGER.text.split("\n")[:-1], HEAD], "the head is of a log of 3 records, and there are 4"),
    "the head of another log": ([*RECORDS, OTHER.text.split("\n")[-1]], "the head has the root hash '"),
    "no head": (RECORDS, "it is the last line, and not the log's head"),
    "the head first": ([HEAD, *RECORDS], "it is a head, and only the last line is one"),
    "two logs": ([LOG.text, LOG.text], "it is a head, and only the last line is one"),
    "records after the head": ([*RECORDS, HEAD, LONGER.records[3].line], "it is a head, and only the last line is one"),
    "a record that a fork appended": (
        [RECORDS[0], LONGER.records[3].line, Log.empty(STACK).text],
        "it is record 4 of its log, and record 2 is next",
    ),
    "a blank line": ([*RECORDS, "", HEAD], "it is not JSON"),
    "a blank line at the end": ([LOG.text, "\n"], "it is a head, and only the last line is one: other lines follow it"),
    "carriage returns": (["\r\n".join([*RECORDS, HEAD])], "its lines end with CR LF, as git (core.autocrlf)"),
    "a byte order mark": (["\ufeff" + LOG.text], "it is not canonical JSON: it is not ASCII"),
    "spaces": ([*RECORDS, HEAD + " "], "its JSON is not canonical"),
    "nothing": ([""], "it is empty"),
    "line feeds alone": (["\n\n\n"], "it is empty"),
    "the output as JSON": ([json.dumps(LOG.text)], "it is a text of JSON, in quotes; give it as `pulumi stack output evidence` writes it"),
    "other JSON": (["[]"], "the envelope does not have exactly the members"),
    "deep JSON": (["[" * 200_000], "its JSON is nested too deeply"),
    "a number of many digits": (["9" * 10_000], "it is not the JSON of a log"),
    "a fraction": (["1.5"], "1.5 is not a whole number"),
    "no number": (["NaN"], "NaN is not a whole number"),
    "members twice": ([RECORDS[0][:-1] + ',"signatures":[]}', HEAD], "its JSON is not canonical"),
}


@pytest.mark.parametrize(("lines", "fact"), MIXED.values(), ids=MIXED)
def test_what_is_no_log_is_refused_with_the_fact(lines: list[str], fact: str) -> None:
    """One line that says at which line of the log, and what is there."""
    with pytest.raises(EvidenceError) as caught:
        Log.read("\n".join(lines))

    assert fact in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"\xff\xfe{\x00}\x00", "it is not UTF-8 (byte 1)"),
        (bytes(LARGEST + 1), "it has more than 67,108,864 bytes"),
        (b"\0\0", "it is not JSON"),
    ],
    ids=["UTF-16", "huge", "NULs"],
)
def test_bytes_that_are_no_log_are_refused_with_the_fact(content: bytes, fact: str) -> None:
    """Another encoding, a size that no log has, and no text at all."""
    with pytest.raises(EvidenceError) as caught:
        Log.read(content)

    assert fact in str(caught.value)


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (lambda it: it.update(payload=it["payload"].rstrip("=") + "=="), "base64"),
        (lambda it: it.update(payload=it["payload"][:9] + "\n" + it["payload"][9:]), "its base64 is damaged"),
        (lambda it: it.update(payload=""), "payload is not a text"),
        (lambda it: it.update(payloadType="text/plain"), "its payloadType is not application/vnd.in-toto+json"),
        (lambda it: it.update(signatures=it["signatures"] * 2), "signatures is not a list of at most one"),
        (lambda it: it.update(signatures=None), "signatures is not a list of at most one"),
        (lambda it: it["signatures"][0].update(keyid=it["signatures"][0]["keyid"].upper()), "keyid is not a SHA-256"),
        (lambda it: it["signatures"][0].update(sig="MA=="), "it is not"),
        (lambda it: it.update(more=1), "the envelope does not have exactly the members"),
    ],
    ids=["padding", "a line feed", "no payload", "type", "two signatures", "null", "upper case", "signature", "more"],
)
def test_an_envelope_in_another_form_is_refused(change: Callable[[Any], None], fact: str) -> None:
    """Each value has one form."""
    value = json.loads(HEAD if fact == "it is not" else RECORDS[0])
    change(value)
    text = "\n".join([*RECORDS, canonical(value)] if fact == "it is not" else [canonical(value), *RECORDS[1:], HEAD])
    assert refused(text)
    if fact != "it is not":
        with pytest.raises(EvidenceError) as caught:
            Log.read(text)
        assert fact in str(caught.value)


ODD = [None, True, 0, -1, 10**30, "", "x", "\ud800", "\x1b[2J\n", [], {}, [{"a": [None]}], "9" * 5000, ["x"] * 3]


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a JSON document."""
    yield above
    for name, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []:
        yield from places(part, (*above, name))


def replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = replaced(value[place[0]], place[1:], new)
    return copy


def told(text: str) -> list[str]:
    """The lines that are told of a log, or the line of the error."""
    try:
        found = audit(Log.read(text), [AUTHORITY.certificate], STACK, "00" * 32)
    except EvidenceError as error:
        return [str(error)]
    return [head_line(found), conclusion(found), *map(record_line, found.records), *found.errors]


@pytest.mark.parametrize("index", [0, 1], ids=["a drop", "a proof"])
def test_a_log_that_was_made_up_never_ends_in_a_traceback(index: int) -> None:
    """Any value at any place of a statement, in a log that fits together: it is refused in one line, or shown in one line each."""
    first, payload = payload_of(SHORT), payload_of(SHORT, 1)
    payload["predicate"]["previousRoot"] = Log.read(made_up(first)).root_hash
    for place in places(payload if index else first):
        for odd in ODD:
            payloads = [first, replaced(payload, place, odd)] if index else [replaced(first, place, odd)]
            assert all(line.isprintable() for line in told(made_up(*payloads)))


@pytest.mark.parametrize("member", ["rootHash", "size", "stack", "version"])
@pytest.mark.parametrize("odd", ODD, ids=[str(at) for at in range(len(ODD))])
def test_a_head_that_was_made_up_is_refused(member: str, odd: Any) -> None:
    """Any other value of any of its members, in one line."""
    with pytest.raises(EvidenceError) as caught:
        Log.read(made_up(payload_of(SHORT), **{member: odd}))

    assert str(caught.value).isprintable()


def test_unsigned_records_can_be_written_anew_and_a_kept_root_hash_shows_it() -> None:
    """Whoever can write the log can change what nobody signed. A root hash that was kept elsewhere shows it; the audit says so."""
    kept = short_log(AUTHORITY, signed=False)
    anew = Log.empty(STACK).append(Kind.PROOF, AUTHORITY.certificate, {**proof_predicate(AUTHORITY), "service": f"{HUB}-of-others"})

    assert audit(anew).confirmed
    assert "covers its records: whoever can write the log can have rewritten them" in conclusion(audit(anew))
    assert not audit(anew, root=kept.root_hash).confirmed


def test_the_log_has_nothing_of_the_cas_key() -> None:
    """With the key in memory, which signed everything: not as bytes, in hex, in base64 or as a number."""
    key = SIGNER._private_key  # type: ignore[attr-defined]
    secret = key.private_numbers().private_value.to_bytes(32)
    content = b"".join([BYTES, SHORT.head.payload, *(record.envelope.payload for record in SHORT.records)])
    content += b"".join(one.envelope.signature.content for one in SHORT.records if one.envelope.signature)
    # Of base64 of a text that has the key in it at some place, this part is always there, whatever is before it.
    forms = [secret, secret.hex().encode(), secret.hex().upper().encode(), str(int.from_bytes(secret)).encode()]
    forms += [base64.b64encode(bytes(shift) + secret)[4:-4] for shift in range(3)]

    assert [form for form in forms if form in content] == []
