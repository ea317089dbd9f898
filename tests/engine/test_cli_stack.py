"""`stack` and its verbs, `state` and `cancel`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Workplace

URN = "urn:pulumi:dev::quill::"
ROOT = f"{URN}pulumi:pulumi:Stack::quill-dev"
MARK = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def thing(name: str, **more: Any) -> dict[str, Any]:
    return {"urn": f"{URN}pkg:index:Thing::{name}", "custom": True, "id": name, "type": "pkg:index:Thing", "parent": ROOT, **more}


def exported(*resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> dict[str, Any]:
    root = {"urn": ROOT, "custom": False, "type": "pulumi:pulumi:Stack", "outputs": outputs or {}}
    return {
        "version": 3,
        "deployment": {
            "manifest": {"time": "2026-01-02T03:04:05Z", "magic": "", "version": ""},
            "resources": [root, *resources],
            "metadata": {},
        },
    }


def imported(place: Workplace, *resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> None:
    place.done("stack", "import", stdin=json.dumps(exported(*resources, outputs=outputs)))


def test_a_new_stack_has_a_checkpoint_a_salt_and_is_selected(place: Workplace):
    """The files are those of Pulumi's DIY backend, and the salt in the settings is the state's."""
    assert place.done("stack", "init", "dev").out == "Created stack 'dev'\n"
    checkpoint = place.checkpoint
    assert (checkpoint["version"], checkpoint["checkpoint"]["stack"]) == (3, "organization/quill/dev")
    salt = checkpoint["checkpoint"]["latest"]["secrets_providers"]["state"]["salt"]
    assert f"encryptionsalt: {salt}\n" == (place.folder / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    assert place.files()[".pulumi/meta.yaml"] == b"version: 1\n"
    assert [(row["name"], row["current"], row["resourceCount"]) for row in place.done("stack", "ls", "--json").json] == [("dev", True, 0)]


def test_commands_leave_settings_without_a_salt_as_they_are(stack: Workplace):
    """A settings file under version control has none: the state has it, so that a run changes no tracked file. A secret there needs it."""
    stack.write("__main__.py", "import pulumi\npulumi.export('word', pulumi.Output.secret('hush'))\n")
    committed = "# ours\nconfig:\n  quill:greeting: hello\n"
    settings = stack.write("Pulumi.dev.yaml", committed)
    for verb in (
        ("preview",),
        ("up", "--yes", "--skip-preview"),
        ("refresh", "--yes", "--skip-preview"),
        ("stack", "output", "--show-secrets"),
        ("stack", "export", "--show-secrets"),
        ("config", "--show-secrets"),
        ("config", "get", "greeting"),
        ("cancel", "--yes"),
        ("destroy", "--yes", "--skip-preview"),
    ):
        stack.done(*verb)
        assert settings.read_text(encoding="utf-8") == committed, verb
    salt = stack.checkpoint["checkpoint"]["latest"]["secrets_providers"]["state"]["salt"]
    stack.done("config", "set", "--secret", "word", stdin="hush")
    assert f"encryptionsalt: {salt}\n" in settings.read_text(encoding="utf-8")
    assert stack.done("config", "get", "word").out == "hush\n"


def test_a_stack_is_created_once(stack: Workplace):
    """The second `init` changes nothing."""
    before = stack.files()
    result = stack.run("stack", "init", "dev")
    assert (1, before) == (result.code, stack.files())
    assert "stack 'organization/quill/dev' already exists" in result.err


@pytest.mark.parametrize("name", ["a b", "", "other/dev", "organization/quill/dev/x", "..", "a/../b"])
def test_an_invalid_stack_name_is_refused(place: Workplace, name: str):
    """No file is created outside the backend's own folders."""
    result = place.run("stack", "init", name)
    assert result.code == 1
    assert place.files() == {}


def test_commands_use_the_selected_stack_or_the_named_one(stack: Workplace):
    """--stack wins over the selection; `select` changes it."""
    stack.done("stack", "init", "prod", "--no-select")
    stack.done("config", "set", "--stack", "prod", "step", "2")
    stack.done("config", "set", "step", "1")
    stack.done("stack", "select", "prod")
    assert [
        stack.done("config", "get", "step").out,
        stack.done("config", "get", "-s", "organization/quill/dev", "step").out,
    ] == ["2\n", "1\n"]


