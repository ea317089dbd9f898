"""The JSON of an answer, and why an answer is not Azure's."""

import json
from typing import Any
from urllib.parse import urlsplit

CONTENT = "hubtrust-content"  # the key of the parsed body in the context of a response that was checked
_CHARSETS = {"", "utf-8", "utf8", "us-ascii"}
REDIRECTION = range(300, 400)


class ForeignAnswerError(Exception):
    """Somebody else answered, such as a proxy, or only a part of the answer came; the text is the fact to tell."""


def content(response: Any) -> Any:
    """The parsed body of ``response``, a response of azure-core; None if it is empty or `null`.

    Raises:
        ForeignAnswerError: it is a redirection, or not JSON.
    """
    if response.status_code in REDIRECTION:
        raise ForeignAnswerError(f"redirected to {_place(response.headers.get('Location'))}")
    data = response.body()
    if not data or not data.strip():
        return None
    kind, _, parameters = str(response.headers.get("Content-Type") or "").partition(";")
    shown = kind.strip().lower() or "of no type"
    if "html" in shown or data.lstrip()[:1] == b"<":
        raise ForeignAnswerError(f"a web page answered instead of Azure ({shown})")
    charset = parameters.lower().partition("charset=")[2].strip(" \"'")
    if charset not in _CHARSETS:
        raise ForeignAnswerError(f"the answer is not Azure's (its character set is {charset})")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except ValueError:
        raise ForeignAnswerError(f"the answer is not complete JSON ({shown}, {len(data)} bytes)") from None
    except RecursionError:
        raise ForeignAnswerError("the answer is not Azure's (its JSON is nested too deeply)") from None


def _place(location: object) -> str:
    """Where a redirection leads: without path and query, in which a proxy may put anything."""
    try:
        found = urlsplit(str(location or ""))
    except ValueError:
        return "another address"
    return f"{found.scheme}://{found.hostname}" if found.hostname else "another address"
