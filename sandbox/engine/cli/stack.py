"""`stack` and what is under it: init, select, ls, rm, output, export, import."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.engine.cli.table import age, table
from sandbox.engine.cli.workspace import unwritable
from sandbox.engine.errors import CancelledError, EngineError, UsageError
from sandbox.engine.project.config import as_text
from sandbox.engine.state.backend import BackendError, parse_stack_ref
from sandbox.engine.state.deployment import manifest
from sandbox.engine.state.lock import locked
from sandbox.engine.state.transfer import has_plaintext, read_export, stack_outputs, with_ciphertext, with_plaintext

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox.engine.cli.workspace import Session


def show(session: Session) -> None:
    """`stack`: the stack, its resources as a tree, its outputs."""
    state = session.state or {}
    resources = state.get("resources") or []
    session.print(f"Current stack is {session.ref.name}:")
    if written := (state.get("manifest") or {}).get("time"):
        session.print(f"    Last updated: {age(written, session.nanoseconds())} ({written})")
        session.print(f"    Pulumi version used: {state['manifest'].get('version', '')}")
    session.print(f"Current stack resources ({len(resources)}):")
    rows = _tree(resources, show_urns=session.args.show_urns)
    for line in table(("TYPE", "NAME"), rows) if rows else ["No resources currently in this stack"]:
        session.print(f"    {line}")
    session.print()
    _print_outputs(session, _outputs(session))


def _tree(resources: list[dict[str, Any]], *, show_urns: bool) -> list[tuple[str, str]]:
    children: dict[str, list[dict[str, Any]]] = {}
    known = {item["urn"] for item in resources}
    root = next((item["urn"] for item in resources if item["type"] == "pulumi:pulumi:Stack"), "")
    for item in resources:
        if item["urn"] != root:
            parent = item.get("parent") or root
            children.setdefault(parent if parent in known else root, []).append(item)
    rows: list[tuple[str, str]] = []

    def add(item: dict[str, Any], branch: str, below: str) -> None:
        rows.append((branch + item["type"], item["urn"].rpartition("::")[2]))
        if show_urns:
            rows.append((f"{below}   URN: {item['urn']}", ""))
        inner = children.get(item["urn"], [])
        for number, child in enumerate(inner, 1):
            last = number == len(inner)
            add(child, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "))

    for item in [item for item in resources if item["urn"] == root] or children.get("", []):
        add(item, "", "")
    return rows


def init(session: Session) -> None:
    """`stack init NAME`: an empty stack with a secrets manager, selected."""
    name = session.args.name or session.args.stack
    if not name:
        raise UsageError("missing stack name: `stack init <name>`")
    if session.args.secrets_provider not in ("default", "passphrase"):
        raise UsageError(f"--secrets-provider {session.args.secrets_provider} is not supported: this engine knows passphrase")
    ref = parse_stack_ref(name, session.project.name)
    if session.backend.exists(ref):
        raise BackendError(f"stack '{ref.full_name}' already exists; select it with `stack select {name}`")
    session.ref = ref
    session.state = None
    kept = {"type": "passphrase", "state": session.secrets.state()}
    deployment = {"manifest": manifest(session.now()), "secrets_providers": kept, "metadata": {}}
    with locked(session.backend, ref, session.now):
        if session.backend.exists(ref):
            raise BackendError(f"stack '{ref.full_name}' already exists; select it with `stack select {name}`")
        session.save_state(json.dumps(deployment, separators=(",", ":")))
    session.print(f"Created stack '{ref.name}'")
    if not session.args.no_select:
        session.selection.set(session.backend.url, ref.full_name)


def select(session: Session) -> None:
    """`stack select NAME`: the stack that commands without --stack are about."""
    name = session.args.name or session.args.stack
    if not name:
        raise UsageError("no stack selected; name one: `stack select <name>`")
    ref = parse_stack_ref(name, session.project.name)
    if session.args.create and not session.backend.exists(ref):
        session.args.no_select, session.args.secrets_provider = False, "default"
        init(session)
        return
    session.selection.set(session.backend.url, session.existing(name).full_name)


def list_stacks(session: Session) -> None:
    """`stack ls`: the stacks of the project, or with --all of every project."""
    selected = session.selection.get(session.backend.url)
    found: list[dict[str, Any]] = []
    for ref in session.backend.stacks(None if session.args.all else session.project.name):
        state = session.backend.load(ref) or {}
        shown = ref.name if ref.project == session.project.name else ref.full_name
        written = (state.get("manifest") or {}).get("time", "")
        current = ref.full_name == selected
        found.append({"name": shown, "current": current, "lastUpdate": written, "resourceCount": len(state.get("resources") or [])})
    if session.args.json:
        for row in found:
            row["lastUpdate"] = f"{row['lastUpdate'][:23]}Z" if row["lastUpdate"] else ""
        session.print(json.dumps(found, indent=2))
        return
    now = session.nanoseconds()
    rows = [
        (row["name"] + "*" * row["current"], age(row["lastUpdate"], now) if row["lastUpdate"] else "n/a", str(row["resourceCount"]))
        for row in found
    ]
    for line in table(("NAME", "LAST UPDATE", "RESOURCE COUNT"), rows):
        session.print(line)


def remove(session: Session) -> None:
    """`stack rm NAME`: the stack, its history and its settings file."""
    if session.args.name:
        session.ref = session.existing(session.args.name)
    ref = session.ref
    resources = (session.state or {}).get("resources") or []
    left = [item for item in resources if item.get("type") != "pulumi:pulumi:Stack"]
    if left and not session.args.force:
        raise EngineError(
            f"'{ref.name}' still has resources; removal rejected. Possible actions:\n"
            f"- Make sure that '{ref.name}' is the stack that you want to destroy\n"
            "- Run `destroy` to delete the resources, then run `stack rm`\n"
            "- Run `stack rm --force` to override this error"
        )
    if not session.confirm(f"This will permanently remove the '{ref.name}' stack!", ref.name):
        raise CancelledError("confirmation declined")
    with locked(session.backend, ref, session.now):
        session.backend.remove(ref)
    if not session.args.preserve_config:
        session.settings_path(ref).unlink(missing_ok=True)
    if session.selection.get(session.backend.url) == ref.full_name:
        session.selection.set(session.backend.url, None)
    session.print(f"Stack '{ref.name}' has been removed!")


def output(session: Session) -> None:
    """`stack output [NAME]`: what the program exported."""
    outputs = _outputs(session)
    name = session.args.name
    if name is not None:
        if name not in outputs:
            raise EngineError(f"current stack does not have output property '{name}'")
        value = outputs[name]
        session.print(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) if session.args.json else as_text(value))
    elif session.args.json:
        session.print(json.dumps(outputs, indent=2, sort_keys=True, ensure_ascii=False))
    else:
        _print_outputs(session, outputs)


def _outputs(session: Session) -> dict[str, Any]:
    session.ref  # noqa: B018 - an unknown stack is an error before a missing passphrase is
    decrypt = session.state_secrets.decrypt if getattr(session.args, "show_secrets", False) else None
    return stack_outputs(session.state, decrypt)


def _print_outputs(session: Session, outputs: Mapping[str, Any]) -> None:
    session.print(f"Current stack outputs ({len(outputs)}):")
    rows = [(name, as_text(value)) for name, value in sorted(outputs.items())]
    for line in table(("OUTPUT", "VALUE"), rows) if rows else ["No output values currently in this stack"]:
        session.print(f"    {line}")


def export(session: Session) -> None:
    """`stack export`: the deployment, as JSON, to the standard output or a file."""
    deployment = session.state or {}
    if session.args.show_secrets:
        deployment = with_plaintext(deployment, session.state_secrets.decrypt)
    text = json.dumps({"version": 3, "deployment": deployment}, indent=4, ensure_ascii=False) + "\n"
    if session.args.file is None:
        session.stdout.write(text)
        return
    try:
        (session.cwd / session.args.file).write_text(text, encoding="utf-8")
    except OSError as bad:
        raise EngineError(f"could not write the export to {session.args.file}: {bad.strerror}") from None


def import_(session: Session) -> None:
    """`stack import`: a deployment, as `stack export` wrote it, becomes the stack's state."""
    ref = session.ref
    text = session.stdin.read() if session.args.file is None else _import_file(session.cwd / session.args.file)
    deployment = read_export(text, ref.project, ref.name, force=session.args.force)
    if has_plaintext(deployment):
        # What comes readable is encrypted as this stack's other secrets are.
        session.state = deployment
        deployment = with_ciphertext(deployment, session.state_secrets.encrypt)
        deployment.setdefault("secrets_providers", {"type": "passphrase", "state": session.state_secrets.state()})
    with locked(session.backend, ref, session.now):
        try:
            session.backend.save(ref, json.dumps(deployment, separators=(",", ":"), ensure_ascii=False))
        except OSError as bad:
            raise unwritable(session.backend, ref, bad) from None
    session.print("Import complete.")


def _import_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as bad:
        raise EngineError(f"could not open file {path}: {bad}") from None
