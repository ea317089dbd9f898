"""Distinguished names, whatever their strings hold: compared after RFC 5280, 7.1, and shown on one line."""

from __future__ import annotations

from functools import cached_property

from . import der

_LONGEST = 200  # characters of a name in a message
# The string types; Teletex is read as Latin-1, as OpenSSL and Windows do.
_ENCODINGS = {
    0x0C: "utf-8", 0x12: "latin-1", 0x13: "latin-1", 0x14: "latin-1", 0x16: "latin-1", 0x1A: "latin-1",
    0x1C: "utf-32-be", 0x1E: "utf-16-be",
}  # fmt: skip
_COMMON_NAME = "2.5.4.3"
_SHORT = {  # RFC 4514, 3; other attribute types are shown by their number
    _COMMON_NAME: "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O", "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
}  # fmt: skip


class Name:
    """A distinguished name: relative names, each of pairs of an attribute's type and its value."""

    def __init__(self, element: der.Element) -> None:
        """Read it; what its strings hold is not judged.

        Raises:
            ValueError: it is not a sequence of sets of attributes.
        """
        self._relative = [[_attribute(each) for each in der.inside(part, der.SET)] for part in der.inside(element, der.SEQUENCE)]

    @property
    def is_empty(self) -> bool:
        """Whether it has no attribute."""
        return not any(self._relative)

    @cached_property
    def canonical(self) -> tuple[frozenset[tuple[str, str | bytes]], ...]:
        """What is compared: types of strings, case and surplus white space don't count."""
        return tuple(frozenset((kind, _folded(value)) for kind, value in part) for part in self._relative)

    @property
    def common_names(self) -> list[str]:
        """Each common name, letter by letter; one that is no text is an empty string."""
        return [_text(value) or "" for part in self._relative for kind, value in part if kind == _COMMON_NAME]

    def __str__(self) -> str:
        """The name after RFC 4514, bounded; characters that don't print are shown as their UTF-8 octets in hex."""
        parts = ("+".join(f"{_SHORT.get(kind, kind)}={_shown(value)}" for kind, value in part) for part in reversed(self._relative))
        text = ",".join(parts)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _attribute(element: der.Element) -> tuple[str, der.Element]:
    kind, value = der.inside(element, der.SEQUENCE)  # too few or too many are a ValueError
    return der.identifier(kind), value


def _text(value: der.Element) -> str | None:
    encoding = _ENCODINGS.get(value.tag)
    return value.content.decode(encoding, "replace") if encoding else None


def _folded(value: der.Element) -> str | bytes:
    text = _text(value)
    return value.whole if text is None else " ".join(text.casefold().split())


def _shown(value: der.Element) -> str:
    text = _text(value)
    if text is None:
        return f"#{value.whole[:_LONGEST].hex()}"
    return "".join(_character(each) for each in text[: _LONGEST + 1])


def _character(character: str) -> str:
    if not character.isprintable():
        return "".join(f"\\{octet:02X}" for octet in character.encode("utf-8", "replace"))
    return f"\\{character}" if character in '"+,;<>\\' else character
