"""A Pulumi project: the parts of Pulumi.yaml that a Python program needs."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.engine.errors import EngineError
from sandbox.engine.project.packages import local_packages
from sandbox.engine.project.yaml_text import YamlError, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE_NAMES = ("Pulumi.yaml", "Pulumi.yml")
_LANGUAGES = {
    "nodejs": " (TypeScript or JavaScript)",
    "go": " (Go)",
    "yaml": " (YAML)",
    "dotnet": " (C#, F# or Visual Basic)",
    "java": " (Java, Kotlin or Scala)",
    "bun": " (TypeScript or JavaScript)",
}
_TYPES = ("string", "integer", "boolean", "array", "object")


class ProjectError(EngineError):
    """Pulumi.yaml is missing, can't be read, or asks for something this engine does not support."""


@dataclass(frozen=True)
class ConfigDeclaration:
    """One entry under `config:` in Pulumi.yaml.

    `key` is full (`namespace:name`), `spelling` as written. `default` and `value` are plain YAML values, None when not given.
    """

    key: str
    spelling: str
    type_: str | None = None
    items: Mapping[str, Any] | None = None
    default: Any = None
    value: Any = None
    secret: bool = False

    @property
    def type_name(self) -> str:
        """The type as error messages spell it: `array<integer>`."""
        return _full_type(self.type_ or "", self.items)


@dataclass(frozen=True)
class Project:
    """One project on disk.

    `root` is the folder of Pulumi.yaml; `entry` what the interpreter `python` runs (a folder with `__main__.py`, or a file);
    `program_dir` the working directory of the program; `packages` has the places of the packages that are on this machine.
    """

    name: str
    root: Path
    file: Path
    entry: Path
    program_dir: Path
    python: Path
    description: str = ""
    options_refresh_always: bool = False
    stack_config_dir: Path | None = None
    backend_url: str | None = None
    config_decl: tuple[ConfigDeclaration, ...] = field(default=())
    packages: Mapping[str, Path] = field(default_factory=dict)

    def settings_file(self, stack: str) -> Path:
        """The settings file of a stack: in `stackConfigDir`, or beside Pulumi.yaml."""
        return (self.stack_config_dir or self.root) / f"Pulumi.{stack}.yaml"


