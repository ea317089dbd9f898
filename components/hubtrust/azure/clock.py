"""This machine's clock, compared with Azure's before anything is dated by it. Azure is asked once a process, which is one run."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hubtrust.azure.clouds import METADATA_VERSION, Cloud
from hubtrust.azure.errors import ClockError
from hubtrust.azure.retry import CLOCK_TOLERANCE, CLOUD_TIMEOUT, CLOUD_WAITS
from hubtrust.azure.service_time import service_time
from hubtrust.azure.time_limit import TimeOverError, within

_WHAT = "this machine's clock"
_TOLERANCE = timedelta(seconds=CLOCK_TOLERANCE)
_FOREIGN = "check the proxy (HTTPS_PROXY), and that no login page answers in Azure's place; then run again"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_LOCK = threading.Lock()
_answers: dict[str, "timedelta | ClockError"] = {}  # by Resource Manager


@dataclass(frozen=True, slots=True)
class _NoAnswerError(Exception):
    """One request did not show Azure's time; ``final``: another one would not either."""

    fact: str
    remedy: str = "check network and proxy (HTTPS_PROXY), then run again"
    final: bool = False


def require_true_clock(cloud: Cloud, now: Callable[[], datetime]) -> None:
    """Refuse a clock ``now`` that differs from Azure's by more than some minutes, and one that can't be compared.

    A certificate that is dated by a clock that is ahead is valid nowhere until then, and its CA is trusted by nobody.

    Raises:
        ClockError: the clock differs, or Azure's time can't be learned.
    """
    with _LOCK:  # resources are created in parallel: one of them asks, the others wait for the answer
        if cloud.resource_manager not in _answers:
            _answers[cloud.resource_manager] = _difference(cloud, now)
        found = _answers[cloud.resource_manager]
    if isinstance(found, ClockError):
        raise ClockError(found.what, found.fact, found.remedy)
    if abs(found) > _TOLERANCE:
        side = "ahead of" if found > timedelta(0) else "behind"
        fact = f"it is {_length(found)} {side} Azure's, so certificates would have wrong dates, and none is issued"
        raise ClockError(_WHAT, fact, "set it (NTP), then run again")


def forget() -> None:
    """Forget the answers: for tests, which are many runs in one process."""
    with _LOCK:
        _answers.clear()


def _difference(cloud: Cloud, now: Callable[[], datetime]) -> timedelta | ClockError:
    """How far ``now`` is ahead of Azure's time; or why that is not known, which is not asked again in this process."""
    last = _NoAnswerError("no request was sent")
    for wait in (0.0, *CLOUD_WAITS):
        time.sleep(wait)
        try:
            return within(CLOUD_TIMEOUT, lambda: _ask(cloud, now))
        except TimeOverError:
            last = _NoAnswerError(f"there is no answer within {CLOUD_TIMEOUT:.0f} s")
            break
        except _NoAnswerError as error:
            last = error
            if error.final:
                break
    host = cloud.resource_manager.removeprefix("https://")
    fact = f"it can't be compared with Azure's: {host}: {last.fact}; no certificate is issued by a clock that may be wrong"
    return ClockError(_WHAT, fact, last.remedy)


def _ask(cloud: Cloud, now: Callable[[], datetime]) -> timedelta:
    from azure.core.exceptions import AzureError as CoreError
    from azure.core.rest import HttpRequest

    from hubtrust.azure.json_body import ForeignAnswerError, content
    from hubtrust.azure.network_faults import network_fault
    from hubtrust.azure.transport import LimitedTransport

    url = f"{cloud.resource_manager}/metadata/endpoints"  # the one answer of Resource Manager for which nobody has to log in
    headers = {"Cache-Control": "no-cache", "Accept": "application/json"}
    request = HttpRequest("GET", url, params={"api-version": METADATA_VERSION}, headers=headers)
    try:
        with LimitedTransport() as transport:
            sent = now()
            answer = transport.send(request)
            received = now()
        document = content(answer)
    except CoreError as error:
        fault = network_fault(error, url)
        raise _NoAnswerError(fault.fact, fault.remedy, final=fault.limit is not None) from None
    except ForeignAnswerError as error:
        raise _NoAnswerError(str(error), _FOREIGN) from None
    date = service_time(answer.headers)
    if answer.status_code != 200 or date is None or not _is_metadata(document):  # noqa: PLR2004 - OK
        raise _NoAnswerError(f"the answer is not Azure's (status {answer.status_code})", _FOREIGN)
    return sent + (received - sent) / 2 - date


def _is_metadata(document: Any) -> bool:
    """Whether it is what Resource Manager answers. A login page has a date too, but not Azure's."""
    return isinstance(document, dict) and isinstance(document.get("authentication"), dict) and "loginEndpoint" in document["authentication"]


def _length(difference: timedelta) -> str:
    seconds = abs(difference).total_seconds()
    unit, name = next(((size, name) for size, name in ((_DAY, "day"), (_HOUR, "hour")) if seconds >= 2 * size), (_MINUTE, "minute"))
    return f"{round(seconds / unit)} {name}s"
