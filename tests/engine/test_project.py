"""Reading Pulumi.yaml."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sandbox.engine.project.project_file import ProjectError, load_project


def project_at(folder: Path, text: str) -> None:
    (folder / "Pulumi.yaml").write_text(text, encoding="utf-8")


def test_a_project_is_found_from_a_folder_inside_it(tmp_path: Path):
    """Upwards from where the command works."""
    project_at(tmp_path, "name: quill\nruntime: python\n")
    (tmp_path / "a" / "b").mkdir(parents=True)
    found = load_project(tmp_path / "a" / "b")
    assert (found.name, found.root, found.program_dir, found.python) == ("quill", tmp_path, tmp_path, Path(sys.executable))


def test_the_program_may_be_in_another_folder(tmp_path: Path):
    """`main` is a folder or a file; the file's folder is where it works."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").touch()
    project_at(tmp_path, "name: quill\nruntime: python\nmain: src\n")
    assert (load_project(tmp_path).entry, load_project(tmp_path).program_dir) == (tmp_path / "src", tmp_path / "src")
    project_at(tmp_path, "name: quill\nruntime: python\nmain: src/app.py\n")
    assert (load_project(tmp_path).entry, load_project(tmp_path).program_dir) == (tmp_path / "src" / "app.py", tmp_path / "src")


def test_a_virtual_environment_is_relative_to_the_project(tmp_path: Path):
    """Its interpreter runs the program."""
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").touch()
    project_at(tmp_path, "name: quill\nruntime:\n  name: python\n  options:\n    virtualenv: venv\n")
    assert load_project(tmp_path).python == tmp_path / "venv" / "bin" / "python"


def test_without_one_what_is_activated_runs_the_program(tmp_path: Path):
    """As with Pulumi's CLI; one that is gone or is the engine's own is not looked at."""
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").touch()
    project_at(tmp_path, "name: quill\nruntime: python\n")
    assert load_project(tmp_path, {"VIRTUAL_ENV": str(tmp_path / "venv")}).python == tmp_path / "venv" / "bin" / "python"
    for other in ("", sys.prefix, str(tmp_path / "gone")):
        assert load_project(tmp_path, {"VIRTUAL_ENV": other}).python == Path(sys.executable)


def test_options_and_settings_folder_are_read(tmp_path: Path):
    """`refresh: always`, and where the stacks' settings lie, in both spellings."""
    project_at(tmp_path, "name: quill\nruntime: python\noptions:\n  refresh: always\nstackConfigDir: stacks\n")
    assert (load_project(tmp_path).options_refresh_always, load_project(tmp_path).stack_config_dir) == (True, tmp_path / "stacks")
    project_at(tmp_path, "name: quill\nruntime: python\nconfig: stacks\n")
    assert (load_project(tmp_path).options_refresh_always, load_project(tmp_path).stack_config_dir) == (False, tmp_path / "stacks")


_OTHER_RUNTIMES = ("nodejs", "go", "yaml", "dotnet", "java", "bun", "hcl")


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "it is not a mapping"),
        ("- a", "it is not a mapping"),
        ("name: [", "could not load the project"),
        ("runtime: python", "missing a non-empty string 'name'"),
        ("name: 1\nruntime: python", "missing a non-empty string 'name'"),
        ("name: quill", "`runtime` names no language"),
        ("name: quill\nruntime: {options: {}}", "`runtime` names no language"),
        *((f"name: quill\nruntime: {name}\nmain: dist/index.js", f"the runtime '{name}'") for name in _OTHER_RUNTIMES),
        ('name: quill\nruntime: "no\\nsuch"', r"the runtime 'no\nsuch'"),
        *((f"name: quill\nruntime: {{name: {name}}}", "install Pulumi's CLI") for name in _OTHER_RUNTIMES),
        ("name: quill\nruntime: {name: python, options: {toolchain: poetry}}", "toolchain 'poetry'"),
        ("name: quill\nruntime: {name: python, options: {virtualenv: gone}}", "create it with `python -m venv"),
        ("name: quill\nruntime: python\nmain: gone", "`main` names 'gone'"),
        ("name: quill\nruntime: python\noptions: 1", "`options` must be a mapping"),
        ("name: quill\nruntime: python\nconfig: [a]", "`config` must be a mapping"),
    ],
)
def test_an_invalid_project_file_is_refused_with_the_reason(tmp_path: Path, text: str, fact: str):
    """One line with the file's name."""
    project_at(tmp_path, text)
    with pytest.raises(ProjectError) as caught:
        load_project(tmp_path)
    assert fact in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_a_project_the_error_names_the_remedy(tmp_path: Path):
    """--cwd."""
    with pytest.raises(ProjectError, match=r"no Pulumi\.yaml project file found"):
        load_project(tmp_path)
