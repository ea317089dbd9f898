"""The verbs and flags, and the refusal of those that only Pulumi's CLI has."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, NoReturn

from sandbox.engine.cli import config, stack, state
from sandbox.engine.cli.refusal import refuse_verbs, unknown
from sandbox.engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.engine.cli.workspace import Workspace

    Verb = Callable[[Workspace], None]
    _Verbs = argparse._SubParsersAction["_Parser"]  # noqa: SLF001 - argparse has no public name for it


_NEGATIVE = re.compile(r"-\d")
# For flags that are allowed before and after the verb.
_DEFAULTS = {"cwd": None, "stack": None, "non_interactive": False, "color": "auto", "config_file": None, "yes": False}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `{self.prog} --help`")


# What runs a program needs Pulumi's SDK, which takes three times as long to load as any other command takes.
def _preview(workspace: Workspace) -> None:
    """Show what `up` would do."""
    from sandbox.engine.cli import run

    run.preview(workspace)


def _up(workspace: Workspace) -> None:
    """Create, update and delete resources so that they match the program."""
    from sandbox.engine.cli import run

    run.up(workspace)


def _refresh(workspace: Workspace) -> None:
    """Update the state so that it matches the resources."""
    from sandbox.engine.cli import run

    run.refresh(workspace)


def _destroy(workspace: Workspace) -> None:
    """Delete every resource of the stack."""
    from sandbox.engine.cli import run

    run.destroy(workspace)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The verb (`args.run`) and its flags.

    Raises:
        UsageError: the command line is invalid, or asks for something this engine does not support.
    """
    refuse_verbs(_words(argv))
    root = _build()
    args, left = root.parse_known_args(_flags_first(root, argv))
    if left:
        raise unknown(left[0])
    for name, default in _DEFAULTS.items():
        if not hasattr(args, name):
            setattr(args, name, default)
    if not hasattr(args, "run"):
        raise UsageError("missing verb; see `--help`")
    return args


def _flags_first(parser: argparse.ArgumentParser, argv: Sequence[str]) -> list[str]:
    """The same command line with each verb's flags before its arguments, as argparse needs them.

    Pulumi's CLI takes them in any order, and everything behind `--` as an argument: `config set KEY --secret -- VALUE`.
    """
    rest, ordered, flags, words = list(argv), list[str](), list[str](), list[str]()
    while rest:
        word = rest.pop(0)
        if word == "--":
            words += rest
            break
        if word in (verbs := _verbs_below(parser)) and not words:
            ordered += [*flags, word]
            parser, flags = verbs[word], []
        elif not word.startswith("-") or _NEGATIVE.match(word):
            words.append(word)
        else:
            known = parser._option_string_actions.get(word)  # noqa: SLF001 - argparse has no public name for it
            flags += [word, *([rest.pop(0)] if known and known.nargs is None and rest else [])]
    return [*ordered, *flags, *(["--"] if any(word.startswith("-") for word in words) else []), *words]


def _verbs_below(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    verbs = (each.choices for each in parser._actions if isinstance(each, argparse._SubParsersAction))  # noqa: SLF001 - as above
    return {name: below for choices in verbs for name, below in choices.items()}


def _words(argv: Sequence[str]) -> list[str]:
    """The command line without its flags and their values."""
    valued = ("-C", "--cwd", "-s", "--stack", "--color", "--config-file")
    return [word for before, word in zip(["", *argv], argv, strict=False) if not word.startswith("-") and before not in valued]


def _build() -> argparse.ArgumentParser:
    root = _Parser(
        prog="python -m sandbox.engine",
        description="The embedded engine: a subset of the pulumi CLI for Python programs, for sandbox and CI. Use Pulumi in production.",
        allow_abbrev=False,
    )
    _common(root, top=True)
    verbs = root.add_subparsers(metavar="VERB", parser_class=_Parser)
    _stack_verbs(verbs)
    _config_verbs(verbs)
    _run_verbs(verbs)
    _state_verbs(verbs)
    return root


def _common(parser: argparse.ArgumentParser, *, top: bool = False) -> None:
    # A default must not overwrite the value that was given at the other place.
    missing = argparse.SUPPRESS
    parser.add_argument("-C", "--cwd", metavar="DIR", default=missing, help="run as if started in this folder")
    parser.add_argument("--non-interactive", action="store_true", default=missing, help="never ask")
    parser.add_argument("--color", choices=("auto", "never"), default=missing, help="never: plain lines, even on a terminal")
    if not top:
        parser.add_argument("-s", "--stack", metavar="NAME", default=missing, help="the stack (default: the selected one)")


def _verb(verbs: _Verbs, name: str, run: Verb, *aliases: str) -> _Parser:
    summary = (run.__doc__ or "").split("\n")[0]
    parser = verbs.add_parser(name, aliases=aliases, help=summary, description=summary, allow_abbrev=False)
    _common(parser)
    parser.set_defaults(run=run)
    return parser


def _flag(parser: argparse.ArgumentParser, *names: str, text: str) -> None:
    parser.add_argument(*names, action="store_true", help=text)


def _stack_verbs(verbs: _Verbs) -> None:
    top = _verb(verbs, "stack", stack.show)
    _flag(top, "-u", "--show-urns", text="show each resource's URN")
    top.add_argument("--show-secrets", action="store_true", help="show secret outputs")
    under = top.add_subparsers(metavar="VERB", parser_class=_Parser)
    init = _verb(under, "init", stack.init, "new")
    init.add_argument("name", nargs="?")
    init.add_argument("--secrets-provider", default="default", metavar="passphrase")
    _flag(init, "--no-select", text="do not select the new stack")
    _config_file(init)
    chosen = _verb(under, "select", stack.select)
    chosen.add_argument("name", nargs="?")
    _flag(chosen, "-c", "--create", text="create the stack if it does not exist")
    listed = _verb(under, "ls", stack.list_stacks, "list")
    _flag(listed, "-j", "--json", text="as JSON")
    _flag(listed, "-a", "--all", text="of all projects")
    removed = _verb(under, "rm", stack.remove, "remove")
    removed.add_argument("name", nargs="?")
    _flag(removed, "-y", "--yes", text="do not ask")
    _flag(removed, "-f", "--force", text="even if it still has resources")
    _flag(removed, "--preserve-config", text="keep the settings file")
    shown = _verb(under, "output", stack.output)
    shown.add_argument("name", nargs="?")
    _flag(shown, "-j", "--json", text="as JSON")
    _flag(shown, "--show-secrets", text="show secrets")
    exported = _verb(under, "export", stack.export)
    exported.add_argument("--file", metavar="FILE")
    _flag(exported, "--show-secrets", text="secrets in plain text")
    imported = _verb(under, "import", stack.import_)
    imported.add_argument("--file", metavar="FILE")
    _flag(imported, "-f", "--force", text="also what looks wrong")


def _config_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config-file", metavar="FILE", default=argparse.SUPPRESS, help="settings file of the stack, instead of Pulumi.<stack>.yaml"
    )


