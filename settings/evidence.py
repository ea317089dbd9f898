"""Settings of the evidence log."""

from __future__ import annotations

from .configuration import Configured


class EvidenceConfig(Configured):
    """Where the log is kept beside the state."""

    evidence_file: str = ""
