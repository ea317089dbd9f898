"""The state of stacks in files, with the layout of Pulumi's DIY backend, so that Pulumi and this engine can use the same stacks.

`.pulumi/meta.yaml` (layout version 1), `.pulumi/stacks/<project>/<stack>.json` (a checkpoint, version 3) with `.bak` beside it,
`.pulumi/history`, `.pulumi/backups`, `.pulumi/locks`; every file has a small `.attrs` companion.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from sandbox.engine.errors import EngineError, StackNotFoundError
from sandbox.engine.project.yaml_text import YamlError, parse_yaml
from sandbox.engine.values.atomic_file import link_or_copy, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BOOKKEEPING = ".pulumi"
CHECKPOINT_VERSION = 3
LAYOUT_VERSION = 1
ORGANIZATION = "organization"
_NAME = re.compile(r"^[A-Za-z0-9_.-]{1,100}$")
_COMPRESSED = (".json.gz", ".json.zst")


class BackendError(EngineError):
    """State can't be read or written, or has a form this engine does not support."""


@dataclass(frozen=True)
class StackRef:
    """A stack's full name."""

    project: str
    name: str

    @property
    def full_name(self) -> str:
        """`organization/<project>/<stack>`, as it is written in checkpoints."""
        return f"{ORGANIZATION}/{self.project}/{self.name}"


def parse_stack_ref(text: str, project: str) -> StackRef:
    """The stack that `[organization/[project/]]stack` names.

    Raises:
        BackendError: the organization is not the DIY backend's, or the name has invalid characters.
    """
    parts = text.split("/")
    if len(parts) > 3 or (len(parts) > 1 and parts[0] != ORGANIZATION):  # noqa: PLR2004 - organization/project/stack
        raise BackendError(f"stack name {text!r}: organization name must be '{ORGANIZATION}' with state in files")
    ref = StackRef(parts[1] if len(parts) == 3 else project, parts[-1])  # noqa: PLR2004 - organization/project/stack
    if not all(_NAME.match(part) and part.strip(".") for part in (ref.name, ref.project)):
        raise BackendError(
            f"stack name {text!r}: a stack name may only contain alphanumeric, hyphens, underscores, or periods (not these alone), "
            "and 100 of them at most"
        )
    return ref


