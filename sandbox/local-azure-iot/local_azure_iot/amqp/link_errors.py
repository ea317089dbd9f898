"""Why AMQP links and messages are refused, as clients see it."""

from __future__ import annotations

from typing import Any

from proton import Condition, symbol

# Conditions of AMQP 1.0, sections 2.8.15 to 2.8.18, and Microsoft's own:
# https://learn.microsoft.com/azure/event-hubs/event-hubs-amqp-troubleshoot
NOT_FOUND, UNAUTHORIZED, NOT_ALLOWED = "amqp:not-found", "amqp:unauthorized-access", "amqp:not-allowed"
INVALID_FIELD, DECODE_ERROR, INTERNAL_ERROR = "amqp:invalid-field", "amqp:decode-error", "amqp:internal-error"
LIMIT_EXCEEDED, TOO_LARGE = "amqp:resource-limit-exceeded", "amqp:link:message-size-exceeded"
REDIRECT, STOLEN, DETACH_FORCED = "amqp:link:redirect", "amqp:link:stolen", "amqp:link:detach-forced"
OUT_OF_RANGE, ARGUMENT_ERROR = "com.microsoft:argument-out-of-range", "com.microsoft:argument-error"
NOT_IMPLEMENTED = "amqp:not-implemented"
FAILED = "local Azure failed; its log says where"  # what clients are told of an INTERNAL_ERROR


class LinkError(Exception):
    """A link, or a message on it, is refused: AMQP's condition and a description, which the client sees."""

    def __init__(self, condition: str, description: str, info: dict[str, Any] | None = None) -> None:
        super().__init__(description)
        self.condition, self.info = condition, info

    def to_condition(self) -> Condition:
        """As AMQP sends it."""
        info = {symbol(name): value for name, value in self.info.items()} if self.info else None
        return Condition(self.condition, str(self), info)