@pytest.mark.parametrize("argv", [("stack", "select", "nope"), ("stack", "output", "--stack", "nope"), ("up", "--yes", "-s", "nope")])
def test_a_missing_stack_has_its_own_exit_code(place: Workplace, argv: tuple[str, ...]):
    """Exit code 6, as in the CLI; the message says how to create it."""
    result = place.run(*argv)
    assert result.code == 6
    assert "no stack named 'nope' found" in result.err


def test_without_a_selected_stack_the_error_names_the_remedy(place: Workplace):
    """Exit code 6, and what to run."""
    result = place.run("stack", "output")
    assert result.code == 6
    assert "no stack selected; please use `stack select` or `stack init`" in result.err


def test_outputs_are_shown_one_by_one_as_a_table_and_as_json(stack: Workplace):
    """Text as it is, everything else as JSON; a secret only when asked for."""
    secret = {**MARK, "plaintext": '"hush"'}
    imported(stack, outputs={"plain": "v", "nested": {"deep": [secret, 1.5, None]}})
    assert stack.done("stack", "output", "plain").out == "v\n"
    assert '    OUTPUT  VALUE\n    nested  {"deep":["[secret]",1.5,null]}\n    plain   v\n' in stack.done("stack", "output").out
    assert stack.done("stack", "output", "--json").json == {"nested": {"deep": ["[secret]", 1.5, None]}, "plain": "v"}
    assert stack.done("stack", "output", "--json", "--show-secrets").json["nested"]["deep"] == ["hush", 1.5, None]
    assert "current stack does not have output property 'nope'" in stack.run("stack", "output", "nope").err


def test_export_and_import_keep_the_state_unchanged(stack: Workplace):
    """Nothing is lost or reordered, not even fields that this engine does not know."""
    imported(stack, thing("b", inputs={"z": 1, "a": [True, None]}, unknownField={"x": 1}), thing("a"))
    before = stack.checkpoint
    text = stack.done("stack", "export").out
    stack.done("stack", "import", stdin=text)
    assert (before, text) == (stack.checkpoint, stack.done("stack", "export").out)


def test_exported_secrets_are_readable_and_encrypted_again_by_import(stack: Workplace):
    """`export --show-secrets` shows them; importing that encrypts them under the stack's own key."""
    imported(stack, thing("a", inputs={"token": {**MARK, "plaintext": '"hush"'}}))
    assert "hush" not in stack.state_file.read_text(encoding="utf-8")
    shown = stack.done("stack", "export", "--show-secrets").json
    assert shown["deployment"]["resources"][1]["inputs"]["token"] == {**MARK, "plaintext": '"hush"'}


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "it is not JSON"),
        ("[]", "it has no `deployment`"),
        ('{"version": 3}', "it has no `deployment`"),
        ('{"version": 4, "deployment": {}}', "has version 4"),
        ('{"version": 3, "features": ["x"], "deployment": {}}', "needs x"),
        (json.dumps(exported()).replace("dev::quill", "prod::quill"), "is not of the stack 'dev'"),
        (json.dumps(exported(thing("a", dependencies=[f"{URN}pkg:index:Thing::later"]), thing("later"))), "does not come before it"),
    ],
)
def test_the_state_of_another_stack_is_not_imported(stack: Workplace, text: str, fact: str):
    """The state is unchanged."""
    before = stack.checkpoint
    result = stack.run("stack", "import", stdin=text)
    assert (1, before) == (result.code, stack.checkpoint)
    assert fact in result.err


def test_force_imports_it_anyway(stack: Workplace):
    """--force skips the check."""
    text = json.dumps(exported(thing("a", dependencies=[f"{URN}pkg:index:Thing::gone"])))
    stack.done("stack", "import", "--force", stdin=text)
    assert len(stack.checkpoint["checkpoint"]["latest"]["resources"]) == 2


def test_a_stack_with_resources_is_not_removed(stack: Workplace):
    """The possible actions are named; --force does it, and keeps the last state as .bak."""
    imported(stack, thing("a"))
    result = stack.run("stack", "rm", "dev", "--yes")
    assert result.code == 1
    assert "'dev' still has resources; removal rejected. Possible actions:" in result.err
    stack.done("stack", "rm", "dev", "--yes", "--force")
    assert [
        stack.state_file.exists(),
        (stack.folder / "Pulumi.dev.yaml").exists(),
        stack.state_file.with_name("dev.json.bak").exists(),
    ] == [False, False, True]
    assert stack.run("stack", "output").code == 6


