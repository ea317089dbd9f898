"""Distinguished names: compared as certification paths compare them, and shown in messages (RFC 5280 7.1, RFC 4518)."""

import string
import unicodedata
from collections.abc import Callable

from cryptography import x509
from cryptography.x509.oid import NameOID

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
Comparable = tuple[frozenset[tuple[str, str | bytes]], ...]


def same_name(one: x509.Name, other: x509.Name) -> bool:
    """Whether both are the same name: string types, upper and lower case, and repeated white space make no difference."""
    return one == other or comparable(one) == comparable(other)


def comparable(name: x509.Name) -> Comparable:
    """What is equal for two names that are the same (see ``same_name``): a key for dictionaries."""
    return _comparable(name, prepared)


def is_within(name: x509.Name, base: x509.Name, *, excluding: bool) -> bool:
    """Whether ``name`` is ``base``, or below it (RFC 5280 4.2.1.10).

    In a permitted subtree only ASCII letters are the same in both cases, as OpenSSL has it; in an excluded one all letters are.
    """
    prepare = prepared if excluding else _prepared_as_openssl_does
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


def _prepared_as_openssl_does(text: str) -> str:
    return " ".join(text.translate(_LOWER).split())


def _comparable(name: x509.Name, prepare: Callable[[str], str]) -> Comparable:
    return tuple(
        frozenset((part.oid.dotted_string, prepare(part.value) if isinstance(part.value, str) else part.value) for part in rdn)
        for rdn in name.rdns
    )
