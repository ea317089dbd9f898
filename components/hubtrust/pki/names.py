"""Distinguished names: compared as certification paths compare them, and shown in messages (RFC 5280 7.1, RFC 4518).

OpenSSL folds the case of ASCII letters and its six characters of white space; RFC 5280 7.1 those of all letters. Where a difference keeps
devices from connecting, names are the same only if they are for OpenSSL; where it would let one in, if they are for either.
"""

import re
import string
import unicodedata
from collections.abc import Callable

from cryptography import x509
from cryptography.x509.oid import NameOID

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_WHITE_SPACE = re.compile(r"[ \t\n\v\f\r]+")
Comparable = tuple[frozenset[tuple[str, str | bytes]], ...]


def same_name(one: x509.Name, other: x509.Name) -> bool:
    """Whether both are the same name for OpenSSL: string types, upper and lower case in ASCII, and repeated white space don't matter."""
    return comparable(one) == comparable(other)


def comparable(name: x509.Name) -> Comparable:
    """What is equal for two names that are the same (see ``same_name``): a key for dictionaries."""
    return _comparable(name, _as_openssl_does)


def is_within(name: x509.Name, base: x509.Name, *, excluding: bool) -> bool:
    """Whether ``name`` is ``base``, or below it (RFC 5280 4.2.1.10).

    In a permitted subtree only ASCII letters are the same in both cases, as OpenSSL has it; in an excluded one all letters are.
    """
    prepare = _folded if excluding else _as_openssl_does
    prefix = _comparable(base, prepare)
    return _comparable(name, prepare)[: len(prefix)] == prefix


def common_names(name: x509.Name) -> list[str]:
    """Every common name in ``name``."""
    return [str(attribute.value) for attribute in name.get_attributes_for_oid(NameOID.COMMON_NAME)]


def common_name(name: x509.Name) -> str:
    """The last common name in ``name``; empty if it has none."""
    return (common_names(name) or [""])[-1]


def prepared(text: str) -> str:
    """``text`` as names are compared: folded case, one space in place of white space, without characters that nobody sees (RFC 4518 2)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    seen = (" " if char.isspace() or unicodedata.category(char) == "Cc" else char for char in folded if unicodedata.category(char) != "Cf")
    return " ".join("".join(seen).split())


def _folded(attribute: x509.NameAttribute[str | bytes]) -> str | bytes:
    return prepared(attribute.value) if isinstance(attribute.value, str) else attribute.value


def _as_openssl_does(attribute: x509.NameAttribute[str | bytes]) -> str | bytes:
    """A NumericString is compared as it is, and only with others."""
    if not isinstance(attribute.value, str):
        return attribute.value
    if attribute._type.name == "NumericString":  # noqa: SLF001 - the only place where cryptography keeps the type
        return attribute.value.encode()
    return " ".join(filter(None, _WHITE_SPACE.split(attribute.value.translate(_LOWER))))


def _comparable(name: x509.Name, prepare: Callable[[x509.NameAttribute[str | bytes]], str | bytes]) -> Comparable:
    return tuple(frozenset((part.oid.dotted_string, prepare(part)) for part in rdn) for rdn in name.rdns)