def find_project_file(start: Path) -> Path:
    """The Pulumi.yaml of a folder or the nearest one above it.

    Raises:
        ProjectError: no Pulumi.yaml was found.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        for name in _FILE_NAMES:
            if (folder / name).is_file():
                return folder / name
    raise ProjectError(
        "no Pulumi.yaml project file found (searching upwards from "
        f"{start}). If you have not created a project yet, write Pulumi.yaml, or pass its folder with --cwd"
    )


def load_project(start: Path, environment: Mapping[str, str] | None = None) -> Project:
    """The project that a folder belongs to, whose program runs in its `virtualenv`, else in what is activated in the ``environment``.

    Raises:
        ProjectError: there is no Pulumi.yaml, or it is not for a Python program.
    """
    path = find_project_file(start)
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YamlError) as error:
        raise ProjectError(f"could not load the project at {path}: {error}") from None
    if not isinstance(content, dict):
        raise ProjectError(f"could not load the project at {path}: it is not a mapping; it needs at least `name` and `runtime`")
    name = content.get("name")
    if not isinstance(name, str) or not name:
        raise ProjectError(f"could not load the project at {path}: project is missing a non-empty string 'name' attribute")
    _require_python(content.get("runtime"), path)  # first: what follows may be as another language has it, such as `main: dist/index.js`
    root = path.parent
    options = _mapping(content, "options", path)
    entry = _entry(content, root, path)
    return Project(
        name=name,
        root=root,
        file=path,
        entry=entry,
        program_dir=entry if entry.is_dir() else entry.parent,
        python=_interpreter(content, root, path, environment or {}),
        description=str(content.get("description") or ""),
        options_refresh_always=options.get("refresh") == "always",
        stack_config_dir=_stack_config_dir(content, root),
        backend_url=_mapping(content, "backend", path).get("url"),
        config_decl=_declarations(name, content.get("config"), path),
        packages=local_packages(_mapping(content, "packages", path), root),
    )


def _require_python(runtime: object, path: Path) -> None:
    """Refuses a program in any language but Python.

    Raises:
        ProjectError: it is in another one, which needs Pulumi's CLI and that language's host; or the project names none.
    """
    name = runtime.get("name") if isinstance(runtime, dict) else runtime
    if name == "python":
        return
    if not isinstance(name, str) or not name:
        raise ProjectError(f"could not load the project at {path}: `runtime` names no language; a Python program has `runtime: python`")
    raise ProjectError(
        f"the program at {path} has the runtime {name!r}{_LANGUAGES.get(name, '')}, and this engine runs Python programs only: install "
        f"Pulumi's CLI (https://www.pulumi.com/docs/install/) and run the same command as `pulumi …`; both use the same state"
    )


def _mapping(content: Mapping[str, Any], key: str, path: Path) -> dict[str, Any]:
    found = content.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ProjectError(f"could not load the project at {path}: `{key}` must be a mapping, it is {found!r}")
    return found


def _entry(content: Mapping[str, Any], root: Path, path: Path) -> Path:
    main = content.get("main") or "."
    entry = (root / str(main)).resolve()
    if not entry.exists():
        raise ProjectError(f"could not load the project at {path}: `main` names {main!r}, and there is no {entry}")
    return entry


def _interpreter(content: Mapping[str, Any], root: Path, path: Path, environment: Mapping[str, str]) -> Path:
    runtime = content.get("runtime")
    options = (runtime.get("options") or {}) if isinstance(runtime, dict) else {}
    toolchain = options.get("toolchain", "pip")
    if toolchain not in ("pip", ""):
        raise ProjectError(
            f"toolchain {toolchain!r} in {path} is not supported here: create a virtual environment and name its folder as `virtualenv`, "
            "or use the pulumi CLI"
        )
    virtualenv = options.get("virtualenv")
    if not virtualenv:
        return _activated(environment)
    python = root / str(virtualenv) / "bin" / "python"
    if not python.exists():
        raise ProjectError(
            f"the project's virtualenv {virtualenv!r} has no {python}: create it with `python -m venv {root / str(virtualenv)}` "
            "and install the program's requirements"
        )
    return python


def _activated(environment: Mapping[str, str]) -> Path:
    """The interpreter of the virtual environment that is activated, as Pulumi's CLI finds it on PATH; without one, the engine's own."""
    folder = environment.get("VIRTUAL_ENV")
    python = Path(folder, "bin", "python") if folder and Path(folder) != Path(sys.prefix) else Path(sys.executable)
    return python if python.exists() else Path(sys.executable)


def _stack_config_dir(content: Mapping[str, Any], root: Path) -> Path | None:
    # `config: folder` is the older spelling of `stackConfigDir: folder`.
    folder = content.get("stackConfigDir") or (content["config"] if isinstance(content.get("config"), str) else None)
    return root / str(folder) if folder else None


def _declarations(project: str, declared: Any, path: Path) -> tuple[ConfigDeclaration, ...]:
    if declared is None or isinstance(declared, str):
        return ()
    if not isinstance(declared, dict):
        raise ProjectError(f"could not load the project at {path}: `config` must be a mapping")
    return tuple(_declaration(project, str(spelling), entry, path) for spelling, entry in sorted(declared.items()))


def _declaration(project: str, spelling: str, entry: Any, path: Path) -> ConfigDeclaration:
    own = ":" not in spelling or spelling.startswith(f"{project}:")
    if not isinstance(entry, dict):
        entry = {"default" if own else "value": entry}
    declaration = ConfigDeclaration(
        key=spelling if ":" in spelling else f"{project}:{spelling}",
        spelling=spelling,
        type_=entry.get("type"),
        items=entry.get("items"),
        default=entry.get("default"),
        value=entry.get("value"),
        secret=bool(entry.get("secret")),
    )
    wrong = _declaration_error(declaration, own=own)
    if wrong:
        raise ProjectError(f"could not load the project at {path}: {wrong}")
    return declaration


def _declaration_error(declaration: ConfigDeclaration, *, own: bool) -> str | None:
    """The CLI's error for an invalid declaration, or None."""
    if declaration.default is not None and declaration.value is not None:
        return f"project config '{declaration.spelling}' cannot have both a 'default' and 'value' attribute"
    return _error_in_own(declaration) if own else _error_in_foreign(declaration)


def _error_in_foreign(declaration: ConfigDeclaration) -> str | None:
    named = f"Configuration key '{declaration.spelling}' is not namespaced by the project and should not define a"
    if declaration.type_ is not None:
        return f"{named} type"
    if declaration.default is not None:
        return f"{named} default value. Did you mean to use the 'value' attribute instead of 'default'?"
    if declaration.value is None:
        return f"Configuration key '{declaration.spelling}' is namespaced and must provide an attribute 'value'"
    return None


def _error_in_own(declaration: ConfigDeclaration) -> str | None:
    name = declaration.spelling
    if declaration.type_ is not None and declaration.type_ not in _TYPES:
        return f"#/config/{name}/type: value must be one of {', '.join(map(repr, sorted(_TYPES)))}"
    if declaration.type_ == "array" and not declaration.items:
        return f"The configuration key '{name}' declares an array but does not specify the underlying type via the 'items' attribute"
    if declaration.type_ and declaration.default is not None and not fits_type(declaration.type_, declaration.items, declaration.default):
        return f"The default value specified for configuration key '{name}' is not of the expected type '{declaration.type_name}'"
    return None


def fits_type(type_: str, items: Mapping[str, Any] | None, value: Any) -> bool:
    """Whether a config value is of a declared type: text that reads as an integer or a boolean counts as one, as in the CLI."""
    if type_ == "string":
        return isinstance(value, str)
    if type_ == "integer":
        return _reads_as_integer(value)
    if type_ == "boolean":
        return isinstance(value, bool) or value in ("true", "false")
    if type_ == "object":
        return isinstance(value, dict)
    if not isinstance(value, list) or not items:
        return False
    return all(fits_type(str(items.get("type")), items.get("items"), item) for item in value)


def _reads_as_integer(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return True
    return isinstance(value, str) and value.removeprefix("-").removeprefix("+").isdecimal()


def _full_type(type_: str, items: Mapping[str, Any] | None) -> str:
    return f"array<{_full_type(str(items.get('type')), items.get('items'))}>" if items else type_
