"""`config` and its verbs."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sandbox.engine.project.yaml_text import parse_yaml
from tests.kit.repository import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Workplace

NEEDS_REGION = "name: quill\nruntime: python\nconfig:\n  region:\n    type: string\n"


def settings(place: Workplace) -> dict[str, object]:
    found = parse_yaml((place.folder / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    config: dict[str, object] = found.get("config") or {}
    return config


def test_a_plain_value_is_stored_as_text(stack: Workplace):
    """A key without a namespace is the project's; numbers keep their text."""
    stack.done("config", "set", "step", "007")
    assert settings(stack) == {"quill:step": "007"}
    assert stack.done("config", "get", "step").out == "007\n"


def test_a_namespace_is_kept_and_the_older_spelling_is_shortened(stack: Workplace):
    """`azure-native:location` is a provider's; `ns:config:name` is an older spelling of `ns:name`."""
    stack.done("config", "set", "azure-native:location", "westeurope")
    stack.done("config", "set", "tls:config:proxy", "none")
    assert settings(stack) == {"azure-native:location": "westeurope", "tls:proxy": "none"}


def test_a_secret_is_encrypted_in_the_file_and_shown_only_when_asked(stack: Workplace):
    """Neither the file nor a listing shows it; `get` and --show-secrets do."""
    stack.done("config", "set", "--secret", "token", "hush")
    assert "hush" not in (stack.folder / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    assert [
        stack.done("config").out,
        stack.done("config", "--show-secrets").out,
        stack.done("config", "get", "token").out,
    ] == ["KEY    VALUE\ntoken  [secret]\n", "KEY    VALUE\ntoken  hush\n", "hush\n"]


def test_json_omits_a_secret_without_show_secrets(stack: Workplace):
    """`config --json` marks it as secret without its value."""
    stack.done("config", "set", "--secret", "token", "hush")
    stack.done("config", "set", "--path", "map.list[0]", "1")
    token = {"quill:token": {"secret": True}}
    structured = {"quill:map": {"value": '{"list":[1]}', "objectValue": {"list": [1]}, "secret": False}}
    assert {**structured, **token} == stack.done("config", "--json").json
    assert {**structured, "quill:token": {"value": "hush", "secret": True}} == stack.done("config", "--json", "--show-secrets").json


def test_a_path_reaches_into_maps_and_lists(stack: Workplace):
    """Missing maps and lists are created; text that reads as a number or a boolean becomes one; secrets nest."""
    for path, value in (("map.list[0]", "3"), ("map.on", "true"), ('map["a.b"]', "01")):
        stack.done("config", "set", "--path", path, value)
    stack.done("config", "set", "--path", "--secret", "map.deep.token", "hush")
    assert stack.done("config", "get", "map").out == '{"a.b":"01","deep":{"token":"hush"},"list":[3],"on":true}\n'
    assert stack.done("config", "get", "--path", "map.deep.token").out == "hush\n"
    assert "hush" not in (stack.folder / "Pulumi.dev.yaml").read_text(encoding="utf-8")


def test_a_part_is_removed_by_its_path(stack: Workplace):
    """The rest of the value stays."""
    for path in ("list[0]", "list[1]", "list[2]"):
        stack.done("config", "set", "--path", path, path)
    stack.done("config", "rm", "--path", "list[1]")
    assert settings(stack) == {"quill:list": ["list[0]", "list[2]"]}


def test_removing_the_last_key_leaves_the_salt(stack: Workplace):
    """The stack's secrets manager is not part of its configuration."""
    before = (stack.folder / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    stack.done("config", "set", "step", "1")
    stack.done("config", "rm", "step")
    assert before == (stack.folder / "Pulumi.dev.yaml").read_text(encoding="utf-8")


def test_a_change_keeps_comments(stack: Workplace):
    """Comments in the settings are kept."""
    path = stack.folder / "Pulumi.dev.yaml"
    path.write_text("# ours\n" + path.read_text(encoding="utf-8") + "config:\n  # why\n  quill:step: a  # so\n", encoding="utf-8")
    stack.done("config", "set", "step", "b")
    text = path.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if "#" in line] == ["# ours", "  # why", "  quill:step: b  # so"]


def test_a_value_is_read_from_the_standard_input(stack: Workplace):
    """One newline at its end is dropped; a secret given this way is in no process list."""
    stack.done("config", "set", "--secret", "token", stdin="hush\n\n")
    assert stack.done("config", "get", "token").out == "hush\n\n"


def test_another_file_can_hold_the_settings(stack: Workplace):
    """--config-file leaves the tracked Pulumi.dev.yaml as it is."""
    before = (stack.folder / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    stack.done("config", "set", "--config-file", "copy.yaml", "--secret", "token", "hush")
    assert stack.done("config", "get", "--config-file", "copy.yaml", "token").out == "hush\n"
    assert before == (stack.folder / "Pulumi.dev.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("config", "get", "nope"), "configuration key 'nope' not found for stack 'dev'"),
        (("config", "set", "a:b:c:d", "x"), "could not parse a:b:c:d as a configuration key"),
        (("config", "set", "--path", "obj[", "x"), "missing closing bracket in array index"),
        (("config", "set", "--path", "list[-1].x", "x"), "out of range"),
        (("config", "set", "--type", "int", "n", "x"), "--type int: 'x'"),
        (("config", "set", "--secret", "--plaintext", "n", "x"), "--secret can't go together with --plaintext"),
    ],
)
def test_an_error_is_one_line_and_changes_nothing(stack: Workplace, argv: tuple[str, ...], message: str):
    """The settings file stays as it was."""
    before = (stack.folder / "Pulumi.dev.yaml").read_bytes()
    result = stack.run(*argv)
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert message in result.err
    assert before == (stack.folder / "Pulumi.dev.yaml").read_bytes()


@pytest.mark.parametrize("text", ["config: [", "- a list", "config: text"])
def test_an_invalid_settings_file_is_not_changed(stack: Workplace, text: str):
    """A broken file is named, and not overwritten."""
    stack.write("Pulumi.dev.yaml", text)
    result = stack.run("config", "set", "step", "1")
    assert (1, text) == (result.code, (stack.folder / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    assert "Pulumi.dev.yaml" in result.err


def test_another_secrets_provider_is_refused_by_name(stack: Workplace):
    """The engine supports only passphrase, and reports that before it reads anything."""
    stack.write("Pulumi.dev.yaml", "secretsprovider: azurekeyvault://vault/key\nencryptedkey: AAAA\n")
    assert "`secretsprovider`, which this engine does not support" in stack.run("config").err


def test_a_wrong_passphrase_reads_and_writes_nothing(stack: Workplace, monkeypatch: pytest.MonkeyPatch):
    """Neither is a secret shown nor one added under another key."""
    stack.done("config", "set", "--secret", "token", "hush")
    before = (stack.folder / "Pulumi.dev.yaml").read_bytes()
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "wrong horse")
    results = [stack.run("config", "get", "token"), stack.run("config", "set", "--secret", "other", "x")]
    assert [result.code for result in results] == [1, 1]
    assert all("incorrect passphrase" in result.err for result in results)
    assert before == (stack.folder / "Pulumi.dev.yaml").read_bytes()


def test_defaults_of_the_project_apply(place: Workplace):
    """A default or a provider's value in Pulumi.yaml shows in the configuration without being written to the stack's file."""
    place.write("Pulumi.yaml", "name: quill\nruntime: python\nconfig:\n  count: 3\n  azure-native:location:\n    value: westeurope\n")
    place.done("stack", "init", "dev")
    assert place.done("config").out == "KEY                    VALUE\nazure-native:location  westeurope\ncount                  3\n"


@pytest.mark.parametrize(
    ("declared", "value", "message"),
    [
        ("region: {type: string}", None, "Stack 'dev' is missing configuration value 'region'"),
        ("{b: {type: string}, a: {type: string}}", None, "Stack 'dev' is missing configuration values 'a' and 'b'"),
        ("count: {type: integer}", "three", "Stack 'dev' with configuration key 'count' must be of type 'integer'"),
        ("count: {type: array, items: {type: integer}}", "3", "must be of type 'array<integer>'"),
        ("count: {type: string, secret: true}", "plain", "must be encrypted as it's secret"),
    ],
)
def test_a_run_needs_what_the_project_declares(place: Workplace, declared: str, value: str | None, message: str):
    """A run that lacks a value, or has one of another type, does not start; the messages are the CLI's."""
    body = declared if declared.startswith("{") else f"{{{declared}}}"
    place.write("Pulumi.yaml", f"name: quill\nruntime: python\nconfig: {body}\n")
    place.write("__main__.py", "raise SystemExit('the program must not run')\n")
    place.done("stack", "init", "dev")
    if value is not None:
        place.done("config", "set", "count", value)
    result = place.run("preview")
    assert result.code == 1
    assert message in result.err


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("azure-native:location: {type: string}", "is not namespaced by the project and should not define a type"),
        ("azure-native:location: {default: x}", "Did you mean to use the 'value' attribute instead of 'default'?"),
        ("azure-native:location: {description: x}", "must provide an attribute 'value'"),
        ("count: {type: integer, default: three}", "is not of the expected type 'integer'"),
        ("count: {type: array}", "does not specify the underlying type via the 'items' attribute"),
        ("count: {default: 1, value: 2}", "cannot have both a 'default' and 'value' attribute"),
        ("count: {type: number}", "value must be one of"),
    ],
)
def test_an_invalid_declaration_is_refused(place: Workplace, declared: str, message: str):
    """Pulumi.yaml is checked as the CLI checks it."""
    place.write("Pulumi.yaml", f"name: quill\nruntime: python\nconfig: {{{declared}}}\n")
    assert message in place.run("stack", "ls").err


