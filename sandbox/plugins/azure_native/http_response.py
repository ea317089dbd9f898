"""An HTTP response, and the error when there is none."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.plugins.resource import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping


class UnreachableError(PluginError):
    """The connection failed and there is no response. The request can be retried."""


@dataclass(frozen=True)
class HttpResponse:
    """An HTTP response; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    url: str = field(default="", compare=False)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON, without a leading byte-order mark; None when it is empty or not JSON."""
        try:
            return json.loads(self.body.decode("utf-8-sig"))
        except ValueError:
            return None
