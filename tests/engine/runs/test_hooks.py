"""Resource hooks: functions of the program that run before or after a step. Both engines must agree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

HEAD = """
import json, time
import pulumi
from ledger import LEDGER, Entry, Shelf
O, Hook, Hooks = pulumi.ResourceOptions, pulumi.ResourceHook, pulumi.ResourceHookBinding

def note(kind):
    def hook(args):
        seen = {side: dict(getattr(args, side) or {}).get("text") for side in ("new_inputs", "old_inputs", "new_outputs", "old_outputs")}
        with (LEDGER / "hooks.jsonl").open("a") as out:
            out.write(json.dumps([kind, args.name, args.id, seen]) + "\\n")
    return Hook(kind, hook)

def fails(args):
    raise ValueError("the hook says no")

kinds = ("before_create", "after_create", "before_update", "after_update", "before_delete", "after_delete")
notes = Hooks(**{kind: [note(kind)] for kind in kinds})
"""


def run(stack: Any, program: str, verb: str = "up") -> subprocess.CompletedProcess[str]:
    stack.write(HEAD + program)
    done: subprocess.CompletedProcess[str] = stack.verb(verb)
    return done


def noted(stack: Any) -> list[list[Any]]:
    """What the hooks saw since the last call: kind, name, id, and the text on each side."""
    path = stack.ledger / "hooks.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    path.unlink(missing_ok=True)
    return [[kind, name, id_, {side: text for side, text in seen.items() if text}] for kind, name, id_, seen in rows]


def test_hooks_run_at_every_operation_of_a_resource(stack: Any) -> None:
    """Each kind runs at its time with the old and new values; a preview runs only hooks that request it."""
    program = "Entry('a', '{}', opts=O(hooks=notes))\n"
    assert run(stack, program.format("x"), "preview").returncode == 0
    assert noted(stack) == []
    assert run(stack, program.format("x")).returncode == 0
    assert noted(stack) == [
        ["before_create", "a", "", {"new_inputs": "x"}],
        ["after_create", "a", "a@here", {"new_inputs": "x", "new_outputs": "x"}],
    ]
    assert run(stack, program.format("y")).returncode == 0
    old, new = {"old_inputs": "x", "old_outputs": "x"}, {"new_inputs": "y"}
    assert noted(stack) == [
        ["before_update", "a", "a@here", {**new, **old}],
        ["after_update", "a", "a@here", {**new, **old, "new_outputs": "y"}],
    ]
    assert run(stack, "").returncode == 0
    old = {"old_inputs": "y", "old_outputs": "y"}
    assert noted(stack) == [["before_delete", "a", "a@here", old], ["after_delete", "a", "a@here", old]]


def test_a_before_hook_that_raises_prevents_the_step(stack: Any) -> None:
    """Nothing is created; the error names the hook and its message."""
    done = run(stack, "Entry('a', 'x', opts=O(hooks=Hooks(before_create=[Hook('guard', fails)])))\n")
    assert done.returncode != 0
    assert 'before hook "guard" failed: the hook says no' in done.stdout
    assert stack.world() == {}
    assert stack.known() == set()


def test_an_after_hook_that_raises_fails_the_run_and_keeps_the_step(stack: Any) -> None:
    """The created resource is in the state, but the run fails."""
    done = run(stack, "Entry('a', 'x', opts=O(hooks=Hooks(after_create=[Hook('inspect', fails)])))\n")
    assert done.returncode != 0
    assert 'after hook "inspect" failed: the hook says no' in done.stdout
    assert set(stack.world()) == stack.known() == {"a@here"}


def test_a_hook_whose_errors_are_ignored_only_warns(stack: Any) -> None:
    """The step is done, and the user is warned."""
    lenient = "Hook('lenient', fails, pulumi.ResourceHookOptions(ignore_errors=True))"
    done = run(stack, f"Entry('a', 'x', opts=O(hooks=Hooks(before_create=[{lenient}])))\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'hook "lenient" failed: the hook says no' in done.stdout
    assert stack.known() == {"a@here"}


def test_a_components_after_hook_waits_for_its_outputs(stack: Any) -> None:
    """Its after hook waits until the component has its outputs."""
    program = "s = Shelf('s', opts=O(hooks=notes))\nEntry('a', 'x', opts=O(parent=s, hooks=notes))\n"
    assert run(stack, program).returncode == 0
    seen = [(kind, name) for kind, name, *_ in noted(stack)]
    assert seen[0] == ("before_create", "s")
    assert sorted(seen[1:]) == [("after_create", "a"), ("after_create", "s"), ("before_create", "a")]


def test_an_error_hook_can_retry_a_failed_call(stack: Any) -> None:
    """It gets every failure so far, the last one first, and decides; in the end the resource exists."""
    program = (
        "def again(args):\n"
        "    assert len(args.errors) == 1 and 'the ledger exploded' in args.errors[0], args.errors\n"
        "    (LEDGER / 'calm').touch()\n"
        "    return args.failed_operation == 'create'\n"
        "Entry('a', 'explodes once', opts=O(hooks=Hooks(on_error=[pulumi.ErrorHook('again', again)])))\n"
    )
    done = run(stack, program)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "retrying create due to on-error hook request (1/100)" in done.stdout
    assert stack.calls("create") == ["create a", "create a"]
    assert stack.known() == {"a@here"}


def test_an_error_hook_can_give_up(stack: Any) -> None:
    """If it requests no retry, the provider's error is reported."""
    done = run(stack, "Entry('a', 'explodes', opts=O(hooks=Hooks(on_error=[pulumi.ErrorHook('no', lambda args: False)])))\n")
    assert done.returncode != 0
    assert "the ledger exploded" in done.stdout
    assert stack.calls("create") == ["create a"]


def test_a_hook_missing_in_the_program_is_named(stack: Any) -> None:
    """A resource can't be deleted without the delete hooks that its state names: it stays, and the error names the missing one."""
    assert run(stack, "Entry('a', 'x', opts=O(hooks=notes))\n").returncode == 0
    stack.write("import ledger\n")
    done = stack.verb("up")
    assert done.returncode != 0
    assert 'hook "before_delete" was not registered' in done.stdout
    assert stack.known() == {"a@here"}


def test_destroy_refuses_resources_with_delete_hooks(stack: Any) -> None:
    """No program runs, so no hook could; nothing is deleted."""
    assert run(stack, "Entry('a', 'x', opts=O(hooks=notes))\n").returncode == 0
    done = stack.verb("destroy")
    assert done.returncode != 0
    assert "Resource has delete hooks registered, but the program is not running. Hooks: " in done.stdout + done.stderr
    assert stack.known() == {"a@here"}


def test_ctrl_c_ends_a_hook_that_hangs(embedded: Any, interrupt: Callable[[Any], None]) -> None:
    """One Ctrl-C ends it: the step after it is not done, and nothing stays pending."""
    embedded.write(
        HEAD + "def hang(args):\n    (LEDGER / 'hanging').touch()\n    time.sleep(600)\n"
        "Entry('a', 'x', opts=O(hooks=Hooks(before_create=[Hook('slow', hang)])))\n"
    )
    process = embedded.start("up")
    embedded.wait_for("hanging", process)
    interrupt(process)
    output = process.communicate(timeout=120)[0]
    assert process.returncode != 0
    assert 'before hook "slow" failed: it was interrupted' in output
    assert embedded.world() == {}
    assert "pending_operations" not in embedded.exported()
