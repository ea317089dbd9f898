"""The parts of an address that a setting, a variable of the environment or an answer gives: it may be none."""

from urllib.parse import SplitResult, urlsplit


def address_parts(url: str) -> SplitResult | None:
    """The parts of ``url``; None if it is not an absolute address, or if a character in it is none of an address.

    Python itself raises a ValueError for half a bracket or a port that is no number, and passes over line feeds and tabs.
    """
    if not url.isprintable() or " " in url:
        return None
    try:
        found = urlsplit(url)
        _ = found.port
    except ValueError:
        return None
    return found if found.hostname else None
