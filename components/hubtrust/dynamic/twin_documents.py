"""Tags and desired properties of a twin as a resource's inputs: JSON texts, because Pulumi would rewrite some of their names."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pulumi

from hubtrust.devices.description import require_desired, require_tags
from hubtrust.devices.json_values import kind, parse
from hubtrust.inputs import Properties
from hubtrust.known_values import when_known
from hubtrust.program_errors import ProgramError
from hubtrust.reconcile_errors import DeclarationError

Document = pulumi.Input[Mapping[str, Any]]  # an object of names and values, each of which may be an Output; or its JSON text
_REQUIRED: Mapping[str, Callable[[object], None]] = {"tags": require_tags, "desired": require_desired}


class DocumentError(ProgramError):
    """Tags or desired properties are not an object that a twin can hold."""


_LARGEST_WHOLE = 2**53  # a float beyond may not be the number that was written


def document_text(name: str, document: Document | None) -> pulumi.Output[str] | None:
    """The JSON text of the `tags` or `desired` properties ``document``. If any part of it is a secret or unknown, so is the text.

    Raises:
        DocumentError: a twin can't hold it (``require_document``). Where a part is an Output, the text's Output raises it.
    """
    if document is None:
        return None
    with DocumentError.told():
        unwrapped = _with_text_names(name, document)
    return when_known(DocumentError, lambda known: _text(name, known), unwrapped)


def _text(name: str, document: Any) -> Any:
    if document is None:
        return None
    plain = parse(document, what=name) if isinstance(document, str) else _with_text_names(name, document)
    _REQUIRED[name](plain)
    return json.dumps(plain)


def _with_text_names(what: str, value: Any) -> Any:
    """``value`` with dicts and lists in place of other collections: Pulumi looks for Outputs only in those, and only below texts."""
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str | int) or isinstance(name, bool):
                raise DeclarationError(what, f"a name in it is {kind(name)}", "use texts as names")
        return {str(name): _with_text_names(what, part) for name, part in value.items()}
    return [_with_text_names(what, part) for part in value] if isinstance(value, list | tuple) else value


def read_tags(text: object) -> Mapping[str, Any]:
    """The tags that ``document_text`` wrote.

    Raises:
        DeclarationError: it is no JSON text, or a twin can't hold them.
    """
    found: Mapping[str, Any] = _parsed(text)
    require_tags(found)
    return found


def read_desired(text: object) -> Mapping[str, Any]:
    """The desired properties that ``document_text`` wrote.

    Raises:
        DeclarationError: as for ``read_tags``.
    """
    found: Mapping[str, Any] = _parsed(text)
    require_desired(found)
    return found


def as_text(document: Mapping[str, Any]) -> str:
    """The JSON text of ``document``, an object as a plugin gets it: without an order, and every number a float."""
    return json.dumps(_whole_numbers(document), sort_keys=True)


def _whole_numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _whole_numbers(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= _LARGEST_WHOLE else value


def recorded_documents(olds: Properties) -> dict[str, Mapping[str, Any]]:
    """The tags and desired properties in old outputs, by the names of the outputs. They are what was found, so they are not validated."""
    found = {name: parse(str(olds[name]), what=name) for name in _REQUIRED if olds.get(name) is not None}
    return {name: value if isinstance(value, Mapping) else {} for name, value in found.items()}


def managed_text(held: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The members ``names`` of what a twin holds, as an output; null in place of those that others removed."""
    return json.dumps({name: held.get(name) for name in names}) if names else None


def _parsed(text: object) -> Any:
    if not isinstance(text, str):
        raise DeclarationError("value", f"it is {kind(text)}", "give an object as JSON text")
    return parse(text, what="value")
