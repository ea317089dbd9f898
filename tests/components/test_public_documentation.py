"""Everything that a program can name is documented in the source, where editors look: classes, attributes, arguments, functions."""

import ast
import inspect
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hubtrust

_NEEDS_NONE = {"self", "cls"}


@pytest.mark.parametrize("name", hubtrust.__all__)
def test_a_public_name_is_documented(name: str) -> None:
    """The name, and everything public that it has."""
    public = getattr(hubtrust, name)
    functions = vars(public).items() if isinstance(public, types.ModuleType) else [(name, public)]
    missing = [each for named, one in functions if _is_ours(one) and not named.startswith("_") for each in _undocumented(one)]
    assert missing == []


def _is_ours(one: object) -> bool:
    return (inspect.isclass(one) or inspect.isfunction(one)) and one.__module__.startswith("hubtrust")


def _undocumented(one: Any) -> Iterator[str]:
    """What of a class or function has no documentation."""
    if not inspect.getdoc(one):
        yield one.__qualname__
    if inspect.isclass(one):
        yield from _undocumented_in_class(one)
    else:
        yield from _undocumented_arguments(one)


def _undocumented_in_class(cls: type) -> Iterator[str]:
    written = [_class_body(base) for base in cls.__mro__ if base.__module__.startswith("hubtrust")]
    documented = {name for body in written for name in _attributes(body, with_docstring=True)}
    named = {name for body in written for name in (*_attributes(body), *_assigned(body))}
    inherited = {name for base in cls.__mro__ if not base.__module__.startswith("hubtrust") for name in dir(base)}
    yield from (f"{cls.__name__}.{name}" for name in sorted(named - documented - inherited) if not name.startswith("_"))
    for name, member in vars(cls).items():
        function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if name == "__init__" and "__dataclass_fields__" not in vars(cls):
            yield from _undocumented_arguments(function)
        elif not name.startswith("_") and isinstance(function, types.FunctionType | property) and not function.__doc__:
            yield f"{cls.__name__}.{name}"


def _undocumented_arguments(function: Any) -> Iterator[str]:
    """The arguments that are not in the section Args of the docstring in the source, or for which editors would show another line.

    Pyright shows the first line that has the argument's name and a colon, so `name` is to come before `resource_name`.
    """
    (found,) = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body
    assert isinstance(found, ast.FunctionDef)
    lines = (ast.get_docstring(found) or "").splitlines()
    in_section = lines[lines.index("Args:") :] if "Args:" in lines else []
    arguments = found.args
    for name in (one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)):
        shown = next((line for line in lines if f"{name}: " in line or f"{name} (" in line), "")
        if name not in _NEEDS_NONE and not (shown in in_section and shown.startswith(f"    {name}: ")):
            yield f"{function.__qualname__}({name}): {shown}"


def _class_body(cls: type) -> list[ast.stmt]:
    tree = ast.parse(Path(inspect.getfile(cls)).read_text(encoding="utf-8"))
    return next(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == cls.__name__)


def _attributes(body: list[ast.stmt], *, with_docstring: bool = False) -> Iterator[str]:
    """The attributes that a class declares; those with a text below them, if ``with_docstring``."""
    for statement, below in zip(body, [*body[1:], None], strict=True):
        target = statement.target if isinstance(statement, ast.AnnAssign) else None
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]  # type: ignore[assignment]
        has_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
        if isinstance(target, ast.Name) and (has_text or not with_docstring):
            yield target.id


def _assigned(body: list[ast.stmt]) -> Iterator[str]:
    """The attributes that methods give to the object."""
    for node in (inner for statement in body if isinstance(statement, ast.FunctionDef) for inner in ast.walk(statement)):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        ):
            yield node.attr
