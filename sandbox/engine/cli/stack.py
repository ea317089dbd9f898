"""`stack` and its subcommands: init, select, ls, rm, output, export, import."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.engine.cli.interrupt import exclusive
from sandbox.engine.cli.table import age, table
from sandbox.engine.cli.workspace import unwritable
from sandbox.engine.errors import CancelledError, EngineError, UsageError
from sandbox.engine.project.config import as_text
from sandbox.engine.state.backend import BackendError, parse_stack_ref
from sandbox.engine.state.deployment import manifest
from sandbox.engine.state.transfer import has_plaintext, read_export, stack_outputs, with_ciphertext, with_plaintext

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox.engine.cli.workspace import Workspace


def show(workspace: Workspace) -> None:
    """`stack`: the stack, its resources as a tree, its outputs."""
    state = workspace.state or {}
    resources = state.get("resources") or []
    workspace.print(f"Current stack is {workspace.ref.name}:")
    if written := (state.get("manifest") or {}).get("time"):
        workspace.print(f"    Last updated: {age(written, workspace.nanoseconds())} ({written})")
        workspace.print(f"    Pulumi version used: {state['manifest'].get('version', '')}")
    workspace.print(f"Current stack resources ({len(resources)}):")
    rows = _tree(resources, show_urns=workspace.args.show_urns)
    for line in table(("TYPE", "NAME"), rows) if rows else ["No resources currently in this stack"]:
        workspace.print(f"    {line}")
    workspace.print()
    _print_outputs(workspace, _outputs(workspace))


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


def init(workspace: Workspace) -> None:
    """`stack init NAME`: an empty stack with a secrets manager, selected."""
    name = workspace.args.name or workspace.args.stack
    if not name:
        raise UsageError("missing stack name: `stack init <name>`")
    if workspace.args.secrets_provider not in ("default", "passphrase"):
        raise UsageError(f"--secrets-provider {workspace.args.secrets_provider} is not supported: use passphrase")
    ref = parse_stack_ref(name, workspace.project.name)
    if workspace.backend.exists(ref):
        raise BackendError(f"stack '{ref.full_name}' already exists; select it with `stack select {name}`")
    workspace.ref = ref
    workspace.state = None
    secrets_provider = {"type": "passphrase", "state": workspace.secrets.state()}
    workspace.keep_salt()
    deployment = {"manifest": manifest(workspace.now()), "secrets_providers": secrets_provider, "metadata": {}}
    with exclusive(workspace):
        if workspace.backend.exists(ref):
            raise BackendError(f"stack '{ref.full_name}' already exists; select it with `stack select {name}`")
        workspace.save_state(json.dumps(deployment, separators=(",", ":")))
    workspace.print(f"Created stack '{ref.name}'")
    if not workspace.args.no_select:
        workspace.selection.set(workspace.backend.url, ref.full_name)


def select(workspace: Workspace) -> None:
    """`stack select NAME`: choose the stack for commands without --stack."""
    name = workspace.args.name or workspace.args.stack
    if not name:
        raise UsageError("no stack selected; name one: `stack select <name>`")
    ref = parse_stack_ref(name, workspace.project.name)
    if workspace.args.create and not workspace.backend.exists(ref):
        workspace.args.no_select, workspace.args.secrets_provider = False, "default"
        init(workspace)
        return
    workspace.selection.set(workspace.backend.url, workspace.existing(name).full_name)


def list_stacks(workspace: Workspace) -> None:
    """`stack ls`: the stacks of the project, or with --all of every project."""
    selected = workspace.selection.get(workspace.backend.url)
    found: list[dict[str, Any]] = []
    for ref in workspace.backend.stacks(None if workspace.args.all else workspace.project.name):
        state = workspace.backend.load(ref) or {}
        shown = ref.name if ref.project == workspace.project.name else ref.full_name
        written = (state.get("manifest") or {}).get("time", "")
        current = ref.full_name == selected
        found.append({"name": shown, "current": current, "lastUpdate": written, "resourceCount": len(state.get("resources") or [])})
    if workspace.args.json:
        for row in found:
            row["lastUpdate"] = f"{row['lastUpdate'][:23]}Z" if row["lastUpdate"] else ""
        workspace.print(json.dumps(found, indent=2))
        return
    now = workspace.nanoseconds()
    rows = [
        (row["name"] + "*" * row["current"], age(row["lastUpdate"], now) if row["lastUpdate"] else "n/a", str(row["resourceCount"]))
        for row in found
    ]
    for line in table(("NAME", "LAST UPDATE", "RESOURCE COUNT"), rows):
        workspace.print(line)


def remove(workspace: Workspace) -> None:
    """`stack rm NAME`: the stack, its history and its settings file."""
    if workspace.args.name:
        workspace.ref = workspace.existing(workspace.args.name)
    ref = workspace.ref
    resources = (workspace.state or {}).get("resources") or []
    left = [item for item in resources if item.get("type") != "pulumi:pulumi:Stack"]
    if left and not workspace.args.force:
        raise EngineError(
            f"'{ref.name}' still has resources; removal rejected. Possible actions:\n"
            f"- Make sure that '{ref.name}' is the stack that you want to destroy\n"
            "- Run `destroy` to delete the resources, then run `stack rm`\n"
            "- Run `stack rm --force` to override this error"
        )
    if not workspace.confirm(f"This will permanently remove the '{ref.name}' stack!", ref.name):
        raise CancelledError("confirmation declined")
    with exclusive(workspace):
        workspace.backend.remove(ref)
    if not workspace.args.preserve_config:
        workspace.settings_path(ref).unlink(missing_ok=True)
    if workspace.selection.get(workspace.backend.url) == ref.full_name:
        workspace.selection.set(workspace.backend.url, None)
    workspace.print(f"Stack '{ref.name}' has been removed!")


def output(workspace: Workspace) -> None:
    """`stack output [NAME]`: what the program exported."""
    outputs = _outputs(workspace)
    name = workspace.args.name
    if name is not None:
        if name not in outputs:
            raise EngineError(f"current stack does not have output property '{name}'")
        value = outputs[name]
        workspace.print(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) if workspace.args.json else as_text(value))
    elif workspace.args.json:
        workspace.print(json.dumps(outputs, indent=2, sort_keys=True, ensure_ascii=False))
    else:
        _print_outputs(workspace, outputs)


def _outputs(workspace: Workspace) -> dict[str, Any]:
    workspace.ref  # noqa: B018 - report an unknown stack before a missing passphrase
    decrypt = workspace.state_secrets.decrypt if getattr(workspace.args, "show_secrets", False) else None
    return stack_outputs(workspace.state, decrypt)


def _print_outputs(workspace: Workspace, outputs: Mapping[str, Any]) -> None:
    workspace.print(f"Current stack outputs ({len(outputs)}):")
    rows = [(name, as_text(value)) for name, value in sorted(outputs.items())]
    for line in table(("OUTPUT", "VALUE"), rows) if rows else ["No output values currently in this stack"]:
        workspace.print(f"    {line}")


def export(workspace: Workspace) -> None:
    """`stack export`: the deployment, as JSON, to the standard output or a file."""
    deployment = workspace.state or {}
    if workspace.args.show_secrets:
        deployment = with_plaintext(deployment, workspace.state_secrets.decrypt)
    text = json.dumps({"version": 3, "deployment": deployment}, indent=4, ensure_ascii=False) + "\n"
    if workspace.args.file is None:
        workspace.stdout.write(text)
        return
    try:
        (workspace.cwd / workspace.args.file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise EngineError(f"could not write the export to {workspace.args.file}: {error.strerror}") from None


def import_(workspace: Workspace) -> None:
    """`stack import`: a deployment, as `stack export` wrote it, becomes the stack's state."""
    ref = workspace.ref
    text = workspace.stdin.read() if workspace.args.file is None else _import_file(workspace.cwd / workspace.args.file)
    deployment = read_export(text, ref.project, ref.name, force=workspace.args.force)
    if has_plaintext(deployment):
        # Plaintext secrets are encrypted with this stack's secrets manager.
        workspace.state = deployment
        deployment = with_ciphertext(deployment, workspace.state_secrets.encrypt)
        deployment.setdefault("secrets_providers", {"type": "passphrase", "state": workspace.state_secrets.state()})
    with exclusive(workspace):
        try:
            workspace.backend.save(ref, json.dumps(deployment, separators=(",", ":"), ensure_ascii=False))
        except OSError as error:
            raise unwritable(workspace.backend, ref, error) from None
    workspace.print("Import complete.")


def _import_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(f"could not open file {path}: {error}") from None
