"""`preview`, `up`, `refresh` and `destroy` as commands: their outputs, files and exit codes. What they do is tested in `runs/`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.terminal import on_a_terminal

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Workplace

PROGRAM = "import pulumi\npulumi.export('greeting', pulumi.Config().get('greeting') or 'hello')\n"


@pytest.fixture
def program(stack: Workplace) -> Workplace:
    """A stack whose program exports a greeting."""
    stack.write("__main__.py", PROGRAM)
    return stack


def test_up_shows_and_saves_outputs_and_adds_to_the_history(program: Workplace):
    """The output on the screen and in the state; an entry in the history, with the state after it, and a backup."""
    shown = program.done("up", "--yes", "--skip-preview", "--message", "first").out
    assert shown.startswith("Updating (dev):\n")
    assert 'Outputs:\n    greeting: "hello"\n' in shown
    assert "Resources:\n    + 1 created\n" in shown
    assert program.done("stack", "output", "greeting").out == "hello\n"
    files = program.files()
    (history,) = [json.loads(content) for name, content in files.items() if name.endswith(".history.json")]
    assert (history["kind"], history["result"], history["message"], history["resourceChanges"]) == (
        "update",
        "succeeded",
        "first",
        {"create": 1},
    )
    state = files[".pulumi/stacks/quill/dev.json"]
    assert [state, state] == [
        content for name, content in files.items() if name.endswith(".checkpoint.json") or ("backups" in name and "attrs" not in name)
    ]


def test_a_preview_changes_nothing(program: Workplace):
    """It changes neither state nor history, and shows a plan."""
    before = program.files()
    shown = program.done("preview").out
    assert shown.startswith("Previewing update (dev):\n")
    assert "    + 1 to create\n" in shown
    assert before == program.files()


def test_yes_previews_first_and_skip_preview_does_not(program: Workplace):
    """Both are non-interactive consent."""
    assert [line.partition(" (")[0] for line in program.done("up", "--yes").out.split("\n") if line.endswith("(dev):")] == [
        "Previewing update",
        "Updating",
    ]
    assert "Previewing" not in program.done("up", "--skip-preview").out


@pytest.mark.parametrize("verb", [("preview",), ("up", "--yes", "--skip-preview")])
def test_expect_no_changes_fails_only_if_something_changes(program: Workplace, verb: tuple[str, ...]):
    """Exit code 7 and the CLI's message if something changes anyway."""
    result = program.run(*verb, "--expect-no-changes")
    assert result.code == 7
    assert result.err.startswith("error: no changes were expected")
    program.done("up", "--yes", "--skip-preview")
    program.done(*verb, "--expect-no-changes")


def test_json_output_contains_only_json(program: Workplace):
    """A preview is one plan, a run is a line for each event; both end well for a reader."""
    plan = program.done("preview", "--json").json
    assert [(step["op"], step["newState"]["type"]) for step in plan["steps"]] == [("create", "pulumi:pulumi:Stack")]
    assert plan["changeSummary"] == {"create": 1}
    events = [json.loads(line) for line in program.done("up", "--yes", "--skip-preview", "--json").out.splitlines()]
    assert [event["sequence"] for event in events] == list(range(len(events)))
    assert events[-1].keys() == {"sequence", "timestamp", "cancelEvent"}


def test_the_event_log_has_every_event(program: Workplace, tmp_path: Path):
    """It is independent of the display."""
    program.done("up", "--yes", "--skip-preview", "--event-log", str(tmp_path / "log"))
    kinds = [next(iter(event.keys() - {"sequence", "timestamp"})) for event in map(json.loads, (tmp_path / "log").read_text().splitlines())]
    assert (kinds[0], kinds[-2:]) == ("preludeEvent", ["summaryEvent", "cancelEvent"])
    assert "_states" not in (tmp_path / "log").read_text()


def test_an_unwritable_event_log_is_refused_before_the_run(program: Workplace):
    """A wrong path is reported at once."""
    before = program.files()
    result = program.run("up", "--yes", "--skip-preview", "--event-log", "/no/such/folder/log")
    assert (result.code, before) == (
        1,
        {name: content for name, content in program.files().items() if "/history/" not in name and "/backups/" not in name},
    )
    assert "could not create the event log" in result.err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a device that is always full")  # noqa: PTH110 - a device
def test_a_full_event_log_does_not_end_a_run(program: Workplace):
    """The run continues, and warns that the log has stopped."""
    result = program.run("up", "--yes", "--skip-preview", "--event-log", "/dev/full")
    assert (result.code, result.err) == (0, "")
    assert "warning: the event log ends here: No space left on device; the run continues" in result.out


def test_a_closed_output_does_not_end_a_run(program: Workplace):
    """`up | head -1` still changes the resources, without a traceback."""
    process = program.process("up", "--yes", "--skip-preview")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert (process.wait(timeout=60), process.stderr.read()) == (0, "")
    process.stderr.close()
    assert program.done("stack", "output", "greeting").out == "hello\n"


