"""The root of every error that this package raises on purpose, and how a text is shown to a person: one line, bounded, nothing hidden."""

import re

# Characters. The remedy may be a command to copy: ours are far shorter, so that only a foreign text in one is ever cut.
_LONGEST_WHAT, _LONGEST_FACT, _LONGEST_REMEDY = 600, 3000, 3000
LONGEST = _LONGEST_WHAT + _LONGEST_FACT + _LONGEST_REMEDY + len(": ; ")  # of a whole error
_CUT = " … (shortened)"  # a command that ends with it is a syntax error in every shell, so that no half of it runs
# Printable for Python, and yet nothing is seen: Unicode's Default_Ignorable_Code_Point, and the Braille pattern without dots.
_SEEN_AS_NOTHING = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_BASE64 = r"[A-Za-z0-9+/_=-]"
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)"
    # Without that frame: base64 of a SEQUENCE that begins with the version 0, 1 or 3 (RFC 5208, 5915, 8017 and 7292), and its next lines.
    # Certificates, requests, public keys and signatures begin otherwise.
    rf"|M([A-H][AEIMQUYcgkosw048]CAQ|I[E-H]{_BASE64}AgE[ABD]|I[I-L]{_BASE64}{{2}}[AQgw]IB){_BASE64}{{30,}}((\s|\\[nr])+{_BASE64}{{20,}})*",
    re.DOTALL,
)


class HubtrustError(Exception):
    """One line: what failed, the fact found, what to do next; never a part of a secret.

    It is bounded and shows every character that can't be seen, whatever texts of others the three parts hold (``shown``).
    """

    what: str
    """What failed."""
    fact: str
    """The fact that was found."""
    remedy: str
    """What to do next."""

    def __init__(self, what: str, fact: str, remedy: str) -> None:
        """An error of these three parts.

        Args:
            what: what failed.
            fact: the fact that was found.
            remedy: what to do next.
        """
        self.what = shown(what, _LONGEST_WHAT)
        self.fact = shown(fact, _LONGEST_FACT)
        self.remedy = shown(remedy, _LONGEST_REMEDY)
        super().__init__(f"{self.what}: {self.fact}; {self.remedy}")


def without_private_keys(text: str) -> str:
    """``text`` without the private keys in PEM, or base64 of DER, that somebody gave in the wrong place.

    Of one in PEM that has no end, all that follows goes.
    """
    return _PRIVATE_KEY.sub("(a private key)", text)


def shown(text: str, most: int = _LONGEST_FACT) -> str:
    r"""``text`` on one line: what can't be seen is an escape (a line feed `\n`, U+200E `\u200e`, U+00A0 `\xa0`).

    It has at most ``most`` characters, and says so if something is left out. A private key that somebody gave in the wrong place is not
    repeated. A text that was shown already is not changed.
    """
    if len(text) <= most and text.isprintable() and text.isascii() and not _PRIVATE_KEY.search(text):
        return text
    text = without_private_keys(text)
    pieces: list[str] = []
    length = whole = 0  # of all pieces, and how many of them leave room to say that something is left out
    for char in text[: most + 1]:
        piece = char if char.isprintable() and not _SEEN_AS_NOTHING.match(char) else char.encode("unicode_escape").decode()
        length += len(piece)
        if length > most:
            return "".join(pieces[:whole]) + _CUT
        pieces.append(piece)
        whole += length <= most - len(_CUT)
    return "".join(pieces)


def one_line(text: object, most: int = 200) -> str:
    """Somebody else's text for an error of ours: on one line, without a full stop at its end.

    If it is longer than ``most`` characters, it ends after a whole sentence or a whole word, with … in place of the rest.
    """
    whole = " ".join(str(text).split()).rstrip(".")
    if len(whole) <= most:
        return whole
    sentences, _, _ = whole[: most + 1].rpartition(". ")
    words, _, _ = whole[: most + 1].rpartition(" ")
    return f"{(sentences if len(sentences) > most // 2 else words or whole[:most]).rstrip('.,;: ')} …"
