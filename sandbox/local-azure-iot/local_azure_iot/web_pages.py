"""Which HTTP requests a web page may have caused: every page that a browser on this machine shows can reach loopback ports.

Two facts tell them apart, and no page can forge either: the headers that browsers alone send, and the name in `Host`. A page whose
own name is made to resolve to this machine (DNS rebinding) is of the same origin, so that browsers send no Origin with its GETs;
its name is still in `Host`. Sources: the Fetch standard (Origin), W3C Fetch Metadata (Sec-Fetch-Site), RFC 9112, 3.2 (Host).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")  # RFC 3986, 3.2.2, without what only a page would write
_BY_THE_USER = b"none"  # an address that was typed


def values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """All values of a header. Its name, and those of ``headers``, are in lower case, as ASGI has them."""
    return [value.strip() for each, value in headers if each == name]


def sign_of_a_page(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The header that shows that a web page caused the request, or None. `Origin: null` is a page too, one without an address."""
    for name, value in headers:
        if name == b"origin" or (name == b"sec-fetch-site" and value.strip().lower() != _BY_THE_USER):
            return name.decode().title()
    return None


def is_of_its_own_host(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether the request names a page of the very host that it is for, as clients of WebSockets do that are no browsers (paho).

    Local Azure serves no pages, and a browser adds a header that such clients don't.
    """
    origins, hosts = values(headers, b"origin"), values(headers, b"host")
    if len(origins) != 1 or len(hosts) != 1 or any(name.startswith(b"sec-fetch-") for name, _ in headers):
        return False
    return origins[0].lower().removesuffix(b":443") == b"https://" + hosts[0].lower().removesuffix(b":443")


def host(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The host that the request is for, without port and brackets, in lower case; None if it names none, several, or what is no host."""
    found = values(headers, b"host")
    match = _HOST.fullmatch(found[0].decode("latin-1")) if len(found) == 1 else None
    return match.group(1).strip("[]").lower() if match else None
