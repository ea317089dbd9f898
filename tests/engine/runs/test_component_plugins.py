"""Components of a plugin: constructed there, with their children registered here. Both engines must agree."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.conftest import EMBEDDED

PROGRAMS = Path(__file__).parent / "programs"
HEAD = """
import pulumi
from ledger import Entry
O = pulumi.ResourceOptions

class Library(pulumi.ComponentResource):
    lines: pulumi.Output[list]

    def __init__(self, name, texts, opts=None):
        super().__init__("books:index:Library", name, {"texts": texts, "lines": None}, opts, remote=True)

    def greet(self, who):
        @pulumi.output_type
        class Greeting:
            greeting: str = pulumi.property("greeting")
        return pulumi.runtime.call("books:index:Library/greet", {"__self__": self, "who": who}, self, Greeting).greeting
"""


@pytest.fixture
def library(stack: Any) -> Any:
    """A stack whose PATH has the plugin."""
    folder = stack.folder / "bin"
    folder.mkdir()
    plugin = folder / "pulumi-resource-books"
    source = (PROGRAMS / "pulumi-resource-books").read_text()
    plugin.write_text(source.replace("#!/usr/bin/env python3", f"#!{sys.executable}"))
    plugin.chmod(0o755)
    shutil.copy(PROGRAMS / "ledger.py", folder)
    stack.env["PATH"] = f"{folder}:{stack.env['PATH']}"
    return stack


def up(stack: Any, program: str) -> None:
    stack.write(HEAD + program)
    done = stack.verb("up")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_component_registers_its_children(library: Any) -> None:
    """Its parts are resources of the stack, below it; its outputs reach the program; a change reaches the parts; destroy leaves nothing."""
    program = "a = Entry('a', 'x')\nlib = Library('lib', [a.line, 'plain'])\npulumi.export('lines', lib.lines)\n"
    library.write(HEAD + program)
    done = library.verb("preview")
    assert done.returncode == 0, done.stdout + done.stderr
    assert library.world() == {}
    up(library, program)
    texts = {id_: entry["text"] for id_, entry in library.world().items()}
    assert texts == {"a@here": "x", "lib-0@here": "here: x", "lib-1@here": "plain"}
    (part,) = [item for item in library.exported()["resources"] if item.get("id") == "lib-0@here"]
    assert part["urn"] == "urn:pulumi:dev::books::books:index:Library$pulumi-python:dynamic/ledger:Entry::lib-0"
    outputs = json.loads(library.call("stack", "output", "--json", "--stack", "dev").stdout)
    assert outputs == {"lines": ["here: here: x", "here: plain"]}
    up(library, program)
    assert library.calls("create", "update", "delete") == []
    up(library, program.replace("'plain'", "'other'"))
    assert library.calls("create", "update", "delete") == ["update lib-1"]
    assert library.verb("destroy").returncode == 0
    assert (library.world(), library.exported().get("resources", [])) == ({}, [])


def test_a_package_can_be_a_plugins_folder(stack: Any) -> None:
    """As `pulumi package add <folder>` writes it into Pulumi.yaml: without the plugin on PATH, and started by the folder's own Python."""
    folder = stack.folder / "books-plugin"
    folder.mkdir()
    shutil.copy(PROGRAMS / "pulumi-resource-books", folder / "__main__.py")
    shutil.copy(PROGRAMS / "ledger.py", folder)
    settings = folder / "PulumiPlugin.yaml"
    settings.write_text("name: books\nruntime:\n  name: python\n  options:\n    virtualenv: .venv\n")
    with (stack.program / "Pulumi.yaml").open("a") as project:
        project.write("packages:\n  books: ../books-plugin\n")
    stack.write(HEAD + "lib = Library('lib', ['plain'])\n")
    if stack.command == EMBEDDED:  # Pulumi's CLI would make it
        done = stack.verb("up")
        assert done.returncode != 0
        assert f"no virtual environment {folder / '.venv'}" in done.stdout + done.stderr
    (folder / ".venv").symlink_to(sys.prefix)
    up(stack, "lib = Library('lib', ['plain'])\n")
    assert {id_: entry["text"] for id_, entry in stack.world().items()} == {"lib-0@here": "plain"}


def test_a_components_method_can_be_called(library: Any) -> None:
    """Its result is an output like any other."""
    up(library, "lib = Library('lib', [])\na = Entry('a', 'x')\npulumi.export('greeting', lib.greet(a.line))\n")
    assert json.loads(library.call("stack", "output", "--json", "--stack", "dev").stdout) == {"greeting": "hello here: x"}


def test_a_component_that_cannot_be_constructed_is_reported(library: Any) -> None:
    """The error names the component and the message of its plugin; nothing is created."""
    library.write(HEAD + "pulumi.ComponentResource('books:index:Nothing', 'n', {}, None, True)\n")
    done = library.verb("up")
    assert done.returncode != 0
    assert "there are no books:index:Nothing here" in done.stdout + done.stderr
    assert library.world() == {}


def test_a_child_that_fails_fails_the_run(library: Any) -> None:
    """Resources that the component created before stay in the state, and the run ends instead of waiting for the plugin."""
    library.write(HEAD + "lib = Library('lib', ['x'])\nLibrary('worse', ['explodes'], O(depends_on=[lib]))\n")
    done = library.verb("up")
    assert done.returncode != 0
    assert "the ledger exploded" in done.stdout
    assert set(library.world()) == library.known() == {"lib-0@here"}


def test_a_function_call_can_be_transformed(library: Any) -> None:
    """A transform of the stack changes the arguments of every call from then on, in a preview too."""
    program = (
        "def longer(args):\n"
        "    return pulumi.InvokeTransformResult(args={**args.args, 'word': args.args['word'] + '!'}, opts=args.opts)\n"
        "pulumi.runtime.register_invoke_transform(longer)\n"
        "pulumi.export('letters', pulumi.runtime.invoke_output('books:index:letters', {'word': 'four'}).apply(lambda it: it['letters']))\n"
    )
    up(library, program)
    assert json.loads(library.call("stack", "output", "--json", "--stack", "dev").stdout) == {"letters": 5}
