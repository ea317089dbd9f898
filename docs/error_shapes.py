"""The errors of this project as the code raises them: each one's class, and its message with … where a value stands.

Read from the syntax trees of the sources; nothing is imported and nothing is run. A message that a variable holds is followed to the
assignments of that variable within its function, so each branch is a message of its own. What another function returns is `…`.
"""

from __future__ import annotations

import ast
import gc
import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

VALUE = "…"
_MOST = 6  # ways to say one part; of more, each is taken as a value
_DEEPEST = 4  # assignments of assignments
_VALUES = re.compile(f"{VALUE}{{2,}}")
_CLASS = re.compile(r"^class (\w+)\(([^)]*)\)", re.MULTILINE)
_WORDS = re.compile(r"[A-Za-z]{3,}")


@dataclass(frozen=True, order=True)
class Shape:
    """One message of the class ``kind``. ``what`` is empty where the class has one text and not three parts."""

    kind: str
    what: str
    fact: str
    remedy: str

    @property
    def message(self) -> str:
        """What is shown before the remedy."""
        return f"{self.what}: {self.fact}" if self.what else self.fact


@dataclass(frozen=True)
class Kind:
    """A class of errors, and the first sentence of its docstring."""

    name: str
    bases: tuple[str, ...]
    meaning: str


@dataclass
class Sources:
    """The Python files below some folders."""

    folders: tuple[Path, ...]
    roots: Mapping[str, int]
    """The classes from which errors come, or functions that make them, and how many texts each takes."""
    separator: str = "; "
    """What stands before the remedy, where there is one text."""
    yields: bool = False
    """Whether the messages are what functions yield, as the rules of the policy pack do; then the class is the module."""

    @cached_property
    def trees(self) -> dict[Path, ast.Module]:
        """The syntax tree of each file that makes or defines an error of these; to read all files takes seconds."""
        files = [file for each in self.folders for file in ([each] if each.is_file() else sorted(each.rglob("*.py")))]
        texts = {file: file.read_text(encoding="utf-8") for file in files}
        named = re.compile(rf"\b({'|'.join(map(re.escape, self._names(texts.values())))})\(")
        gc.disable()  # CPython 3.11 fails if a collection in `parse` lets another thread parse: github.com/python/cpython/issues/106905
        try:
            return {file: ast.parse(text) for file, text in texts.items() if self.yields or named.search(text)}
        finally:
            gc.enable()

    def _names(self, texts: Iterable[str]) -> list[str]:
        """The classes that come from a root, as far as a pattern sees it, and the roots."""
        bases = {name: re.findall(r"\w+", of_it) for text in texts for name, of_it in _CLASS.findall(text)}
        found = set(self.roots)
        while more := {name for name, of_it in bases.items() if name not in found and found.intersection(of_it)}:
            found |= more
        return sorted(found)

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """Each class that comes from a root, by its name; with ``yields``, each module."""
        if self.yields:
            return {file.stem: Kind(file.stem, (), _meaning(tree)) for file, tree in self.trees.items()}
        found = {}
        for tree in self.trees.values():
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    bases = tuple(ast.unparse(base).rpartition(".")[2] for base in node.bases)
                    found[node.name] = Kind(node.name, bases, _meaning(node))
        return {name: kind for name, kind in found.items() if self._texts(name, found)}

    @cached_property
    def _counts(self) -> dict[str, int]:
        return {name: self._texts(name, self.kinds) for name in self.kinds}

    def _texts(self, name: str, found: Mapping[str, Kind]) -> int:
        """How many texts an error of this class takes; 0: it is none."""
        if name in self.roots:
            return self.roots[name]
        return max((self._texts(base, found) for base in found[name].bases), default=0) if name in found else 0

    def shapes(self) -> list[Shape]:
        """Every message, once, in an order that does not depend on where it stands."""
        found = {shape for file, tree in self.trees.items() for scope in _scopes(tree) for shape in self._of(file, scope)}
        return sorted(shape for shape in found if _WORDS.search(shape.fact))

    def _of(self, file: Path, scope: Scope) -> Iterator[Shape]:
        for node, place in scope.found:
            if isinstance(node, ast.Yield):
                yield from self._yielded(file.stem, node, scope, place) if self.yields else ()
            elif not (node.keywords or any(isinstance(each, ast.Starred) for each in node.args)):
                yield from self._made(node, scope, place)

    def _made(self, call: ast.Call, scope: Scope, place: Place) -> Iterator[Shape]:
        called = _called(call.func)
        name = called if called in self.roots else called.rpartition(".")[2]
        texts = self._counts.get(name, self.roots.get(name, 0))
        if len(call.args) == texts == 3:  # noqa: PLR2004 - what, fact, remedy
            yield from (Shape(name, *each) for each in product(*(scope.said(each, place) for each in call.args)))
        elif texts == 1 and call.args:
            yield from (self._one(name, each) for each in scope.said(call.args[0], place))

    def _yielded(self, name: str, node: ast.Yield, scope: Scope, place: Place) -> Iterator[Shape]:
        value = node.value.elts[0] if isinstance(node.value, ast.Tuple) and node.value.elts else node.value
        if isinstance(value, ast.Constant | ast.JoinedStr):
            yield from (self._one(name, each) for each in scope.said(value, place) if self.separator in each)

    def _one(self, name: str, text: str) -> Shape:
        fact, _, remedy = text.rpartition(self.separator)
        return Shape(name, "", fact, remedy) if fact else Shape(name, "", text, "")


