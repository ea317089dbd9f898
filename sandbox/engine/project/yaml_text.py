"""YAML as Pulumi's CLI reads and writes it; edits keep the comments, order and layout of the rest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_Entry = tuple[yaml.Node, yaml.Node]
_NUMBER_STARTS = list("-+.0123456789")


class YamlError(ValueError):
    """The text is not YAML, or can't be edited; the message names the place."""


class _Loader(yaml.SafeLoader):
    """The scalars of go-yaml v3: only true and false are booleans, and dates stay text."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML reads a loader's resolvers from here


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)$"), _NUMBER_STARTS
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$"),
    _NUMBER_STARTS,
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^(?:<<)$"), ["<"])


def _construct_int(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    digits = text.lstrip("+-")
    old_octal = len(digits) > 1 and digits.isdecimal() and digits.startswith("0") and not set(digits) & {"8", "9"}
    size = int(digits, 8 if old_octal else 10 if digits.isdecimal() else 0)
    return -size if text.startswith("-") else size


def _construct_float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    return float(str(loader.construct_scalar(node)).replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _construct_float)


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's signature
        super().increase_indent(flow, indentless=False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    odd = any(char in text for char in "\r\x85\u2028\u2029\ufeff") or _reads_as_something_else(dumper, text)
    style = '"' if odd else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _reads_as_something_else(dumper: yaml.SafeDumper, text: str) -> bool:
    """Whether a YAML 1.1 reader, or this one, reads a text as a number, boolean, null or date."""
    tag = "tag:yaml.org,2002:str"
    if dumper.resolve(yaml.ScalarNode, text, (True, False)) != tag:  # type: ignore[no-untyped-call]
        return True
    return any(pattern.match(text) for start in (text[:1], "") for _, pattern in _Loader.yaml_implicit_resolvers.get(start, []))


_Dumper.add_representer(str, _represent_text)


def parse_yaml(text: str) -> Any:
    """The document in a text, as plain Python values; None if it is empty.

    Raises:
        YamlError: the text is not YAML.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with fewer resolvers
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from None


def dump_yaml(value: Any) -> str:
    """A value as block YAML with two-space indentation, keys in the order they have."""
    text: str = yaml.dump(value, Dumper=_Dumper, default_flow_style=False, sort_keys=False, allow_unicode=True, width=2**31)
    return text


def with_entry(text: str, path: Sequence[str], value: Any) -> str:
    """The text with the entry at `path` (one or two keys deep) set; every other line stays as it is where YAML allows.

    Raises:
        YamlError: the text is no YAML mapping.
    """
    wanted = _mapping(text)
    holder = wanted
    for key in path[:-1]:
        if not isinstance(holder.get(key), dict):
            holder[key] = {}
        holder = holder[key]
    holder[path[-1]] = value
    return _checked(_set(text, path, value, wanted), wanted)


def without_entry(text: str, path: Sequence[str]) -> str:
    """The text without the entry at `path`; a section that held only this entry goes too.

    Raises:
        YamlError: the text is no YAML mapping.
    """
    wanted = _mapping(text)
    section = wanted.get(path[0])
    if len(path) > 1:
        if not isinstance(section, dict) or path[1] not in section:
            return text
        del section[path[1]]
        if not section:
            return without_entry(text, path[:1])
    elif path[0] in wanted:
        del wanted[path[0]]
    else:
        return text
    found = _find(text, path)
    if found is None:
        # It comes from an anchor or a merge: only a rewrite can remove it.
        return _checked("", wanted)
    key, value = found
    lines = _lines(text)
    del lines[_line_of(text, key.start_mark) : _last_line(text, value) + 1]
    return _checked("".join(lines), wanted)


def _mapping(text: str) -> dict[str, Any]:
    found = parse_yaml(text)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise YamlError(f"expected a mapping at the top, found {type(found).__name__}")
    return found


def _checked(text: str, wanted: Mapping[str, Any]) -> str:
    """The edited text if it parses to the expected value; otherwise (flow style, anchors) the whole text is rewritten."""
    try:
        if parse_yaml(text) == (wanted or None):
            return text
    except YamlError:
        pass
    return dump_yaml(wanted) if wanted else ""


def _set(text: str, path: Sequence[str], value: Any, wanted: Mapping[str, Any]) -> str:
    found = _find(text, path)
    if found is not None:
        return _replace(text, found, {path[-1]: value})
    if len(path) > 1:
        section = _find(text, path[:1])
        if section is not None:
            _, body = section
            if isinstance(body, yaml.MappingNode) and body.value and not body.flow_style:
                return _insert(text, body, {path[-1]: value})
            return _replace(text, section, {path[0]: wanted[path[0]]})
    if text and not text.endswith("\n"):
        text += "\n"
    return text + dump_yaml({path[0]: wanted[path[0]]})


def _find(text: str, path: Sequence[str]) -> _Entry | None:
    """(key node, value node) of an entry, or None."""
    node = yaml.compose(text, Loader=_Loader)
    found = None
    for key in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next((pair for pair in pairs if pair[0].value == key), None)
        if found is None:
            return None
        node = found[1]
    return found


def _replace(text: str, found: _Entry, entry: Mapping[str, Any]) -> str:
    key, value = found
    dumped = dump_yaml(entry)
    name_line = text[key.start_mark.index : value.start_mark.index]
    one_line = isinstance(value, yaml.ScalarNode) and value.start_mark.line == value.end_mark.line == key.start_mark.line
    if one_line and dumped.count("\n") == 1 and ":" in name_line:
        fresh = dump_yaml({"k": next(iter(entry.values()))}).removeprefix("k:").strip()
        return text[: value.start_mark.index] + fresh + text[value.end_mark.index :]
    lines = _lines(text)
    lines[_line_of(text, key.start_mark) : _last_line(text, value) + 1] = _indented(dumped, key.start_mark.column)
    return "".join(lines)


def _insert(text: str, section: yaml.MappingNode, entry: Mapping[str, Any]) -> str:
    column = section.value[0][0].start_mark.column
    if not text.endswith("\n"):
        text += "\n"
    lines = _lines(text)
    after = _last_line(text, section) + 1
    lines[after:after] = _indented(dump_yaml(entry), column)
    return "".join(lines)


def _indented(block: str, columns: int) -> list[str]:
    return [(" " * columns + line) if line.strip() else line for line in _lines(block)]


def _lines(text: str) -> list[str]:
    """Lines with their line ends; only a line feed ends a line."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _line_of(text: str, mark: yaml.Mark) -> int:
    return text.count("\n", 0, mark.index)


def _last_line(text: str, node: yaml.Node) -> int:
    """The number of the last line with content of a node: PyYAML puts the end of a block after the comments that follow it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(text, last[1] if isinstance(last, tuple) else last)
    first, line = _line_of(text, node.start_mark), _line_of(text, node.end_mark)
    if node.end_mark.column == 0 and line > first:
        line -= 1
    lines = _lines(text)
    while line > first and not lines[line].strip():
        line -= 1
    return line
