"""Errors of calls to Azure; each carries what failed, the fact found and the remedy."""

from hubtrust.errors import HubtrustError


class AzureError(HubtrustError):
    """The base class of this package's errors.

    ``may_be_done``: a try of the request had no answer, or not a refusal, so Azure may have carried it out.
    """

    may_be_done = False


class CloudError(AzureError):
    """There is no such cloud, or its metadata can't be read."""


class ClockError(AzureError):
    """This machine's clock differs from Azure's, or can't be compared with it."""


class CredentialsError(AzureError):
    """There is no login, or it was refused."""


class UnreachableError(AzureError):
    """No answer from Azure until the deadline: a failure of DNS, proxy or TLS, or of every connection; or somebody else answered.

    ``limit`` is for how many seconds a retry can help, where the cause says so.
    """

    def __init__(self, what: str, fact: str, remedy: str, *, limit: float | None = None) -> None:
        super().__init__(what, fact, remedy)
        self.limit = limit


class DeniedError(AzureError):
    """401 or 403, even after a new role assignment had time to take effect."""


class NotAdmittedError(DeniedError):
    """A hub refuses this machine, and its own network settings may be why: Resource Manager shows some that keep machines out."""


class NotFoundError(AzureError):
    """404 for a change: the hub, its resource group or the subscription does not exist."""


class EtagError(AzureError):
    """412: it was changed after it was read, by somebody else or by our own change whose response was lost. Read it again."""


class BusyError(AzureError):
    """409 busy, 429 or 5xx until the deadline."""


class RefusedError(AzureError):
    """Any other refusal; ``code`` is Azure's own, such as ``400053``."""

    def __init__(self, what: str, fact: str, remedy: str, *, code: str = "") -> None:
        super().__init__(what, fact, remedy)
        self.code = code


class SessionError(AzureError):
    """A device could not connect to its hub, or to its provisioning service.

    ``stage`` is where it failed: `name` (DNS), `network`, `tls` (the other side's certificate) or `device` (the device was refused).
    ``return_code`` is that of a CONNACK that refused it (MQTT 3.1.1, 3.2.2.3); None if there was none.
    """

    def __init__(self, what: str, fact: str, remedy: str, *, stage: str, return_code: int | None = None) -> None:
        super().__init__(what, fact, remedy)
        self.stage, self.return_code = stage, return_code
