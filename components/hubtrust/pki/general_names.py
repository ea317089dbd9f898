"""Names in alternative names and in name constraints (RFC 5280 4.2.1.6, 4.2.1.10), read one by one: an odd one spoils no other."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from cryptography import x509

from hubtrust.pki import carrier, der, name_strings
from hubtrust.pki.errors import DerError

_PRIMITIVE, _CONSTRUCTED, _KIND = 0x80, 0xA0, 0x1F  # context-specific tags
_PERMITTED, _EXCLUDED = 0xA0, 0xA1  # [0] and [1] of NameConstraints


class Form(IntEnum):
    """The forms of names; the values are the tags of GeneralName."""

    OTHER = 0
    MAILBOX = 1
    HOST = 2
    X400_ADDRESS = 3
    DIRECTORY = 4
    EDI_PARTY = 5
    URI = 6
    ADDRESS = 7
    REGISTERED = 8


_NETWORKS = (8, 32)  # octets of an address and its mask
_TEXTS = (Form.MAILBOX, Form.HOST, Form.URI)
_STRUCTURES = (Form.OTHER, Form.X400_ADDRESS, Form.DIRECTORY, Form.EDI_PARTY)
_SHOWN = {
    Form.OTHER: "an otherName",
    Form.X400_ADDRESS: "an x400Address",
    Form.EDI_PARTY: "an ediPartyName",
    Form.REGISTERED: "a registeredID",
}


@dataclass(frozen=True, slots=True)
class GeneralName:
    """One name. Texts are Latin-1, addresses are octets (in constraints with their mask); a value that can't be compared is None."""

    form: Form
    value: str | bytes | x509.Name | None

    def __str__(self) -> str:
        """As errors show it."""
        if isinstance(self.value, x509.Name):
            return f"'{self.value.rfc4514_string()}'"
        if isinstance(self.value, bytes):
            return f"'{_address(self.value)}'"
        return f"'{self.value}'" if self.value is not None else _SHOWN.get(self.form, "that can't be read")


@dataclass(frozen=True, slots=True)
class Subtree:
    """Names at or below ``base``. RFC 5280 4.2.1.10 allows no ``distance``, a minimum or a maximum."""

    base: GeneralName
    distance: bool

    @property
    def is_comparable(self) -> bool:
        """Whether a name can be compared with it."""
        of_networks = self.base.form is not Form.ADDRESS or len(self.base.value or b"") in _NETWORKS
        return self.base.value is not None and of_networks


@dataclass(frozen=True, slots=True)
class Constraints:
    """What an authority permits and excludes (RFC 5280 4.2.1.10)."""

    permitted: tuple[Subtree, ...]
    excluded: tuple[Subtree, ...]


def host(text: str) -> GeneralName:
    """A dNSName."""
    return GeneralName(Form.HOST, text)


def mailbox(text: str) -> GeneralName:
    """An rfc822Name."""
    return GeneralName(Form.MAILBOX, text)


def directory(name: x509.Name) -> GeneralName:
    """A directoryName."""
    return GeneralName(Form.DIRECTORY, name)


def alternative_names(value: bytes) -> list[GeneralName]:
    """The names in the value of a subjectAltName.

    Raises:
        DerError: it is no list of names.
    """
    return [_name(element) for element in _sequence(der.only_element(value))]


def constraints(value: bytes) -> Constraints:
    """The value of nameConstraints; it may be empty.

    Raises:
        DerError: it is malformed.
    """
    lists = {part.tag: part for part in _sequence(der.only_element(value))}
    if not lists.keys() <= {_PERMITTED, _EXCLUDED}:
        raise DerError("it has something else than permitted and excluded subtrees")
    permitted, excluded = (tuple(map(_subtree, lists[tag].elements())) if tag in lists else () for tag in (_PERMITTED, _EXCLUDED))
    return Constraints(permitted, excluded)


def _subtree(element: der.Element) -> Subtree:
    base, *distances = _sequence(element) or [der.Element(0, b"", b"")]
    minimum_is_0 = [one.tag for one in distances] == [_PRIMITIVE] and not any(distances[0].content)
    return Subtree(_name(base), bool(distances) and not minimum_is_0)


def _sequence(element: der.Element) -> Sequence[der.Element]:
    if element.tag != der.SEQUENCE:
        raise DerError("it has not the structure of RFC 5280")
    return element.elements()


def _name(element: der.Element) -> GeneralName:
    kind, place = element.tag & ~_KIND, element.tag & _KIND
    if kind not in (_PRIMITIVE, _CONSTRUCTED) or place > max(Form) or (kind == _PRIMITIVE and place in _STRUCTURES):
        raise DerError(f"it has a name with the tag {element.tag:#04x}, which no form of names has")
    form = Form(place)
    if form is Form.DIRECTORY:
        return GeneralName(form, _directory(element))
    if form in _STRUCTURES:
        element.elements()  # raises if it is not DER
        return GeneralName(form, None)
    if kind == _CONSTRUCTED or form is Form.REGISTERED:
        return GeneralName(form, None)
    return GeneralName(form, element.content.decode("latin-1") if form in _TEXTS else element.content)


def _directory(element: der.Element) -> x509.Name | None:
    parts = element.elements()
    if [part.tag for part in parts] != [der.SEQUENCE]:
        raise DerError("a directoryName in it is not a name")
    if flaw := name_strings.unreadable_value(parts[0]):
        raise DerError(f"a directoryName in it has {flaw}")
    try:
        return carrier.decoded_name(parts[0].encoding)
    except DerError:
        return None


def _address(octets: bytes) -> str:
    half = len(octets) // 2
    if len(octets) in (4, 16):
        return str(ipaddress.ip_address(octets))
    if len(octets) in (8, 32):
        return f"{ipaddress.ip_address(octets[:half])}/{ipaddress.ip_address(octets[half:])}"
    return octets.hex()
