"""Connection strings in a hub's properties: Azure shows them without their secrets, and with the port of Service Bus and Event Hubs.

Sources: recordings (see `hub_properties`); and `IothubConnectionStringSuppress` of Terraform's azurerm, for queues, topics and event hubs:
https://github.com/hashicorp/terraform-provider-azurerm/blob/main/internal/services/iothub/iothub_resource.go
"""

from __future__ import annotations

import re
from typing import Any

_SECRET = re.compile(r"(AccountKey|SharedAccessKey)=[^;]*")
_WITHOUT_PORT = re.compile(r"(?<=Endpoint=)sb://([^:/;]+)/?(?=;|$)", re.IGNORECASE)
_HIDDEN = "****"


def masked(value: Any) -> Any:
    """A JSON value in which every `connectionString` is as Azure shows it."""
    if isinstance(value, dict):
        return {name: _masked_text(item) if name == "connectionString" else masked(item) for name, item in value.items()}
    return [masked(item) for item in value] if isinstance(value, list) else value


def with_secret(text: str, before: str) -> str:
    """The connection string to store: where ``text`` has `****`, as the client was shown it, it keeps the secret of ``before``."""
    known = {match[1]: match[0] for match in _SECRET.finditer(before)}

    def kept(found: re.Match[str]) -> str:
        return known.get(found[1], found[0]) if found[0].endswith(f"={_HIDDEN}") else found[0]

    return _SECRET.sub(kept, text)


def _masked_text(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    return _SECRET.sub(rf"\1={_HIDDEN}", _WITHOUT_PORT.sub(r"sb://\1:5671/", text))