def _called(node: ast.expr) -> str:
    """The name of what is called, with the one before its dot."""
    match node:
        case ast.Name(id=name) | ast.Attribute(value=ast.Call(), attr=name):
            return name
        case ast.Attribute(value=ast.Name(id=before), attr=name):
            return f"{before}.{name}"
        case ast.Attribute(attr=name):
            return name
    return ""


def _meaning(node: ast.ClassDef | ast.Module) -> str:
    """The first paragraph of its docstring."""
    return " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())


@dataclass(frozen=True)
class Place:
    """A line of a function, and the blocks around it, outermost first."""

    line: int
    blocks: tuple[int, ...]
    ends: bool = False  # whether its own block leaves the function or the loop


@dataclass
class Scope:
    """A function or a module: its calls and yields, and what it assigns to names. Names that it does not assign are the module's."""

    module: Scope | None = None
    found: list[tuple[ast.Call | ast.Yield, Place]] = field(default_factory=list)
    assigned: dict[str, list[tuple[ast.expr, Place]]] = field(default_factory=dict)

    def said(self, node: ast.expr, place: Place, depth: int = 0) -> list[str]:
        """The texts that an expression may be, at most ``_MOST``; a value that is not known here is …."""
        found = dict.fromkeys(self._texts(node, place, depth)) if depth < _DEEPEST else {}
        return list(found) if 0 < len(found) <= _MOST else [VALUE]

    def _texts(self, node: ast.expr, place: Place, depth: int) -> list[str]:  # noqa: PLR0911 - one for each kind of expression
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.FormattedValue(value=value):
                return [str(value.value)] if isinstance(value, ast.Constant) else self.said(value, place, depth)
            case ast.JoinedStr(values=values):
                return _joined([self.said(each, place, depth) for each in values])
            case ast.BinOp(left=left, op=ast.Add(), right=right) if not any(
                isinstance(each, ast.Constant) and isinstance(each.value, int) for each in (left, right)
            ):
                return _joined([self.said(left, place, depth), self.said(right, place, depth)])
            case ast.IfExp(body=body, orelse=orelse):
                return [*self.said(body, place, depth), *self.said(orelse, place, depth)]
            case ast.Name(id=name) if name in self.assigned:
                reaching = _reaching(self.assigned[name], place)
                return [text for value, at in reaching for text in self.said(value, at, depth + 1)]
            case ast.Name(id=name) if self.module and len(self.module.assigned.get(name, ())) == 1:
                return self.module.said(*self.module.assigned[name][0], depth + 1)
        return [VALUE]


def _joined(parts: list[list[str]]) -> list[str]:
    ways = prod(len(part) for part in parts)
    return [
        _VALUES.sub(VALUE, "".join(each)) for each in product(*(part if ways <= _MOST or len(part) == 1 else [VALUE] for part in parts))
    ]


def _reaching(assignments: list[tuple[ast.expr, Place]], place: Place) -> list[tuple[ast.expr, Place]]:
    """The assignments that may hold at a place: the last one that always ran before it, and later ones of branches that go on."""
    before = [(value, at) for value, at in assignments if at.line < place.line]
    certain = [at.line for _, at in before if at.blocks == place.blocks[: len(at.blocks)]]
    last = max(certain, default=0)
    return [(value, at) for value, at in before if at.line == last or (at.line > last and not at.ends)]


def _scopes(tree: ast.Module) -> Iterator[Scope]:
    module = Scope()
    scopes = [module]
    _read(tree.body, module, scopes, ())
    yield from scopes


def _read(block: list[ast.stmt], scope: Scope, scopes: list[Scope], outer: tuple[int, ...]) -> None:
    """Put a block's calls and assignments into its scope, and each function within it into a scope of its own."""
    blocks = (*outer, id(block))
    ends = isinstance(block[-1], ast.Raise | ast.Return | ast.Continue | ast.Break) if block else False
    for each in block:
        place = Place(each.lineno, blocks, ends)
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            scopes.append(Scope(scopes[0]))
            _read(each.body, scopes[-1], scopes, ())
            continue
        if isinstance(each, ast.Assign):
            _assign(each, scope, place)
        for inner in _blocks_of(each):
            _read(inner, scope, scopes, blocks)
        scope.found.extend((node, place) for node in _outside_blocks(each) if isinstance(node, ast.Call | ast.Yield))


def _blocks_of(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for within in (node, *getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        for name in ("body", "orelse", "finalbody"):
            if isinstance(found := getattr(within, name, None), list) and found:
                yield found


def _outside_blocks(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is in it, without the statements within it."""
    yield node
    for inner in ast.iter_child_nodes(node):
        if not isinstance(inner, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _outside_blocks(inner)


def _assign(node: ast.Assign, scope: Scope, place: Place) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            scope.assigned.setdefault(target.id, []).append((node.value, place))
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            for each, value in zip(target.elts, node.value.elts, strict=False):
                if isinstance(each, ast.Name):
                    scope.assigned.setdefault(each.id, []).append((value, place))
