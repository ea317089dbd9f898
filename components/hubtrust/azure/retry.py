"""How long the client keeps trying: every deadline, wait and pace limit of the package. ``pipeline.py`` applies them to a request."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hubtrust.azure.errors import AzureError, DeniedError, NotAdmittedError, NotFoundError, UnreachableError

# All in seconds.
DEADLINE = 300.0  # of one operation, unless the input `deadline` sets another
MIN_DEADLINE, MAX_DEADLINE = 1, 3600  # the range of that input
CHECK_DEADLINE = 60.0  # of a connection check, unless its input `deadline` sets another
# How long to retry, by kind of error. The deadline can make these shorter, not longer; other errors are retried until the deadline.
DENIED = 90.0  # role assignments take time to take effect; waiting longer than this seldom helps
NETWORK_DENIED = 3.0  # the same refusal where the hub's own network settings explain it, which no wait changes
UNREACHABLE = 60.0
NOT_FOUND = 20.0  # a new hub is not known everywhere at once
# The same for a call that only reads.
READ_DEADLINE = 60.0
READ_UNREACHABLE = 10.0  # a refresh of many resources would otherwise wait a minute for each
READ_NOT_FOUND = 4.0  # a hub's own endpoint may say for a moment that there is no such hub
READ_DENIED = 2.0  # an expired token is refused like a missing role, and only another try tells them apart
FIRST_WAIT, MAX_WAIT = 0.5, 15.0  # between two tries: each wait is twice the one before, unless Azure sends Retry-After
LONGEST_RETRY_AFTER = 3600.0  # a Retry-After beyond this is not Azure's, and is ignored
REPORT_AFTER = 3.0  # a request that is retried for longer is reported to the user
CONNECT_TIMEOUT, READ_TIMEOUT = 10, 60  # of one HTTP request: to connect, and between two pieces of its answer
ATTEMPT_TIMEOUT = 65.0  # of one HTTP request with its whole answer; Azure itself gives up after 60
SHORTEST_ATTEMPT = 1.5  # what one request gets even if its deadline is over by then
LOGIN_TIMEOUT = 45.0  # for one token, from whichever credential: az alone may take 10
TOKEN_RESERVE = 300.0  # a token is used until this long before it expires
CLOCK_TOLERANCE = 300.0  # between this machine's clock and Azure's; what is issued is backdated by more
CLOUD_TIMEOUT, CLOUD_WAITS = 20.0, (0.5, 1.5)  # for the metadata of a cloud, and before it is asked for again
LAST_ATTEMPT = 5.0  # of a request to a host that was waited for until the limit before, in this process
# Causes that a retry seldom changes: a name that DNS does not know (that of a new hub may be late), and a proxy or server that refuses TLS.
UNRESOLVED, TLS_RETRIES = 8.0, 2.0
LARGEST_ANSWER = LARGEST_COMPRESSED = 64 * 2**20  # bytes, after and before decompression: a page of 1,000 twins takes a tenth
# Of a device's MQTT session. A proof, a role or a name may not have propagated yet, so a failed session is tried again.
DEVICE_CONNECT_TIMEOUT, DEVICE_SESSION_TIMEOUT = 15.0, 30.0
DEVICE_WAITS: dict[str, Any] = {"wait_initial": 1.0, "wait_max": 8.0, "wait_jitter": 0.0}
# Between two questions about a registration, if the provisioning service does not say; 2 s as Azure's own clients wait.
REGISTRATION_WAIT, SHORTEST_REGISTRATION_WAIT = 2.0, 0.2
# Before each further question for registrations that were under way when their enrollment was disabled; Azure ends them within seconds.
REVOCATION_WAITS = (1.0, 2.0, 4.0, 8.0, 15.0)
ABSENCE_WAITS = (0.5, 1.0, 2.0)  # before each time that "it does not exist" is asked again
SHORTEST_CONFIRMATION = 1.0  # what these waits take together even if the deadline is over
# A hub's query index shows changes late.
INDEX_LAG = 1.0  # after this it is read again, if it showed a difference
INDEX_WAITS = (1.0, 2.0, 4.0)  # between the passes of a fleet's deletion, for new devices that it does not show yet
MOST_ROUNDS = 8  # of reading and writing what others keep changing; after these, somebody else probably goes on doing so
BUSY_WAIT = 0.5  # before the next round of a bulk write if the hub was busy; doubles each round
PROGRESS_INTERVAL = 3.0  # until the first line about the progress of a bulk write
MIN_SPACING, FIRST_SPACING, MAX_SPACING = 0.001, 0.5, 15.0  # between two calls that share a throttle

# After an etag error the certificate is read again. After ten attempts another client probably keeps changing it.
ETAG_RETRIES: dict[str, Any] = {"attempts": 10, "wait_initial": 0.1, "wait_max": 5.0, "wait_jitter": 0.2}
VAULT_ABSENCE_WAITS = (0.5, 1.0)  # before each time that a key is asked for again, before it is created
VAULT_DEADLINE = 90.0  # of a call to Key Vault with its retries
VAULT_ROLE = 600.0  # until a new role takes effect at a vault (learn.microsoft.com/azure/role-based-access-control/troubleshooting)
VAULT_ROLE_SPREAD = 120.0  # of a later call in the same run: not every part of Key Vault learns of the role at the same time
NEW_VAULT = 60.0  # until the name of a new vault resolves
ROLE_WAITS: dict[str, Any] = {"wait_initial": 1.0, "wait_max": 15.0, "wait_jitter": 0.0}  # between two tries
VAULT_RETRIES: dict[str, Any] = {"attempts": 3, "timeout": 60.0, "wait_initial": 0.2, "wait_max": 2.0}  # of a call to Key Vault

MAX_SERVER_ERRORS = 5  # answers with 500 to one request: Azure also sends it for a request that it can't read, and no retry helps then
THROTTLED, SERVER_ERROR = 429, 500  # HTTP status codes


_cancelled = threading.Event()


def cancel() -> None:
    """Nothing is tried again in this process: the user has cancelled the run. What is tried at the moment ends by itself."""
    _cancelled.set()


def retry_context(*, on: Any, **options: Any) -> Any:
    """stamina's, without its report of every retry: Pulumi shows what a provider logs, and the pipeline reports a long wait itself.

    ``on`` is as there: exceptions, or what says of one whether to try again, and after how many seconds. See ``cancel``.
    """
    import stamina

    def try_again(error: Exception) -> Any:
        if _cancelled.is_set():
            return False
        return isinstance(error, on) if isinstance(on, type | tuple) else on(error)

    stamina.instrumentation.set_on_retry_hooks([])
    return stamina.retry_context(on=try_again, **options)


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """For how many seconds to retry, by kind of error; ``clock`` is an argument so that tests can bring their own."""

    deadline: float = DEADLINE
    denied: float = DENIED
    unreachable: float = UNREACHABLE
    not_found: float = NOT_FOUND
    clock: Callable[[], float] = time.monotonic
    ends: float | None = None  # on the clock: for several requests of one operation that share the deadline

    def starting_now(self) -> "RetryLimits":
        """These limits, with the deadline counted from now for all requests together."""
        return replace(self, ends=self.clock() + self.deadline)

    def absence_waits(self) -> list[float]:
        """The waits before each time that "it does not exist" is asked again: shorter where the shared deadline is near."""
        left = self.ends - self.clock() if self.ends is not None else math.inf
        share = min(1.0, max(left / 2, SHORTEST_CONFIRMATION) / sum(ABSENCE_WAITS))
        return [wait * share for wait in ABSENCE_WAITS]

    def time_left(self, started: float) -> float:
        """Seconds until the deadline of a request that ``started`` then."""
        now = self.clock()
        return min(started + self.deadline - now, self.ends - now if self.ends is not None else self.deadline)

    def seconds(self, kind: type[AzureError]) -> float:
        """For how many seconds to retry errors of ``kind``: never more than the deadline."""
        limits = {
            DeniedError: self.denied,
            NotAdmittedError: self.denied,
            UnreachableError: self.unreachable,
            NotFoundError: self.not_found,
        }
        return min(self.deadline, limits.get(kind, self.deadline))
