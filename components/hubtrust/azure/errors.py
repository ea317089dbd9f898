"""What Azure, or the way to it, can answer; each with the fact found and the remedy."""

from hubtrust.errors import HubtrustError


class AzureError(HubtrustError):
    """The root of this room's errors."""


class CloudError(AzureError):
    """No such cloud, or its metadata can't be read."""


class CredentialsError(AzureError):
    """Nobody is logged in, or the login was refused."""


class UnreachableError(AzureError):
    """No answer from Azure until the deadline: name, proxy, TLS, or a connection that drops every time."""


class DeniedError(AzureError):
    """401 or 403, also after a new role assignment had time to spread."""


class NotFoundError(AzureError):
    """404 on a change: the hub, its resource group or the subscription is not there."""


class EtagError(AzureError):
    """412: somebody else, or an answer that got lost, changed the certificate since it was read. Read again and go on."""


class BusyError(AzureError):
    """409 busy, 429 or 5xx until the deadline."""


class RefusedError(AzureError):
    """Any other refusal; ``code`` is Azure's own, such as ``400053``."""

    def __init__(self, what: str, fact: str, remedy: str, *, code: str = "") -> None:
        super().__init__(what, fact, remedy)
        self.code = code


class SessionError(AzureError):
    """A device's session with its hub did not come about. ``link`` is what broke: `name`, `line`, `tls` (the hub's side) or `device`."""

    def __init__(self, what: str, fact: str, remedy: str, *, link: str) -> None:
        super().__init__(what, fact, remedy)
        self.link = link
