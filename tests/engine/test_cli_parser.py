"""The command line: what it accepts, and what it refuses by name."""

from __future__ import annotations

import argparse
import re

import pytest

from sandbox.engine.cli.main import main
from sandbox.engine.cli.parser import _build, parse
from sandbox.engine.cli.refusal import _FLAGS, _UNDER, _VERBS
from sandbox.engine.errors import UsageError
from tests.kit.repository import ROOT

DOCS = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
NESTED = [f"{verb} {under}" for verb, names in _UNDER.items() for under in names.split()]


@pytest.mark.parametrize("verb", [*_VERBS.split(), *NESTED])
def test_unsupported_commands_of_pulumi_are_refused_by_name(verb: str, capsys: pytest.CaptureFixture[str]):
    """The message names it and the alternative; the manual lists it too."""
    assert main(verb.split()) == 1
    assert capsys.readouterr().err == f"error: `{verb}` is not supported by this engine; use the pulumi CLI: it works on the same state\n"
    assert f"`{verb.rpartition(' ')[2]}`" in DOCS


@pytest.mark.parametrize("flag", _FLAGS.split())
def test_unsupported_flags_of_pulumi_are_refused_by_name(flag: str):
    """Also with a value."""
    with pytest.raises(UsageError, match=f"`{flag}` is not supported by this engine"):
        parse(["up", f"{flag}=x"])


@pytest.mark.parametrize(
    ("argv", "fact"),
    [
        ([], "missing verb"),
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["up", "--nonsense"], "unknown flag: --nonsense"),
        (["up", "extra"], "unexpected argument: extra"),
        (["config", "set"], "the following arguments are required: key"),
        (["state"], "the following arguments are required: VERB"),
        (["up", "--stac", "dev"], "unknown flag: --stac"),
    ],
)
def test_unknown_arguments_are_refused(argv: list[str], fact: str):
    """Nothing is guessed: an abbreviated flag is an unknown one."""
    with pytest.raises(UsageError, match=re.escape(fact)):
        parse(argv)


@pytest.mark.parametrize(
    "argv",
    [
        ["-C", "import", "up", "-s", "login", "--yes"],
        ["up", "--yes", "--cwd", "import", "--stack", "login"],
        ["--cwd", "import", "up", "--stack", "login", "-y"],
    ],
)
def test_a_folder_is_named_before_the_verb_or_after_it(argv: list[str]):
    """And folders and stacks may be called like verbs that are refused."""
    args = parse(argv)
    assert (args.cwd, args.stack, args.yes, args.non_interactive, args.color) == ("import", "login", True, False, "auto")


@pytest.mark.parametrize(
    "argv",
    [
        "config set key value --secret --stack dev",
        "config set key --secret value --stack dev",
        "config set --secret key --stack dev -- value",
        "config set key --secret --stack dev -- value",
        "--cwd folder config --stack dev set --secret key value",
    ],
)
def test_flags_and_arguments_come_in_any_order(argv: str):
    """As Pulumi's CLI takes them; what is behind `--` is an argument."""
    args = parse(argv.split())
    assert (args.key, args.value, args.stack, args.secret) == ("key", "value", "dev", True)


@pytest.mark.parametrize(("argv", "value"), [("config set key -- -V", "-V"), ("config set key --plaintext -- --secret", "--secret")])
def test_a_value_may_look_like_a_flag(argv: str, value: str):
    """Behind `--`, and a negative number anywhere."""
    assert parse(argv.split()).value == value
    assert parse("config set key -1 --plaintext".split()).value == "-1"


@pytest.mark.parametrize("verb", ["", "stack", "stack init", "config set", "up", "state delete", "cancel"])
def test_every_command_has_help(verb: str, capsys: pytest.CaptureFixture[str]):
    """Every verb explains its flags, with exit code 0."""
    with pytest.raises(SystemExit) as ended:
        main([*verb.split(), "--help"])
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out


def flags(parser: argparse.ArgumentParser) -> set[str]:
    """Every long flag of a parser and of all below it."""
    found = {name for action in parser._actions for name in action.option_strings if name.startswith("--")}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found.update(*(flags(below) for below in action.choices.values()))
    return found


def test_the_manual_names_every_flag():
    """Every flag is in the manual."""
    assert {flag for flag in flags(_build()) if f"`{flag}" not in DOCS} == {"--help"}
