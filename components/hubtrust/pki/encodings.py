"""What a file or a text of certificates, keys or requests holds, in every encoding that a person is handed.

PEM however mail, editors, shells and JSON changed it, DER, PKCS#7, PKCS#12, and base64 of any of them. All of it becomes blocks, as
PEM has them. What is known and not read is named with the command that converts it. No error repeats any content.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hubtrust.pki import contents, der, pkcs12
from hubtrust.pki.errors import DerError, UnreadableError
from hubtrust.pki.other_formats import label_error, octets_error
from hubtrust.pki.pem import CERTIFICATE, Block, base64_content, blocks, labels, plain, unescaped

MOST_OCTETS = 4 * 2**20  # of a file: a thousand certificates
_DEEPEST = 3  # base64 inside base64
_SHORTEST = 40  # characters: a shorter text is not base64 of anything here
_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
_BASE64, _HEX = re.compile(r"[A-Za-z0-9+/]+={0,2}"), re.compile(r"(?:0x)?(3[01](?:[0-9a-f]{2})+)", re.IGNORECASE)
_DATA_URL = re.compile(r"data:[\w/+.;=-]*;base64,", re.ASCII)
_PATH = re.compile(r"[^\n]{0,400}\.(?:pem|crt|cer|der|p7[bc]|p12|pfx|key|csr|req|jks)", re.IGNORECASE)
_DAMAGED_LINE = re.compile(r"[-\u2010-\u2015\u2212*=~_] ?(?:BEGIN|END) (?:\w+ ){0,3}(?:CERTIFICATE|KEY|REQUEST|PKCS7)\b", re.IGNORECASE)
_AFTER = b"\r\n\t \x00\x1a"  # what editors and transfers add to the end of a file
_FORMATS = "PEM, DER, PKCS#7 or PKCS#12"
_COPY = "copy the whole file from its source again"
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_CERTIFICATES = 0xA0  # [0] of a SignedData
_OF_PKCS7 = ("PKCS7", "PKCS #7 SIGNED DATA", "CMS")


@dataclass(frozen=True, slots=True)
class Contents:
    """What was found, in its order; and whether a PKCS#12 file was opened, which has a key by its nature."""

    blocks: tuple[Block, ...]
    is_pkcs12: bool


def read(given: str | bytes, *, what: str, passphrase: str | None = None) -> Contents:
    """What ``given`` holds. ``passphrase`` is that of a PKCS#12 file; keys in PEM and DER stay as they are.

    Raises:
        KeyUnreadableError: a PKCS#12 file takes too long to open.
        UnreadableError: it is empty, damaged, too large, or of another format.
    """
    reader = _Reader(what, passphrase)
    found = reader.of_text(given) if isinstance(given, str) else reader.of_octets(given)
    return Contents(tuple(found), reader.is_pkcs12)


