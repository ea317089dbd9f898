"""What ends a run before it starts."""

from hubtrust.errors import HubtrustError


class LiveRefusedError(HubtrustError):
    """The run does not start; nothing was created."""
