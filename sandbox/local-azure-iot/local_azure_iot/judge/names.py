"""Distinguished names, read whatever their strings hold, compared as OpenSSL compares them, and shown on one line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from local_azure_iot.judge import der

COMMON_NAME = "2.5.4.3"
_MOST_CHARACTERS = 300
# The string types (RFC 5280, 4.1.2.4, and what else OpenSSL reads in names). Teletex is read as Latin-1, as OpenSSL and Windows do.
_ENCODINGS = {
    0x0C: "utf-8", 0x12: "latin-1", 0x13: "latin-1", 0x14: "latin-1", 0x16: "latin-1", 0x1A: "latin-1", 0x1B: "latin-1",
    0x1C: "utf-32-be", 0x1E: "utf-16-be",
}  # fmt: skip
# RFC 4514, 3; other attribute types are shown by their number.
_SHORT = {
    COMMON_NAME: "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O", "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
}  # fmt: skip


@dataclass(frozen=True)
class Attribute:
    """One attribute of a name."""

    kind: str  # its type, as a dotted number
    value: der.Element

    @property
    def text(self) -> str | None:
        """The text of a string; None for values of other types. What its encoding does not allow is shown as U+FFFD."""
        encoding = _ENCODINGS.get(self.value.tag)
        return self.value.content.decode(encoding, "replace") if encoding else None

    @property
    def canonical(self) -> tuple[str, str | bytes]:
        """What is compared: types of strings, case of ASCII letters and surplus white space don't count (RFC 5280, 7.1)."""
        text = self.text
        if text is None:
            return self.kind, self.value.whole
        return self.kind, " ".join("".join(each.lower() if each.isascii() else each for each in text).split())

    def __str__(self) -> str:
        text = self.text
        value = f"#{self.value.whole[:_MOST_CHARACTERS].hex()}" if text is None else escaped(text)
        return f"{_SHORT.get(self.kind, self.kind)}={value}"


@dataclass(frozen=True)
class Name:
    """A distinguished name: relative names, each of one attribute or more."""

    encoded: bytes  # DER
    relative: tuple[tuple[Attribute, ...], ...]

    @classmethod
    def of(cls, element: der.Element, what: str) -> Name:
        """Read a Name; the contents of its strings are not judged.

        Raises:
            MalformedError: it is not a sequence of sets of attributes.
        """
        return cls(
            element.whole,
            tuple(
                tuple(_attribute(each, what) for each in der.inside(relative, der.SET, f"a part of the {what}"))
                for relative in der.inside(element, der.SEQUENCE, f"the {what}")
            ),
        )

    @property
    def common_names(self) -> list[str]:
        """The texts of its common names, in order."""
        found = (each.text for relative in self.relative for each in relative if each.kind == COMMON_NAME)
        return [text for text in found if text is not None]

    @cached_property
    def canonical(self) -> tuple[frozenset[tuple[str, str | bytes]], ...]:
        """What is compared of two names."""
        return tuple(frozenset(each.canonical for each in relative) for relative in self.relative)

    def __str__(self) -> str:
        """The name after RFC 4514, on one line of bounded length; control and hidden characters are escaped."""
        text = ",".join("+".join(map(str, relative)) for relative in reversed(self.relative))
        return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"


def escaped(text: str) -> str:
    """A text of an attribute after RFC 4514, 2.4, cut after 300 characters: what does not print is written as its UTF-8 octets in hex."""
    last = len(text) - 1
    kept = text[:_MOST_CHARACTERS]
    return "".join(_escaped(each, outside=place in {0, last}, begins=place == 0) for place, each in enumerate(kept)) + "…" * (kept != text)


def _escaped(character: str, *, outside: bool, begins: bool) -> str:
    if not character.isprintable():
        return "".join(f"\\{octet:02X}" for octet in character.encode("utf-8", "replace"))
    special = character in '"+,;<>\\' or (character == " " and outside) or (character == "#" and begins)
    return f"\\{character}" if special else character


def _attribute(element: der.Element, what: str) -> Attribute:
    parts = der.inside(element, der.SEQUENCE, f"an attribute of the {what}")
    if len(parts) != 2:  # noqa: PLR2004 - type and value
        raise der.MalformedError(f"an attribute of the {what} has {len(parts)} parts instead of two")
    return Attribute(der.object_identifier(parts[0], f"the type of an attribute of the {what}"), parts[1])
