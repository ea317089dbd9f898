"""What the schema says in words: docstrings of classes, of their attributes and of constructors' arguments, for readers of any language."""

import ast
import inspect
import itertools
import re
import textwrap
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from hubtrust.inputs import wire_name

_ARGUMENT: Final = re.compile(r"^(\w+): (.*)$")
_NAME: Final = re.compile(r"`+([a-z]+(?:_[a-z0-9]+)+)`+")  # a Python name
# What is said for Python alone, in this order. An Input, and what is plain, is in the schema's types.
_WORDS: Final = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"^[Aa]n Input(?:, also each (?:of them|part))?(: |; |\. )", ""),
        (r",? ?(?:each an Input|\(an Input\)|\(Inputs\))", ""),
        (r"(?<=[.:;]) ?Plain\.(?= |$)", ""),
        (r"\(``(?:iothub\.)?Iot(?:Hub|Dps)Resource``\)", "(its `id`)"),
        (r"as its Args or as dicts", "as objects"),
        (r"a TrustedDevice, or an Input with its ``device_scope``", "its `deviceScope`"),
        (r"``HubArgs``", "`ManagedHub`"),
        (r"``ProvisioningServiceArgs``", "`ManagedProvisioningService`"),
        (r"``Import\(proof=…\)``", "`proof` of an imported authority"),
        (r"``InKeyVault\(vault=…\)``", "`vault` of `inKeyVault`"),
        (r": ``signer_inputs\.in_\w+``(?:(?:, | or )``\w+``)*", ""),
        (r": `(?:enrollments_)?from_\w+`.*$", "."),
        (r" \(``enrollments_from_file`` and others\)", ""),
        (r"a ``Request`` has", "the request has"),
        (r"a ``Request``", "a requested authority"),
        (r": see ``chains``", ""),
        (r"None: unless", "Default: it connects, unless"),
        (r"([Dd]efault: )``name``", r"\1the resource's name"),
        (r"(^|\. )None: ", r"\1Default: "),
        (r"; None: ", "; default: "),
        (r"(plain|resolves to|may be) None", r"\1 null"),
        (r"\. None\b", ". Not set"),
        (r"\bNone\b(?! or Device)", "not set"),  # `None` of Azure's capabilities stays
        (r"\bTrue\b", "`true`"),
        (r"\bFalse\b", "`false`"),
    )
)


def adapted(text: str) -> str:
    """``text`` for readers of other languages: their names, and nothing that holds for Python alone."""
    found = " ".join(text.split())
    for pattern, by in _WORDS:
        found = pattern.sub(by, found)
    found = _NAME.sub(lambda match: f"`{wire_name(match[1])}`", found).replace("``", "`").strip()
    return found[:1].upper() + found[1:]


def of_class(kind: type) -> str:
    """A class's docstring."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(kind.__doc__ or ""))
    return "\n\n".join(adapted(one) for one in paragraphs)


@cache
def of_arguments(constructor: Any) -> Mapping[str, str]:
    """What a docstring's section `Args` says, by the argument's name in Python."""
    text = inspect.cleandoc(constructor.__doc__ or "").partition("Args:\n")[2]
    section = re.split(r"\n\n\S|\n\n$", text)[0].partition("\nRaises:")[0]
    found, name = dict[str, str](), ""
    for line in textwrap.dedent(section).splitlines():
        if (match := _ARGUMENT.match(line)) is not None:
            name, found[match[1]] = match[1], match[2]
        elif name and line.startswith(" "):
            found[name] += f" {line.strip()}"
    return {name: adapted(said) for name, said in found.items()}


@cache
def of_attributes(kind: Any) -> Mapping[str, str]:
    """The docstrings of a class's attributes and of its bases' that are ours, by their names in Python."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if one.__module__.startswith("hubtrust"):
            found |= _own_attributes(one)
    return found


def _own_attributes(kind: type) -> dict[str, str]:
    body = next(node for node in ast.parse(textwrap.dedent(inspect.getsource(kind))).body if isinstance(node, ast.ClassDef)).body
    found = {}
    for node, after in itertools.pairwise(body):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
        if not is_text:
            continue
        said = adapted(str(after.value.value))  # type: ignore[attr-defined] # `is_text` says so
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = said
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = said
    return found