def _config_verbs(verbs: _Verbs) -> None:
    top = _verb(verbs, "config", config.show)
    _config_file(top)
    _flag(top, "--show-secrets", text="show secrets")
    _flag(top, "-j", "--json", text="as JSON")
    under = top.add_subparsers(metavar="VERB", parser_class=_Parser)
    set_ = _verb(under, "set", config.set_)
    set_.add_argument("key")
    set_.add_argument("value", nargs="?")
    _flag(set_, "--secret", text="encrypt the value")
    _flag(set_, "--plaintext", text="store the value as plain text")
    set_.add_argument("--type", choices=("string", "int", "bool", "float"))
    get = _verb(under, "get", config.get)
    get.add_argument("key")
    _flag(get, "-j", "--json", text="as JSON")
    rm = _verb(under, "rm", config.remove, "remove")
    rm.add_argument("key")
    for parser in (set_, get, rm):
        _config_file(parser)
        _flag(parser, "--path", text="the key is a path into a structured value")


def _run_verbs(verbs: _Verbs) -> None:
    for name, function, alias in (
        ("preview", _preview, "pre"),
        ("up", _up, "update"),
        ("refresh", _refresh, None),
        ("destroy", _destroy, "down"),
    ):
        parser = _verb(verbs, name, function, *([alias] if alias else []))
        _config_file(parser)
        _flag(parser, "-j", "--json", text="events (of a preview: its plan) as JSON")
        _flag(parser, "--diff", text="show every property that changes")
        _flag(parser, "--expect-no-changes", text="fail when something changes")
        _flag(parser, "--show-secrets", text="show secrets in the output")
        _flag(parser, "--continue-on-error", text="continue with resources that do not depend on a failed one")
        _flag(parser, "--suppress-outputs", text="do not show the stack's outputs")
        parser.add_argument("-p", "--parallel", type=int, metavar="N", help="provider calls at a time")
        parser.add_argument("-t", "--target", action="append", default=[], metavar="URN", help="only these resources (URNs or globs)")
        parser.add_argument("--event-log", metavar="FILE", help="write every engine event, as JSON lines")
        parser.add_argument("-m", "--message", default="", help="kept in the history")
        if name != "refresh":
            parser.add_argument("-r", "--refresh", nargs="?", const="true", choices=("true", "false"), help="read every resource first")
        if name in ("preview", "up"):
            parser.add_argument("--policy-pack", action="append", default=[], metavar="DIR")
            parser.add_argument("--policy-pack-config", action="append", default=[], metavar="FILE")
        if name != "preview":
            _flag(parser, "-y", "--yes", text="do not ask")
            _flag(parser, "-f", "--skip-preview", text="do not preview first")
            _flag(parser, "--preview-only", text="only preview")


def _state_verbs(verbs: _Verbs) -> None:
    cancel = _verb(verbs, "cancel", state.cancel)
    cancel.add_argument("name", nargs="?")
    _flag(cancel, "-y", "--yes", text="do not ask")
    top = verbs.add_parser("state", help="edit a stack's state", allow_abbrev=False)
    under = top.add_subparsers(metavar="VERB", parser_class=_Parser, required=True)
    delete = _verb(under, "delete", state.delete, "remove", "rm")
    delete.add_argument("urns", nargs="+", metavar="URN")
    _flag(delete, "--force", text="also protected ones")
    _flag(delete, "--target-dependents", text="also everything that depends on them")
    unprotect = _verb(under, "unprotect", state.unprotect)
    unprotect.add_argument("urns", nargs="*", metavar="URN")
    _flag(unprotect, "--all", text="every resource")
    for parser in (delete, unprotect):
        _flag(parser, "-y", "--yes", text="do not ask")
