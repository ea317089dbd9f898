"""The columns of the matrix: the faults of one HTTP call."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A fault as local Azure's control port takes it; ``retry_after`` is the header Retry-After."""

    title: str
    kind: str
    when: str = "before"
    retry_after: str | None = None


# Azure, or the network, says that something failed.
FAULTS = (
    Fault("dropped before the effect", "drop"),
    Fault("dropped after the effect", "drop", "after"),
    Fault("412", "412"),
    Fault("409 busy", "409"),
    Fault("429", "429"),
    Fault("429, Retry-After", "429", retry_after="1"),
    Fault("500", "500"),
    Fault("503", "503"),
    Fault("token expired", "401"),
)
# The answer is wrong. Before the effect it may claim an effect that did not happen; after the effect it hides one that did.
LIES = (
    Fault("404", "404"),
    Fault("HTML", "html"),
    Fault("empty", "empty"),
    Fault("JSON of another kind", "foreign"),
    Fault("JSON of another kind, after the effect", "foreign", "after"),
    Fault("truncated JSON, after the effect", "truncated", "after"),
    Fault("deep JSON, after the effect", "deep", "after"),
    Fault("redirect", "redirect"),
    Fault("429, Retry-After -1", "429", retry_after="-1"),
    Fault("503, Retry-After nan", "503", retry_after="nan"),
)
COLUMNS = FAULTS + LIES
# In storms too: what ends like a lost connection, and what is too large to be read again and again in the matrix.
STORM = (*COLUMNS, Fault("cut", "cut"), Fault("bomb", "bomb"))