def test_without_a_terminal_removal_needs_a_flag(stack: Workplace):
    """Exit code 2, as the CLI's for a missing confirmation."""
    before = stack.files()
    assert [stack.run(*argv).code for argv in (("stack", "rm"), ("up",), ("destroy",), ("cancel",))] == [2, 2, 2, 2]
    assert before == stack.files()


def test_the_resources_are_shown_as_a_tree(stack: Workplace):
    """Children are listed below their parents."""
    child = {**thing("child"), "parent": f"{URN}pkg:index:Thing::a"}
    imported(stack, thing("a"), child, thing("b"))
    lines = [line.strip() for line in stack.done("stack").out.splitlines()]
    start = lines.index("TYPE                   NAME")
    assert lines[start + 1 : start + 5] == [
        "pulumi:pulumi:Stack    quill-dev",
        "├─ pkg:index:Thing     a",
        "│  └─ pkg:index:Thing  child",
        "└─ pkg:index:Thing     b",
    ]


def test_a_resource_is_removed_from_the_state(stack: Workplace):
    """`state delete` removes it from the state and changes nothing else."""
    imported(stack, thing("a"), thing("b"))
    assert stack.done("state", "delete", f"{URN}pkg:index:Thing::a", "--yes").out == "Resource deleted\n"
    assert [ROOT, f"{URN}pkg:index:Thing::b"] == [row["urn"] for row in stack.checkpoint["checkpoint"]["latest"]["resources"]]


@pytest.mark.parametrize(
    ("more", "flags", "fact"),
    [
        ({}, (), "can't be safely deleted because the following resources depend on it"),
        ({"protect": True}, ("--target-dependents",), "can't be safely deleted because it is protected"),
    ],
)
def test_a_needed_or_protected_resource_is_not_removed_from_the_state(
    stack: Workplace, more: dict[str, Any], flags: tuple[str, ...], fact: str
):
    """The error lists the dependents and names the flags that override it."""
    imported(stack, thing("a", **more), thing("b", dependencies=[f"{URN}pkg:index:Thing::a"]))
    before = stack.checkpoint
    result = stack.run("state", "delete", f"{URN}pkg:index:Thing::a", "--yes", *flags)
    assert (1, before) == (result.code, stack.checkpoint)
    assert fact in result.err


def test_target_dependents_removes_dependents_too(stack: Workplace):
    """Also those that depend through others, by a property or as a child."""
    a = f"{URN}pkg:index:Thing::a"
    imported(
        stack, thing("a"), thing("b", propertyDependencies={"x": [a]}), {**thing("c"), "parent": f"{URN}pkg:index:Thing::b"}, thing("d")
    )
    stack.done("state", "delete", a, "--yes", "--target-dependents")
    assert [ROOT, f"{URN}pkg:index:Thing::d"] == [row["urn"] for row in stack.checkpoint["checkpoint"]["latest"]["resources"]]


def test_unprotect_removes_protection(stack: Workplace):
    """From one, or from all."""
    imported(stack, thing("a", protect=True), thing("b", protect=True))

    def protected() -> list[str]:
        return [row["id"] for row in stack.checkpoint["checkpoint"]["latest"]["resources"] if row.get("protect")]

    assert stack.done("state", "unprotect", f"{URN}pkg:index:Thing::a", "--yes").out == "1 resources unprotected\n"
    assert protected() == ["b"]
    stack.done("state", "unprotect", "--all", "--yes")
    assert protected() == []
    assert "No such resource" in stack.run("state", "unprotect", f"{URN}pkg:index:Thing::nope", "--yes").err


def test_a_stack_is_exported_to_the_real_cli_and_back(stack: Workplace):
    """An export there of what was imported here is the same, and the reverse; the real CLI sees stack, outputs and secrets."""
    imported(stack, thing("a", inputs={"token": {**MARK, "plaintext": '"hush"'}}), outputs={"o": {**MARK, "plaintext": '"hush"'}})
    ours, readable = (stack.done("stack", "export", *flags).json for flags in ((), ("--show-secrets",)))
    assert ours == json.loads(stack.pulumi("stack", "export").out)
    assert stack.pulumi("stack", "output", "o", "--show-secrets").out == "hush\n"
    there = stack.pulumi("stack", "import", stdin=json.dumps(ours))
    assert (there.code, there.out) == (0, "Import complete.\n")
    assert readable["deployment"]["resources"] == stack.done("stack", "export", "--show-secrets").json["deployment"]["resources"]
    assert [(row["name"], row["current"]) for row in json.loads(stack.pulumi("stack", "ls", "--json").out)] == [("dev", True)]
