"""`config` and its subcommands: set, get, rm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.engine.cli.table import table
from sandbox.engine.errors import EngineError, UsageError
from sandbox.engine.project.config import (
    BLINDED,
    Ciphertext,
    as_text,
    completed,
    config_value,
    full_key,
    get_value,
    is_secret,
    remove_value,
    set_value,
    short_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.engine.cli.workspace import Workspace

_TYPES: dict[str, Callable[[str], Any]] = {
    "string": str,
    "int": int,
    "float": float,
    "bool": lambda text: {"true": True, "1": True, "false": False, "0": False}[text.lower()],
}


def show(workspace: Workspace) -> None:
    """`config`: every value of the stack, with the project's defaults; secrets only with --show-secrets."""
    config = completed(workspace.settings.config, workspace.project)
    show_secrets = workspace.args.show_secrets and any(is_secret(value) for value in config.values())
    decrypt = workspace.secrets.decrypt if show_secrets else (lambda _: BLINDED)
    if workspace.args.json:
        shown = {key: _as_json(config[key], decrypt, hidden=not workspace.args.show_secrets) for key in sorted(config)}
        workspace.print(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    rows = [(short_key(key, workspace.project.name), config_value(config[key], decrypt).value) for key in sorted(config)]
    for line in table(("KEY", "VALUE"), rows):
        workspace.print(line)


def _as_json(value: Any, decrypt: Callable[[str], str], *, hidden: bool) -> dict[str, Any]:
    plain = config_value(value, decrypt)
    if plain.secret and hidden:
        return {"secret": True}
    found: dict[str, Any] = {"value": plain.value}
    if plain.object:
        found["objectValue"] = json.loads(plain.value)
    return {**found, "secret": plain.secret}


def set_(workspace: Workspace) -> None:
    """`config set KEY [VALUE]`: the value is read from the standard input when it is not given."""
    args = workspace.args
    if args.secret and (args.plaintext or args.type):
        raise UsageError(f"--secret can't go together with {'--plaintext' if args.plaintext else '--type'}")
    key = full_key(args.key, workspace.project.name)
    text = args.value if args.value is not None else _from_stdin(workspace)
    settings = workspace.settings
    if args.secret:
        workspace.keep_salt()  # it belongs to the secrets in this file
    value: Any = Ciphertext(workspace.secrets.encrypt(text)) if args.secret else _typed(text, args.type)
    root, whole = set_value(settings.config, key, value, path=args.path)
    settings.set_config(root, whole)
    settings.save()


def _from_stdin(workspace: Workspace) -> str:
    if workspace.interactive:
        raise UsageError("missing the value: `config set <key> <value>`, or pipe it in")
    return workspace.stdin.read().removesuffix("\n")


def _typed(text: str, type_: str | None) -> Any:
    if type_ is None:
        return text
    try:
        return _TYPES[type_](text)
    except (ValueError, KeyError):
        raise UsageError(f"--type {type_}: {text!r} does not read as one") from None


def get(workspace: Workspace) -> None:
    """`config get KEY`: one value, a secret too."""
    args = workspace.args
    key = full_key(args.key, workspace.project.name)
    found, value = get_value(completed(workspace.settings.config, workspace.project), key, path=args.path)
    if not found:
        raise EngineError(f"configuration key '{short_key(key, workspace.project.name)}' not found for stack '{workspace.ref.name}'")
    decrypt = workspace.secrets.decrypt if is_secret(value) else as_text
    if args.json:
        workspace.print(json.dumps(_as_json(value, decrypt, hidden=False), indent=2, ensure_ascii=False))
    else:
        workspace.print(config_value(value, decrypt).value)


def remove(workspace: Workspace) -> None:
    """`config rm KEY`: one value, or with --path a part of one."""
    settings = workspace.settings
    root, left, gone = remove_value(settings.config, full_key(workspace.args.key, workspace.project.name), path=workspace.args.path)
    if gone:
        settings.remove_config(root)
    else:
        settings.set_config(root, left)
    settings.save()