def test_the_real_cli_and_this_engine_read_each_others_settings(stack: Workplace):
    """Both engines read each other's settings, structured values and secrets among them."""
    stack.done("config", "set", "--secret", "token", "hush")
    stack.done("config", "set", "--path", "map.list[0]", "1")
    assert [stack.pulumi("config", "get", name).out for name in ("token", "map")] == ["hush\n", '{"list":[1]}\n']
    stack.pulumi("config", "set", "--secret", "--path", "map.token", "hushed")
    assert stack.done("config", "get", "map").out == '{"list":[1],"token":"hushed"}\n'


def test_a_character_that_the_terminal_cannot_show_ends_nothing(tmp_path: Path) -> None:
    """In a process whose locale is ASCII, as in many containers."""
    (tmp_path / "Pulumi.yaml").write_text("name: plant\nruntime: python\n", encoding="utf-8")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  plant:site: 東京\n", encoding="utf-8")
    (tmp_path / "state").mkdir()
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)}
    backend = {"PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}", "PULUMI_CONFIG_PASSPHRASE": "x", "PULUMI_HOME": str(tmp_path)}
    for arguments in (("stack", "init", "dev"), ("config", "--stack", "dev")):
        done = subprocess.run(
            [sys.executable, "-m", "sandbox.engine", *arguments],
            cwd=tmp_path,
            env=os.environ | ascii_only | backend,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert r"\u6771\u4eac" in done.stdout
