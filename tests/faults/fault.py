"""The columns of the matrix: the faults of one HTTP call."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A fault as local Azure's control port takes it; ``retry_after`` in seconds."""

    title: str
    kind: str
    when: str = "before"
    retry_after: int | None = None


FAULTS = (
    Fault("dropped before the effect", "drop"),
    Fault("dropped after the effect", "drop", "after"),
    Fault("412", "412"),
    Fault("409 busy", "409"),
    Fault("429", "429"),
    Fault("429, Retry-After", "429", retry_after=1),
    Fault("500", "500"),
    Fault("503", "503"),
    Fault("token expired", "401"),
)
