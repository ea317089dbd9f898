"""The text of a roster's file: UTF-8 whatever the machine's locale is, or UTF-16 and UTF-32 with a byte order mark, as Excel writes them.

Any other encoding is refused, because nobody can tell one from another: the error names the byte, its line, and what to do.
"""

import codecs

from hubtrust.devices.json_values import kind
from hubtrust.devices.roster import RosterError

_MARKS = (  # the longest first: the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
)
_FORMATS = (  # the first bytes of files that are no text
    (b"PK\x03\x04", "a ZIP archive, such as a workbook of Excel (.xlsx)"),
    (b"\xd0\xcf\x11\xe0", "a workbook of an old Excel (.xls)"),
    (b"\x1f\x8b", "compressed (gzip)"),
)
_AS_UTF8 = "save it as UTF-8 (in Excel: the file type 'CSV UTF-8')"
_CUT_OFF = ("unexpected end of data", "truncated data")  # how Python's decoders say that a text ends within a character
_ASCII = 0x80  # bytes below are ASCII


def as_text(content: str | bytes, *, what: str) -> str:
    """The text of a file, without a byte order mark.

    Raises:
        RosterError: it is no text, or in an encoding that can't be told for certain.
    """
    if isinstance(content, str):
        text = content.removeprefix("\ufeff")
    elif isinstance(content, bytes):
        text = _decoded(content, what)
    else:
        raise RosterError(what, f"it is {kind(content)}", "give the text or the bytes of a file, or use from_file")
    if (nul := text.find("\0")) >= 0:
        raise RosterError(what, f"line {_line(text[:nul])} has a NUL character, which is in no text", _AS_UTF8)
    return text


def _decoded(content: bytes, what: str) -> str:
    for start, name in _FORMATS:
        if content.startswith(start):
            raise RosterError(what, f"it is {name}, not text", "save it as CSV (in Excel: the file type 'CSV UTF-8')")
    mark, encoding, title = next((one for one in _MARKS if content.startswith(one[0])), (b"", "utf-8", "UTF-8"))
    if not mark:
        _require_no_utf16(content, what)
    try:
        return content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = _line(error.object[: error.start].decode(encoding, "replace"))
        raise RosterError(what, f"line {line}: {_fact(error, title)}", _remedy(error, title)) from None


def _require_no_utf16(content: bytes, what: str) -> None:
    """ASCII in UTF-16 has a NUL in every second byte."""
    start = content[:200]
    for first, order in ((1, "little-endian"), (0, "big-endian")):
        halves = start[first::2], start[1 - first :: 2]
        if len(start) > 1 and halves[0].count(0) > len(halves[0]) // 2 and not halves[1].count(0):
            raise RosterError(what, f"it looks like UTF-16 ({order}) without a byte order mark", _AS_UTF8)


def _fact(error: UnicodeDecodeError, title: str) -> str:
    byte = error.object[error.start : error.start + 1]
    if error.reason.startswith(_CUT_OFF):
        return f"it ends within a character of {title}, so the file is cut off"
    if title != "UTF-8":
        return f"it is not {title}, as its byte order mark says ({error.reason})"
    fact = f"it has the byte 0x{byte.hex().upper()}, which is not UTF-8 here"
    meant = byte.decode("cp1252", "ignore") if byte[0] >= _ASCII else ""
    return f"{fact}; in Windows-1252 or Latin-1 it would be '{meant}'" if meant else fact


def _remedy(error: UnicodeDecodeError, title: str) -> str:
    if error.reason.startswith(_CUT_OFF):
        return "copy the whole file from its source again"
    if title == "UTF-8" and error.object[error.start : error.start + 1].decode("cp1252", "ignore"):
        return f"{_AS_UTF8}; if it is Windows-1252, this converts it: iconv -f WINDOWS-1252 -t UTF-8"
    return _AS_UTF8


def _line(before: str) -> int:
    return before.count("\n" if "\n" in before else "\r") + 1  # old spreadsheets end lines with \r alone