def test_an_unwritable_history_is_a_warning(program: Workplace):
    """The state is saved even if the history is not."""
    (program.backend / ".pulumi" / "history").write_text("a file where a folder should be", encoding="utf-8")
    result = program.run("up", "--yes", "--skip-preview")
    assert result.code == 0
    assert result.err.startswith("warning: this run is missing from the history: ")
    assert program.done("stack", "output", "greeting").out == "hello\n"


def test_a_secret_output_is_shown_only_when_asked(program: Workplace):
    """On the screen, in events and in the state's file."""
    program.write("__main__.py", "import pulumi\npulumi.export('token', pulumi.Output.secret('hush'))\n")
    for flags in ((), ("--json",), ("--diff",)):
        assert "hush" not in program.done("up", "--yes", "--skip-preview", *flags).out
    assert 'token: "hush"' in program.done("up", "--yes", "--skip-preview", "--show-secrets").out
    assert "hush" not in program.state_file.read_text(encoding="utf-8")


def test_a_program_that_raises_is_one_diagnostic_with_its_source_position(program: Workplace):
    """Exit code 1; the user's own frame is named, the engine's and the SDK's are not."""
    program.write("__main__.py", "def boom():\n    raise ValueError('no region')\nboom()\n")
    result = program.run("up", "--yes", "--skip-preview")
    assert (result.code, result.err) == (1, "")
    assert result.out.count("ValueError: no region") == 1
    assert f"at {program.folder}/__main__.py:2 in boom" in result.out
    assert "site-packages" not in result.out


def test_destroy_names_what_is_kept(program: Workplace):
    """The stack itself exists until `stack rm`."""
    program.done("up", "--yes", "--skip-preview")
    printed = program.done("destroy", "--yes").out
    assert f"-m sandbox.engine stack rm --stack dev --cwd {program.folder}`." in printed
    assert "pulumi stack rm" not in printed, "there may be no such command here"
    assert program.done("stack", "ls", "--json").json[0]["resourceCount"] == 0
    program.done("stack", "rm", "--yes")


def test_refresh_of_a_stack_without_resources_is_fine(program: Workplace):
    """There is nothing to read."""
    assert "Refreshing (dev):" in program.done("refresh", "--yes", "--skip-preview").out


def test_a_wrong_passphrase_stops_before_the_program_runs(program: Workplace, monkeypatch: pytest.MonkeyPatch):
    """The state is not touched."""
    program.write("__main__.py", "import pathlib\npathlib.Path('ran').touch()\n")
    before = program.files()
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "wrong horse")
    results = [program.run(*verb) for verb in (("preview",), ("up", "--yes", "--skip-preview"), ("destroy", "--yes", "--skip-preview"))]
    assert [result.code for result in results] == [1, 1, 1]
    assert all(result.err.startswith("error: incorrect passphrase") for result in results)
    assert (before, False) == (program.files(), (program.folder / "ran").exists())


def test_settings_in_another_file_leave_the_tracked_one_alone(program: Workplace):
    """--config-file, as the sandbox uses it."""
    program.done("config", "set", "--config-file", "copy.yaml", "greeting", "salut")
    assert 'greeting: "salut"' in program.done("up", "--yes", "--skip-preview", "--config-file", "copy.yaml").out
    assert "salut" not in (program.folder / "Pulumi.dev.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("argv", "fact"),
    [
        (("up", "--yes", "--parallel", "x"), "invalid int value"),
        (("up", "--yes", "--policy-pack", "a", "--policy-pack-config", "b", "--policy-pack-config", "c"), "must match the number"),
        (("preview", "--cwd-is-no-flag"), "unknown flag: --cwd-is-no-flag"),
    ],
)
def test_invalid_flags_are_refused(program: Workplace, argv: tuple[str, ...], fact: str):
    """One line, exit code 1."""
    result = program.run(*argv)
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert fact in result.err


def until(condition: Callable[[], Any], process: subprocess.Popen[Any]) -> None:
    """Waits for a condition while a process runs."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)


def test_an_interrupt_ends_a_run_cleanly(program: Workplace):
    """SIGINT while the program works: the run ends with an error, no lock is left, and the history has the failed run."""
    program.write("__main__.py", "import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(600)\n")
    process = program.process("up", "--yes", "--skip-preview")
    until((program.folder / "begun").exists, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (8, "")
    assert "^C received; cancelling. If you would like to terminate immediately, press ^C again." in out
    assert not [name for name in program.files() if "/locks/" in name]
    assert [json.loads(content)["result"] for name, content in program.files().items() if name.endswith(".history.json")] == ["failed"]


@pytest.mark.parametrize(("answer", "code", "count"), [("yes\n", 0, 1), ("no\n", 8, 0)])
def test_on_a_terminal_the_tree_is_drawn_and_the_user_is_asked(program: Workplace, answer: str, code: int, count: int):
    """After the preview, `yes` continues and anything else stops with exit code 8, as in the CLI."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    argv = [sys.executable, "-m", "sandbox.engine", "up", "--cwd", str(program.folder)]
    ended = on_a_terminal(argv, program.folder, environment, [("perform this update?", answer)])
    assert ended.code == code, ended.screen
    assert "Type" in ended.screen
    assert "\x1b[" in ended.screen
    assert program.done("stack", "ls", "--json").json[0]["resourceCount"] == count
