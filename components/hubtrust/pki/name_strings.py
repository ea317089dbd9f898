"""Which values names may have, so that OpenSSL reads the certificate: it reads none whose names have others (RFC 5280 A.1, X.520).

`cryptography` reads some of them, and refuses some that OpenSSL takes.
"""

from collections.abc import Iterator

from hubtrust.pki import der

_TEXTS = {  # the string types of RFC 5280, and whatever is in those of eight bits
    0x0C: ("a UTF8String", "utf-8"),
    0x12: ("a NumericString", "latin-1"),
    0x13: ("a PrintableString", "latin-1"),
    0x14: ("a TeletexString", "latin-1"),
    0x16: ("an IA5String", "latin-1"),
    0x1C: ("a UniversalString", "utf-32-be"),
    0x1E: ("a BMPString", "utf-16-be"),
}
_OTHERS = {der.INTEGER: "an INTEGER", der.OCTET_STRING: "an OCTET STRING", 0x1A: "a VisibleString"}
# What is no text and can be read: two types, and those of numbers, times and others that nobody has put into a name yet.
_NO_TEXTS = {der.BIT_STRING, der.SEQUENCE, *range(0x07, 0x0C), *range(0x0D, 0x10), 0x1D}
_MOST_UNUSED_BITS = 7
_BMP, _IA5 = 0x1E, 0x16
_EMAIL_ADDRESS = bytes.fromhex("2a864886f70d010901")  # PKCS#9's, in the octets of an object identifier
_BEYOND = 0x10000  # what a BMPString can't hold: surrogates are two characters for OpenSSL, and none of them is any


def unreadable_value(name: der.Element) -> str | None:
    """Why OpenSSL can't read this distinguished name, in words that follow "it has …"; None if it can."""
    return next(filter(None, map(_flaw, _values(name))), None)


def has_odd_mailbox(name: der.Element) -> bool:
    """Whether an e-mail address in this distinguished name is not an IA5String: OpenSSL holds it to no name constraint, and refuses it."""
    attributes = [attribute.elements() for rdn in name.elements() for attribute in rdn.elements()]
    return any(kind.content == _EMAIL_ADDRESS and value.tag != _IA5 for kind, *_, value in attributes)


def _values(name: der.Element) -> Iterator[der.Element]:
    for rdn in name.elements():
        for attribute in rdn.elements():
            yield attribute.elements()[-1]


def _flaw(value: der.Element) -> str | None:
    if value.tag == der.BIT_STRING and (not value.content or value.content[0] > _MOST_UNUSED_BITS):
        return "a BIT STRING that is not valid"
    if value.tag in _NO_TEXTS:
        return None
    kind, encoding = _TEXTS.get(value.tag, ("", ""))
    if not kind:
        return _OTHERS.get(value.tag, f"a value with the tag {value.tag:#04x}")
    try:
        text = value.content.decode(encoding)
    except UnicodeDecodeError:
        return f"{kind} that is not valid"
    return f"{kind} that is not valid" if value.tag == _BMP and any(ord(char) >= _BEYOND for char in text) else None
