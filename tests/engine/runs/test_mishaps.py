"""Failures: one line with what to do, an exit code, and a correct state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

TWO = [{"name": "a", "text": "x"}, {"name": "b", "text": "x", "uses": ["a"]}]


def output(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def test_a_failed_create_leaves_nothing_and_keeps_the_rest(stack: Any) -> None:
    """Successful resources are kept, the failed one is not in the state, and the next run continues from there."""
    stack.plan([TWO[0], {"name": "b", "text": "explodes", "after": ["a"]}])
    done = stack.verb("up")
    assert done.returncode != 0
    assert "the ledger exploded" in output(done)
    assert set(stack.world()) == stack.known() == {"a@here"}
    stack.plan(TWO)
    assert stack.verb("up").returncode == 0
    assert stack.calls("create", "update", "delete") == ["create b"]


def test_an_operation_that_ends_after_a_failure_is_saved(stack: Any) -> None:
    """A create that ends after another one has failed is still saved in the state."""
    stack.plan([{"name": "slow", "text": "waits for a failure"}, {"name": "b", "text": "explodes beside one that waits"}])
    done = stack.verb("up")
    assert done.returncode != 0
    assert set(stack.world()) == stack.known() == {"slow@here"}


def test_an_operation_that_ends_after_the_program_is_saved(stack: Any) -> None:
    """A create is still saved in the state if the program is killed meanwhile."""
    stack.plan([{"name": "a", "text": "kills the program"}])
    done = stack.verb("up")
    assert done.returncode != 0
    assert set(stack.world()) == stack.known() == {"a@here"}


def test_a_refused_input_is_reported_with_its_property(stack: Any) -> None:
    """A check failure names resource, property and reason, and nothing is changed."""
    stack.plan([{"name": "a", "text": "refused"}])
    done = stack.verb("up")
    assert done.returncode != 0
    assert "resource 'a': property text value {refused} has a problem: the ledger refuses this text" in output(done)
    assert stack.world() == {}


def test_what_a_program_asks_for_at_its_end_is_done(stack: Any) -> None:
    """Functions that it registers for its exit run, a thread that it leaves running is waited for, and its last words are shown."""
    stack.plan(TWO)
    stack.write(
        "import atexit, threading, time\n"
        "atexit.register(print, 'the last words')\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), print('a thread ended'))).start()\n"
    )
    done = stack.verb("up")
    assert done.returncode == 0, output(done)
    assert "a thread ended" in output(done)
    assert "the last words" in output(done)


def test_a_program_that_raises_ends_the_run(stack: Any) -> None:
    """The user sees the exception once; existing resources stay."""
    stack.plan(TWO)
    stack.verb("up")
    stack.write("raise ValueError('the settings are wrong')\n")
    done = stack.verb("up")
    assert done.returncode != 0
    assert "ValueError: the settings are wrong" in output(done)
    assert stack.known() == set(stack.world()) == {"a@here", "b@here"}


def test_a_program_that_ends_early_deletes_nothing(embedded: Any) -> None:
    """A program that ends before it has registered its stack has declared nothing: no resource is deleted because of that."""
    embedded.plan(TWO)
    embedded.verb("up")
    embedded.write("import os\nos._exit(0)\n")
    done = embedded.verb("up")
    assert done.returncode != 0
    assert "without registering a stack: nothing was changed" in output(done)
    assert set(embedded.world()) == embedded.known() == {"a@here", "b@here"}


def test_the_same_name_twice_is_refused(stack: Any) -> None:
    """Two resources with one URN can't be distinguished in the state."""
    stack.write("from ledger import Entry\nEntry('a', 'x')\nEntry('a', 'y')\n")
    done = stack.verb("up")
    assert done.returncode != 0
    assert "Duplicate resource URN 'urn:pulumi:dev::books::pulumi-python:dynamic/ledger:Entry::a'" in output(done)


def test_a_missing_plugin_is_named(embedded: Any) -> None:
    """The error names the plugin and where it was looked for."""
    embedded.write("import pulumi\npulumi.CustomResource('nowhere:index:Thing', 't', {})\n")
    done = embedded.verb("up")
    assert done.returncode != 0
    assert "no resource plugin 'pulumi-resource-nowhere' found on PATH" in output(done)


def test_the_last_output_of_a_plugin_that_does_not_start_is_shown(embedded: Any) -> None:
    """A plugin that ends before it serves is reported with what it printed."""
    plugin = embedded.folder / "bin" / "pulumi-resource-broken"
    plugin.parent.mkdir()
    plugin.write_text("#!/bin/sh\necho 'library not found' >&2\nexit 1\n")
    plugin.chmod(0o755)
    embedded.env["PATH"] = f"{plugin.parent}:{embedded.env['PATH']}"
    embedded.write("import pulumi\npulumi.CustomResource('broken:index:Thing', 't', {})\n")
    done = embedded.verb("up")
    assert done.returncode != 0
    assert "did not start (its last output: library not found)" in output(done)


def test_a_plugin_that_dies_during_a_call_fails_that_call(stack: Any) -> None:
    """The run ends with an error instead of waiting, the state is valid, and the next run continues."""
    stack.plan(TWO)
    stack.trap(2, "before", "die")
    done = stack.verb("up")
    assert done.returncode != 0
    assert stack.world() == {}
    stack.disarm()
    assert stack.verb("up").returncode == 0
    assert set(stack.world()) == stack.known() == {"a@here", "b@here"}


def test_one_ctrl_c_finishes_what_began(embedded: Any, interrupt: Callable[[Any], None]) -> None:
    """The step that began is finished and saved, the next one is not begun, and nothing is pending: the next run continues."""
    embedded.plan([{"name": "a", "text": "waits for a hanging one"}, {"name": "b", "text": "x", "after": ["a"]}])
    process = embedded.start("up")
    embedded.wait_for("calls.jsonl", process, '"create"')
    interrupt(process)
    assert any("^C received; cancelling" in line for line in process.stdout)
    (embedded.ledger / "hanging").touch()
    out = process.communicate(timeout=60)[0]
    assert (process.returncode, "error: update canceled" in out) == (8, True), out
    assert set(embedded.world()) == embedded.known() == {"a@here"}
    assert "pending_operations" not in embedded.exported()
    assert embedded.verb("up").returncode == 0
    assert set(embedded.world()) == embedded.known() == {"a@here", "b@here"}


def test_ctrl_c_ends_a_plugin_that_hangs(embedded: Any, interrupt: Callable[[Any], None]) -> None:
    """The first Ctrl-C asks it to stop, the second ends the run at once; operations in progress are recorded as pending."""
    embedded.plan(TWO)
    embedded.trap(2, "before", "hang")
    process = embedded.start("up")
    embedded.wait_for("hanging", process)
    interrupt(process)
    assert any("^C received; cancelling" in line for line in process.stdout)
    interrupt(process)
    process.communicate(timeout=120)
    assert process.returncode != 0
    embedded.disarm()
    embedded.call("cancel", "--yes", "--stack", "dev")
    (pending,) = embedded.exported()["pending_operations"]
    assert (pending["type"], pending["resource"]["urn"].split("::")[-1]) == ("creating", "a")
    done = embedded.verb("up")
    assert done.returncode == 0
    assert "interrupted while creating" in output(done)
    assert set(embedded.world()) == embedded.known() == {"a@here", "b@here"}
    assert "pending_operations" not in embedded.exported()