class FileBackend:
    """The folder that `PULUMI_BACKEND_URL` names. Opening it creates nothing."""

    def __init__(self, root: Path, url: str) -> None:
        """Checks that the folder exists and has a layout this engine supports.

        Raises:
            BackendError: it does not.
        """
        self.url = url
        self.root = root
        if not root.is_dir():
            raise BackendError(f"unable to open bucket {url}: there is no folder {root}; create it")
        self._check_layout()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], project_url: str | None, cwd: Path) -> FileBackend:
        """The backend of `PULUMI_BACKEND_URL`, otherwise of the project's `backend.url`.

        Raises:
            BackendError: neither is set, or it is not a `file://` URL.
        """
        url = environment.get("PULUMI_BACKEND_URL") or project_url
        if not url:
            raise BackendError("no state backend: set PULUMI_BACKEND_URL=file://<folder>; this engine keeps state in files only")
        if not url.startswith("file://"):
            raise BackendError(
                f"backend {url} is not supported here: this engine keeps state in files only; set PULUMI_BACKEND_URL=file://<folder>"
            )
        folder = unquote(urlsplit(url).netloc + urlsplit(url).path)
        home = environment.get("HOME", "")
        path = Path(home + folder[1:]) if folder == "~" or folder.startswith("~/") else Path(folder)
        return cls((cwd / path).resolve(), url)

    def folder(self, kind: str, ref: StackRef) -> Path:
        """The folder of a stack's `history`, `backups` or `locks`; that of `locks` is below the organization."""
        middle = (ORGANIZATION,) if kind == "locks" else ()
        return self.root.joinpath(BOOKKEEPING, kind, *middle, ref.project, ref.name)

    def state_file(self, ref: StackRef) -> Path:
        """A stack's checkpoint file."""
        return self.root / BOOKKEEPING / "stacks" / ref.project / f"{ref.name}.json"

    def url_of(self, path: Path) -> str:
        """The name of a backend file in errors, below the backend's URL."""
        return f"{self.url.rstrip('/')}/{path.relative_to(self.root)}"

    def stacks(self, project: str | None = None) -> list[StackRef]:
        """The stacks of a project, or of all projects, sorted by name."""
        return [
            StackRef(path.parent.name, path.stem)
            for path in sorted((self.root / BOOKKEEPING / "stacks").glob("*/*.json"))
            if not path.name.startswith(".") and project in (None, path.parent.name)
        ]

    def exists(self, ref: StackRef) -> bool:
        """Whether the stack exists.

        Raises:
            BackendError: its file is compressed.
        """
        for ending in _COMPRESSED:
            packed = self.state_file(ref).with_suffix(ending)
            if packed.exists():
                raise BackendError(
                    f"the state {packed} is compressed, which this engine does not support: run `pulumi stack export` and "
                    "`stack import` with compression off, or use the pulumi CLI"
                )
        return self.state_file(ref).exists()

    def load(self, ref: StackRef) -> dict[str, Any] | None:
        """The deployment object in a stack's checkpoint; None if nothing was deployed yet.

        Raises:
            StackNotFoundError: there is no such stack.
            BackendError: the file is not a version 3 checkpoint; it is not changed.
        """
        if not self.exists(ref):
            raise StackNotFoundError(f"no stack named '{ref.name}' found; create it with `stack init {ref.name}`")
        path = self.state_file(ref)
        remedy = f"restore it from {path.name}.bak or from {self.folder('backups', ref)}"
        try:
            content = json.loads(path.read_bytes())
        except OSError as error:
            raise BackendError(f"failed to load checkpoint {path}: {error.strerror}") from None
        except ValueError as error:
            raise BackendError(f"failed to load checkpoint {path}: it is not JSON ({error}); {remedy}") from None
        if not isinstance(content, dict) or not isinstance(content.get("checkpoint"), dict):
            raise BackendError(f"failed to load checkpoint {path}: it is not a checkpoint; {remedy}")
        check_version(content, str(path))
        latest: dict[str, Any] | None = content["checkpoint"].get("latest")
        return latest

    def save(self, ref: StackRef, deployment: str | None) -> None:
        """Replaces the stack's state with a deployment (JSON text); the previous state goes to `.bak`.

        Raises:
            OSError: it can't be written; the previous state is unchanged.
        """
        latest = "" if deployment is None else f',"latest":{deployment}'
        text = f'{{"version":{CHECKPOINT_VERSION},"checkpoint":{{"stack":{json.dumps(ref.full_name)}{latest}}}}}'
        path = self.state_file(ref)
        self._prepare(path.parent)
        if path.exists():
            link_or_copy(path, path.with_name(f"{path.name}.bak"))
            attributes = _attributes_file(path)
            if attributes.exists():
                link_or_copy(attributes, _attributes_file(path.with_name(f"{path.name}.bak")))
        self.write(path, text.encode())

    def write(self, path: Path, content: bytes) -> None:
        """Writes one of the backend's files, with its `.attrs`.

        Raises:
            OSError: it can't be written.
        """
        self._prepare(path.parent)
        write_atomically(path, content)
        self.add_attributes(path, content)

    def add_attributes(self, path: Path, content: bytes) -> None:
        """Writes the `.attrs` of a file with this content.

        Raises:
            OSError: it can't be written.
        """
        write_atomically(_attributes_file(path), _attributes(content), durable=False)

    def keep(self, ref: StackRef, target: Path) -> None:
        """Copies the stack's current state to another file of the backend."""
        self._prepare(target.parent)
        link_or_copy(self.state_file(ref), target)
        with contextlib.suppress(FileNotFoundError):
            link_or_copy(_attributes_file(self.state_file(ref)), _attributes_file(target))

    def delete(self, path: Path) -> None:
        """Removes one of the backend's files; it may already be gone."""
        path.unlink(missing_ok=True)
        _attributes_file(path).unlink(missing_ok=True)

    def remove(self, ref: StackRef) -> None:
        """Removes a stack and its history; as with the CLI, the last state is kept as `.bak`, and the backups are kept."""
        path = self.state_file(ref)
        self.keep(ref, path.with_name(f"{path.name}.bak"))
        for file in self.files("history", ref):
            self.delete(file)
        path.unlink()
        _attributes_file(path).unlink(missing_ok=True)

    def files(self, kind: str, ref: StackRef) -> Iterator[Path]:
        """A stack's `history`, `backups` or `locks`, oldest first."""
        return iter(sorted(path for path in self.folder(kind, ref).glob("*.json") if not path.name.startswith(".")))

    def _prepare(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        meta = self.root / BOOKKEEPING / "meta.yaml"
        if not meta.exists():
            content = f"version: {LAYOUT_VERSION}\n".encode()
            write_atomically(meta, content)
            write_atomically(_attributes_file(meta), _attributes(content), durable=False)

    def _check_layout(self) -> None:
        meta = self.root / BOOKKEEPING / "meta.yaml"
        try:
            content = parse_yaml(meta.read_text(encoding="utf-8"))
        except FileNotFoundError:
            if any((self.root / BOOKKEEPING / "stacks").glob("*.json")):
                raise BackendError(
                    f"the state in {self.root} has the old layout without projects: run `pulumi state upgrade` on it first"
                ) from None
            return
        except (OSError, UnicodeDecodeError, YamlError) as error:
            raise BackendError(f'corrupt store: unmarshal "{meta}": {error}; it must be `version: {LAYOUT_VERSION}`') from None
        version = content.get("version") if isinstance(content, dict) else None
        if version != LAYOUT_VERSION:
            raise BackendError(
                f"the state in {self.root} has layout version {version!r} but this engine supports only {LAYOUT_VERSION}: "
                "run `pulumi state upgrade` on an older one; use the pulumi CLI for a newer one"
            )


def check_version(content: Mapping[str, Any], source: str) -> None:
    """Checks that a checkpoint or an export has version 3 and no features that Pulumi added later.

    Raises:
        BackendError: it does not.
    """
    version, features = content.get("version"), content.get("features")
    if version != CHECKPOINT_VERSION:
        raise BackendError(
            f"{source} has version {version!r} but this engine supports only version {CHECKPOINT_VERSION}: "
            "convert an older one with `pulumi stack export` and `stack import`; use the pulumi CLI for a newer one"
        )
    if features:
        raise BackendError(f"{source} needs {', '.join(map(str, features))}, which this engine does not support: use the pulumi CLI")


def _attributes_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.attrs")


def _attributes(content: bytes) -> bytes:
    digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    empty = dict.fromkeys(("cache_control", "content_disposition", "content_encoding", "content_language"), "")
    fields: dict[str, Any] = {f"user.{name}": value for name, value in empty.items()}
    fields |= {"user.content_type": "text/plain; charset=utf-8", "user.metadata": None, "md5": digest}
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"
