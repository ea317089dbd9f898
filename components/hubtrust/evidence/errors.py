"""Errors of the evidence log."""

from hubtrust.errors import HubtrustError


class EvidenceError(HubtrustError):
    """A log that can't be read, continued or confirmed."""


class FormError(ValueError):
    """A text that is not in the log's form; whoever knows its place makes an ``EvidenceError`` of it."""