class _Reader:
    """One reading: what is read is called ``what`` in errors."""

    def __init__(self, what: str, passphrase: str | None) -> None:
        self.what, self.passphrase = what, passphrase
        self.is_pkcs12 = False

    def of_octets(self, given: bytes, depth: int = 0) -> list[Block]:
        if len(given) > MOST_OCTETS:
            fact = f"it has {len(given):,} bytes, and at most {MOST_OCTETS:,} are read"
            raise self._error(fact, "give only the certificates and the key of this CA")
        if _is_der(given):
            return list(self._of_der(given))
        if (not given.isascii() or 0 in given) and (error := octets_error(given, what=self.what)):
            raise error
        return self.of_text(decoded(given), depth)

    def of_text(self, given: str, depth: int = 0) -> list[Block]:
        text = plain(given)
        if not text.strip(" \t\n\0\"'"):
            raise self._error("it is empty", f"give {_FORMATS}; if it is a file, write it again")
        if found_labels := labels(text):
            for label in found_labels:
                if error := label_error(label, what=self.what):
                    raise error
            return [found for block in blocks(text, what=self.what) for found in self._of_block(block)]
        if depth < _DEEPEST and (octets := _bare_octets(text)):
            return self.of_octets(octets, depth + 1)
        raise octets_error(text.encode(errors="replace"), what=self.what) or self._unknown_text_error(text)

    def _of_block(self, block: Block) -> Iterator[Block]:
        if block.is_encrypted:
            yield block
            return
        if block.label == "TRUSTED CERTIFICATE":
            yield Block(CERTIFICATE, _first(block.content))  # OpenSSL's own data about trust follows it
            return
        label = contents.label_of(block.content)
        if contents.PKCS12 in (label, block.label):
            yield from self._of_pkcs12(block.content)
        elif label == contents.PKCS7 or block.label in _OF_PKCS7:
            yield from self._of_pkcs7(block.content)
        else:
            yield Block(label or block.label, block.content)

    def _of_der(self, given: bytes) -> Iterator[Block]:
        """Every element; several DER files may have been put together."""
        rest, last = given, None
        while rest.strip(_AFTER):
            try:
                encoding, length = _element(rest)
            except DerError as error:
                raise self._error(f"it is DER and damaged: {error}", _COPY) from None
            label = contents.label_of(encoding)
            if label is None and last != CERTIFICATE:  # after a certificate: OpenSSL's own data about trust
                raise self._error("it is DER, but no certificate, key, request, PKCS#7 or PKCS#12", f"give {_FORMATS}")
            if label:
                yield from self._of_block(Block(label, encoding))
            rest, last = rest[length:], label

    def _of_pkcs12(self, encoding: bytes) -> list[Block]:
        self.is_pkcs12 = True
        return pkcs12.opened(encoding, what=self.what, passphrase=self.passphrase)

    def _of_pkcs7(self, encoding: bytes) -> list[Block]:
        """The certificates of a SignedData (RFC 2315 9.1); `.p7b` files are signed by nobody."""
        try:
            kind, wrapped = der.only_element(der.from_ber(encoding)).elements()
            fields = wrapped.elements()[0].elements() if der.dotted(kind.content) == _SIGNED_DATA else []
        except (DerError, ValueError, IndexError):
            raise self._error("it is PKCS#7 and damaged", _COPY) from None
        if not fields:
            raise self._error("it is PKCS#7, but no list of certificates", f"give {_FORMATS} with certificates")
        given = [part for field in fields if field.tag == _CERTIFICATES for part in field.elements() if part.tag == der.SEQUENCE]
        if not given:
            raise self._error("it is PKCS#7 without certificates", f"give {_FORMATS} with certificates")
        return [Block(CERTIFICATE, part.encoding) for part in given]

    def _unknown_text_error(self, text: str) -> UnreadableError:
        if _PATH.fullmatch(text.strip()):
            return self._error("it is the name of a file, not what is in it", "give the content, or name the file in the setting for files")
        if _DAMAGED_LINE.search(text):
            fact = "its BEGIN line is missing or damaged: it must be as -----BEGIN CERTIFICATE-----, in capitals and with ten hyphens"
            return self._error(fact, _COPY)
        return self._error("it contains no certificate, key or request", f"give {_FORMATS}")

    def _error(self, fact: str, remedy: str) -> UnreadableError:
        return UnreadableError(self.what, fact, remedy)


def _is_der(given: bytes) -> bool:
    """Whether it begins as every certificate and key does: a sequence, long or with a number or an identifier at once, as no text has."""
    if given[:1] != bytes([der.SEQUENCE]):
        return False
    return not given[1:2].isascii() or der.INTEGER in given[1:6] or der.OBJECT_IDENTIFIER in given[1:6]


def _element(given: bytes) -> tuple[bytes, int]:
    """The first element of ``given`` and its length."""
    if given[1:2] == b"\x80":
        return der.from_ber(given), len(given)  # BER, which is never followed by something else
    first = next(der.elements(given))
    return first.encoding, len(first.encoding)


def _first(given: bytes) -> bytes:
    """The first element of ``given``; all of it if that is damaged."""
    try:
        return next(der.elements(given)).encoding
    except DerError:
        return given


def decoded(given: bytes) -> str:
    """The text of a file. What no encoding explains is Latin-1: PEM itself is ASCII, and comments don't matter."""
    named = next((name for mark, name in _BOMS if given.startswith(mark)), None)
    if named is None and len(given) > 1 and 0 in given[:2]:
        named = "utf-16-le" if given[1] == 0 else "utf-16-be"
    if named:
        return given.decode(named, errors="replace")  # an odd octet at the end is no reason to read nothing
    try:
        return given.decode()
    except UnicodeDecodeError:
        return given.decode("latin-1")


def _bare_octets(text: str) -> bytes:
    """The octets of a text that is nothing but base64 or hex; empty if it is not."""
    unquoted = _DATA_URL.sub("", unescaped(text).strip(" \n\t\0\"'"), count=1)
    joined = "".join(unquoted.split())
    if found := _HEX.fullmatch(joined.replace(":", "")):
        return bytes.fromhex(found[1])
    if len(joined) < _SHORTEST or not _BASE64.fullmatch(joined):
        return b""
    try:
        return base64_content(joined)
    except ValueError:
        return b""
