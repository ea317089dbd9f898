"""Thousands of requests in one text: each is read by itself, so that one that is damaged hides neither the others nor its own number."""

import base64
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hubtrust.pki import der, readable
from hubtrust.pki.errors import DerError, PkiError, PrivateKeyInsideError
from hubtrust.pki.names import common_name
from hubtrust.pki.pem import REQUEST, plain
from hubtrust.pki.request import CertificateRequest, load_request, load_requests

_BLOCK = re.compile(r"-----BEGIN ([^\n-]*)-----([^-]*)")
_PRIVATE, _PARAMETERS = "PRIVATE KEY", " PARAMETERS"  # how their labels end
_COMMON_NAME = der.encoded(der.OBJECT_IDENTIFIER, bytes.fromhex("550403"))


@dataclass(frozen=True, slots=True)
class Place:
    """One PEM block of a batch, not read yet: its number among those that are to be requests, from 1, and its text."""

    number: int
    text: str

    @property
    def what(self) -> str:
        """What it is called in messages."""
        return f"request {self.number}"

    def read(self) -> CertificateRequest:
        """The request.

        Raises:
            UnreadableError: see ``load_request``.
        """
        return load_request(self.text, what=self.what)

    def name(self) -> str | None:
        """Its common name, also of one that can't be read, as far as that is possible; for messages alone."""
        try:
            return common_name(self.read().subject) or None
        except PkiError:
            return self._glimpsed_name()

    def _glimpsed_name(self) -> str | None:
        found = _BLOCK.match(self.text)
        base64_text = re.match(r"[A-Za-z0-9+/]*", "".join(found[2].split()) if found else "")
        whole = base64_text[0] if base64_text else ""
        encoding = base64.b64decode(whole[: len(whole) // 4 * 4])
        at = encoding.find(_COMMON_NAME)
        try:
            value = next(der.elements(encoding[at + len(_COMMON_NAME) :]), None) if at >= 0 else None
        except DerError:
            return None
        return readable.text(value) if value else None


def each_request(text: str, *, what: str) -> list[Place]:
    """The places of the requests in the PEM ``text``, in its order. EC parameters before them, and what is around them, are passed over.

    Raises:
        PrivateKeyInsideError: a private key is among them.
        UnreadableError: there is nothing to be read.
    """
    found = list(_places(plain(text), what))
    return found or [Place(number, request.pem) for number, request in enumerate(load_requests(text, what=what), 1)]


def joined(requests: Sequence[str]) -> str:
    """The ``requests``, each a text of its own, as one PEM text. One that is base64 alone would be passed over between others."""
    begin, end = f"-----BEGIN {REQUEST}-----", f"-----END {REQUEST}-----"
    return "\n".join(one if _BLOCK.search(plain(one)) else f"{begin}\n{one}\n{end}\n" for one in requests)


def _places(text: str, what: str) -> Iterator[Place]:
    begins, number = list(_BLOCK.finditer(text)), 0
    for found, following in itertools.zip_longest(begins, begins[1:]):
        label = found[1].strip()
        if label.endswith(_PARAMETERS):
            continue
        number += 1
        if label.endswith(_PRIVATE):
            fact = f"it contains a private key, at place {number}"
            raise PrivateKeyInsideError(what, fact, "give only the requests; keys stay with their owners")
        yield Place(number, text[found.start() : following and following.start()])
