"""The displays, given events."""

from __future__ import annotations

import io
import json
from typing import Any

from rich.console import Console

from sandbox.engine.display.board import ROOT, Board, DisplayOptions, short_type
from sandbox.engine.display.digest import Digest
from sandbox.engine.display.plain import PlainLines
from sandbox.engine.display.stream import JsonLines, Stream
from sandbox.engine.display.tree import LiveTree

STACK = f"urn:pulumi:dev::quill::{ROOT}::quill-dev"
THING = "pkg:index:Thing"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
HIDDEN = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}


def urn(name: str) -> str:
    return f"urn:pulumi:dev::quill::{THING}::{name}"


def step(
    kind: str, op: str, name: str | None, *, old: dict[str, Any] | None = None, new: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A step event; `old` and `new` are inputs, `outputs` come as `old_outputs` and `new_outputs`."""
    where = STACK if name is None else urn(name)

    def side(inputs: dict[str, Any] | None, outputs: dict[str, Any]) -> dict[str, Any] | None:
        found = {"type": where.split("::")[2], "urn": where, "id": name or "", "parent": "" if name is None else STACK}
        found |= {"custom": True} if more.get("custom", name is not None) else {}
        return None if inputs is None else {**found, "inputs": inputs, "outputs": outputs}

    metadata = {"op": op, "urn": where, "old": side(old, more.get("old_outputs", {})), "new": side(new, more.get("new_outputs", {}))}
    return {kind: {"metadata": {**metadata, **more.get("metadata", {})}}}


def diagnostic(message: str, severity: str = "info", name: str | None = None, **more: Any) -> dict[str, Any]:
    prefix = {"error": "error: ", "warning": "warning: "}.get(severity, "")
    return {"diagnosticEvent": {"urn": urn(name) if name else "", "message": message, "prefix": prefix, "severity": severity, **more}}


def summary(*, preview: bool = False, **changes: int) -> dict[str, Any]:
    found = {key.replace("_", "-"): count for key, count in changes.items()}
    return {"summaryEvent": {"isPreview": preview, "durationSeconds": 1, "resourceChanges": found, "PolicyPacks": {}}}


class Clock:
    """A clock that moves only when it is set."""

    now = 100.0

    def __call__(self) -> float:
        """The present moment."""
        return self.now


def plain(*events: dict[str, Any], planned: bool = False, **options: Any) -> list[str]:
    """The lines of a plain run, without the empty ones."""
    out, clock = io.StringIO(), Clock()
    display = PlainLines(out, Board(STACK, clock, DisplayOptions(planned=planned, **options)))
    for event in events:
        display.show(event)
        clock.now += 0.5
    display.close()
    return [line for line in out.getvalue().split("\n") if line]


CREATED = (
    step("resourcePreEvent", "create", "a", new={"x": 1}),
    step("resOutputsEvent", "create", "a", new={"x": 1}, new_outputs={"x": 1, "y": 2}),
)


def test_an_operation_is_one_line_at_its_start_and_one_at_its_end():
    """With the time it took."""
    assert plain(*CREATED, summary(create=1)) == [
        " +  pkg:index:Thing a creating (0s)",
        " +  pkg:index:Thing a created (0.50s)",
        "Resources:",
        "    + 1 created",
        "Duration: 1s",
    ]


def test_a_preview_shows_each_operation_once():
    """And counts it as planned."""
    assert plain(*CREATED, summary(create=1, same=2, preview=True), planned=True) == [
        " +  pkg:index:Thing a create",
        "Resources:",
        "    + 1 to create",
        "    2 unchanged",
    ]


def test_changed_inputs_are_named():
    """Added, removed and changed inputs; internal ones are not."""
    update = step("resourcePreEvent", "update", "a", old={"gone": 1, "v": 1, "__p": 1}, new={"fresh": 1, "v": 2, "__p": 2})
    assert plain(update, planned=True) == [" ~  pkg:index:Thing a update [diff: +fresh-gone~v]"]


def test_the_provider_may_narrow_what_counts_as_changed():
    """Its list of differences decides what is named."""
    update = step("resourcePreEvent", "update", "a", old={"v": 1, "w": 1}, new={"v": 2, "w": 2}, metadata={"diffs": ["w"]})
    assert plain(update, planned=True) == [" ~  pkg:index:Thing a update [diff: ~w]"]


def test_drift_is_named_after_the_read():
    """A refresh finds out what differs when it has read; what has not changed is no line."""
    lines = plain(
        step("resourcePreEvent", "refresh", "a", old={"v": 1}, new={"v": 1}),
        step("resourcePreEvent", "refresh", "b", old={}, new={}),
        step("resOutputsEvent", "update", "a", old={"v": 1}, new={"v": 1}, old_outputs={"v": 1}, new_outputs={"v": 2}),
        step("resOutputsEvent", "same", "b", old={}, new={}),
        planned=True,
    )
    assert lines == [" ~  pkg:index:Thing a refresh", " ~  pkg:index:Thing b refresh", " ~  pkg:index:Thing a update [diff: ~v]"]


def test_a_refresh_shows_no_difference_before_it_has_read():
    """The old outputs and the inputs differ in what the resource does not return; that is no difference."""
    lines = plain(
        step("resourcePreEvent", "refresh", "a", old={"v": 1, "w": 1}, new={"v": 1, "w": 1}, old_outputs={"v": 2}, new_outputs={"v": 2}),
        step("resOutputsEvent", "same", "a", old={"v": 1, "w": 1}, new={"v": 1, "w": 1}, old_outputs={"v": 2}, new_outputs={"v": 2}),
    )
    assert lines == [" ~  pkg:index:Thing a refreshing (0s)"]


def test_a_preview_that_refreshes_shows_what_it_plans_once():
    """After the refresh the plan's own step begins and ends: one line."""
    sides: dict[str, Any] = {"old": {"v": 1}, "new": {"v": 2}}
    lines = plain(
        step("resourcePreEvent", "refresh", "a", old={"v": 1}, new={"v": 1}),
        step("resOutputsEvent", "same", "a", old={"v": 1}, new={"v": 1}),
        step("resourcePreEvent", "update", "a", **sides),
        step("resOutputsEvent", "update", "a", **sides),
        planned=True,
    )
    assert lines == [" ~  pkg:index:Thing a refresh", " ~  pkg:index:Thing a update [diff: ~v]"]


def test_types_are_as_pulumis_cli_shortens_them():
    """Where a module repeats the type's name; other modules stay."""
    wanted = {
        "tls:index/privateKey:PrivateKey": "tls:index:PrivateKey",
        "aws:s3/bucket:Bucket": "aws:s3:Bucket",
        "azure-native:iothub:IotHubResource": "azure-native:iothub:IotHubResource",
        "pulumi-python:dynamic/hubtrust:HubOwner": "pulumi-python:dynamic/hubtrust:HubOwner",
        ROOT: ROOT,
    }
    assert {token: short_type(token) for token in wanted} == wanted


def test_an_unchanged_resource_is_not_shown():
    """Only the summary counts it."""
    assert plain(step("resourcePreEvent", "same", "a", old={}, new={}), summary(same=1, preview=True), planned=True) == [
        "Resources:",
        "    1 unchanged",
    ]


def test_a_failure_is_shown_once_with_the_providers_message():
    """The line says that it failed, Diagnostics says why; a repeated error is shown once."""
    lines = plain(
        step("resourcePreEvent", "create", "a", new={}),
        diagnostic("hub is full\n", "error", "a"),
        diagnostic("hub is full\n", "error", "a"),
        step("resOpFailedEvent", "create", "a", new={}),
        summary(),
    )
    assert lines == [
        " +  pkg:index:Thing a creating (0s)",
        " +  pkg:index:Thing a **creating failed**",
        "Diagnostics:",
        "  pkg:index:Thing (a):",
        "    error: hub is full",
        "Resources:",
        "    1 errored",
        "Duration: 2s",
    ]


def test_operations_in_progress_at_the_end_are_shown_as_interrupted():
    """No operation is still shown as in progress."""
    assert plain(CREATED[0])[-1] == " +  pkg:index:Thing a **creating interrupted**"


def test_components_that_were_not_completed_exist_and_the_stack_has_failed():
    """As Pulumi's CLI shows them, so that the summary counts what the rows say."""
    text = drawn(
        step("resourcePreEvent", "create", None, new={}),
        step("resourcePreEvent", "create", "group", new={}, custom=False),
        step("resourcePreEvent", "create", "a", new={}),
        diagnostic("update canceled", "error"),
        closed=True,
    )
    assert [" ".join(row.split()) for row in text.split("\n")[2:5]] == [
        "+ pulumi:pulumi:Stack quill-dev **creating failed** 1 error",
        "+ ├─ pkg:index:Thing group created",
        "+ └─ pkg:index:Thing a **creating interrupted**",
    ]


def test_the_parts_of_a_stream_are_one_message():
    """A program's traceback comes line by line and reads as one."""
    pieces = [diagnostic(f"{line}\n", "info", None, streamID=7) for line in ("one", "  two")]
    assert plain(*pieces)[-3:] == ["  pulumi:pulumi:Stack (quill-dev):", "    one", "      two"]


def test_ephemeral_and_debug_messages_are_no_diagnostics():
    """An ephemeral message is a line but not a diagnostic; a debug message is neither."""
    assert plain(diagnostic("soon", ephemeral=True), diagnostic("deep", "debug")) == ["    pulumi:pulumi:Stack quill-dev  soon"]


def outputs_of(old: dict[str, Any] | None, new: dict[str, Any], *, planned: bool, **options: Any) -> list[str]:
    sides = {"old": None if old is None else {}, "old_outputs": old or {}, "new": {}, "new_outputs": new}
    lines = plain(step("resOutputsEvent", "same" if old is not None else "create", None, **sides), planned=planned, **options)
    return lines[lines.index("Outputs:") + 1 :] if "Outputs:" in lines else []


def test_outputs_are_shown_by_shape():
    """Maps and lists over several lines, secrets and unknowns as such."""
    new = {"nested": {"deep": [HIDDEN, "x", 1.5, True, None, {}, []]}, "n": 2.0, "u": UNKNOWN}
    assert outputs_of(None, new, planned=False) == [
        "    n     : 2",
        "    nested: {",
        "        deep: [",
        "            [0]: [secret]",
        '            [1]: "x"',
        "            [2]: 1.5",
        "            [3]: true",
        "            [4]: <null>",
        "            [5]: {}",
        "            [6]: []",
        "        ]",
        "    }",
        "    u     : [unknown]",
    ]


def test_changed_outputs_show_both_sides_and_a_run_shows_the_others_too():
    """A preview leaves out unchanged outputs and those it can't know."""
    old, new = {"same": 1, "changed": "a", "gone": True, "map": {"k": 1, "l": 1}}, {"same": 1, "changed": "b", "map": {"k": 2, "l": 1}}
    assert outputs_of({"u": 1, "m": {"v": 1}}, {"u": UNKNOWN, "m": {"v": UNKNOWN}, "fresh": UNKNOWN}, planned=True) == [
        "  + fresh: [unknown]"
    ]
    differing = ['  ~ changed: "a" => "b"', "  - gone   : true", "  ~ map    : {", "      ~ k: 1 => 2", "    }"]
    assert outputs_of(old, new, planned=True) == differing
    assert outputs_of(old, new, planned=False) == [*differing, "    same   : 1"]


def test_texts_of_several_lines_differ_line_by_line():
    """As a certificate does; far from a change the lines are left out."""
    old = "\n".join(["head", *"abcdef", "old", "tail", ""])
    assert outputs_of({"t": old}, {"t": old.replace("old", "new")}, planned=False) == [
        "  ~ t:",
        "        ...",
        "        e",
        "        f",
        "      - old",
        "      + new",
        "        tail",
    ]


def test_outputs_can_be_left_out():
    """--suppress-outputs."""
    assert outputs_of(None, {"a": 1}, planned=False, suppress_outputs=True) == []


def drawn(*events: dict[str, Any], width: int = 100, height: int | None = None, planned: bool = False, closed: bool = False) -> str:
    """A frame of the tree, as text."""
    clock = Clock()
    board = Board(STACK, clock, DisplayOptions(planned=planned))
    out = io.StringIO()
    tree = LiveTree(out, board, "Updating (dev):")
    for event in events:
        tree.show(event)
        clock.now += 0.5
    if closed:
        board.close()
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(tree.draw(width=width, height=height))
    tree.close()
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_the_tree_puts_children_below_their_parents():
    """With the operation, its time and the last message."""
    component = step("resourcePreEvent", "create", "group", new={})
    child = step("resourcePreEvent", "create", "a", new={})
    child["resourcePreEvent"]["metadata"]["new"]["parent"] = urn("group")
    rows = drawn(step("resourcePreEvent", "create", None, new={}), component, child, diagnostic("wait", name="a")).split("\n")
    assert [" ".join(row.split()) for row in rows[2:5]] == [
        "+ pulumi:pulumi:Stack quill-dev creating (2s)",
        "+ └─ pkg:index:Thing group creating (1s)",
        "+ └─ pkg:index:Thing a creating (1s) wait",
    ]


def test_a_narrow_terminal_shortens_and_never_wraps():
    """Every row stays one line."""
    text = drawn(step("resourcePreEvent", "create", None, new={}), *CREATED, diagnostic("x" * 300, name="a"), width=60)
    assert max(map(len, text.split("\n"))) <= 60
    assert len(text.rstrip().split("\n")) == 4


def test_a_message_of_the_command_is_not_cut_on_a_full_screen():
    """After Ctrl-C it says what happens now; the rows make room for its wrapped lines."""
    out = io.StringIO()
    tree = LiveTree(out, Board(STACK, Clock(), DisplayOptions(planned=False)), "Updating (dev):")
    for number in range(50):
        tree.show(step("resourcePreEvent", "create", f"r{number}", new={}))
    tree.notice("^C received; cancelling. " + "word " * 30 + "\nthe last line")
    console = Console(file=io.StringIO(), width=40, color_system=None)
    console.print(tree.draw(width=40, height=20))
    tree.close()
    found = str(console.file.getvalue()).rstrip().split("\n")  # type: ignore[attr-defined]
    assert (len(found) < 20, max(map(len, found)) <= 40, found[-1]) == (True, True, "the last line")


def test_a_small_terminal_shows_what_matters_most():
    """Active and failed rows are kept; the number of hidden rows is shown."""
    done = [
        event for n in range(50) for event in (step(kind, "create", f"d{n}", new={}) for kind in ("resourcePreEvent", "resOutputsEvent"))
    ]
    failed = [step("resourcePreEvent", "create", "bad", new={}), step("resOpFailedEvent", "create", "bad", new={})]
    busy = step("resourcePreEvent", "create", "busy", new={})
    text = drawn(step("resourcePreEvent", "same", None, old={}, new={}), *done, *failed, busy, height=12)
    assert len(text.rstrip().split("\n")) <= 12
    assert "bad" in text
    assert "busy" in text
    assert "and 46 more, of 53" in text


def test_json_lines_are_numbered_events_without_private_keys():
    """Events about default providers are in the log and not in the display."""
    out, log = io.StringIO(), io.StringIO()
    stream = Stream(JsonLines(out, io.StringIO()), log, lambda: 7 * 10**9)
    provider = step("resourcePreEvent", "create", None, new={})
    provider["resourcePreEvent"]["metadata"]["urn"] = "urn:pulumi:dev::quill::pulumi:providers:tls::default_5_6_2"
    shown = step("resourcePreEvent", "create", "a", new={})
    shown["resourcePreEvent"]["_states"] = (None, object())
    stream.send(provider)
    stream.send(shown)
    assert [json.loads(line)["sequence"] for line in log.getvalue().splitlines()] == [0, 1]
    (line,) = out.getvalue().splitlines()
    assert json.loads(line) == {"sequence": 1, "timestamp": 7, **step("resourcePreEvent", "create", "a", new={})}


def test_a_preview_as_json_is_one_plan():
    """Its steps, its messages and its counts; the parts of a replacement are one step."""
    out = io.StringIO()
    digest = Digest(out, io.StringIO(), Board(STACK, Clock(), DisplayOptions(planned=True)))
    for op in ("create-replacement", "replace", "delete-replaced"):
        digest.show(step("resourcePreEvent", op, "a", old={"v": 1}, new={"v": 2}, metadata={"keys": ["v"]}))
    digest.show(diagnostic("careful", "warning"))
    digest.show(summary(replace=1, preview=True))
    digest.close()
    plan = json.loads(out.getvalue())
    assert [(found["op"], found["urn"], found["replaceReasons"]) for found in plan["steps"]] == [("replace", urn("a"), ["v"])]
    assert (plan["diagnostics"], plan["changeSummary"]) == ([{"message": "warning: careful\n", "severity": "warning"}], {"replace": 1})
