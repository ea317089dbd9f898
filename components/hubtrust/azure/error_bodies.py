"""What an error response from Azure means: its body, its code, and whether a retry can help."""

import email.utils
import json
import math
import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hubtrust.azure.errors import AzureError, BusyError, DeniedError, EtagError, NotFoundError, RefusedError, UnreachableError
from hubtrust.azure.json_body import REDIRECTION, ForeignAnswerError, content
from hubtrust.azure.retry import LONGEST_RETRY_AFTER
from hubtrust.errors import one_line

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse

_TAIL = re.compile(r"\s*If you contact a support representative.*$", re.DOTALL)
_HUB_MESSAGE = re.compile(r"ErrorCode:(?P<code>\w+);(?P<message>.*)", re.DOTALL)
_REMEDIES: dict[type[AzureError], str] = {
    UnreachableError: "check network and proxy (HTTPS_PROXY), then run again",
    DeniedError: "give this identity the role that allows it (Contributor on the hub's resource group), then run again",
    NotFoundError: "check the subscription and the name, refresh, then run again",
    EtagError: "run again; each run reads it first",
    BusyError: "run again later; work already done is kept",
}
_REMEDY_BY_CODE = {
    "400053": "check that the key belongs to this certificate, then run again: each run requests a new code",
    "SubscriptionNotFound": "check the subscription id and the tenant of the login (az account show)",
    "InvalidSubscriptionId": "check the subscription id",
    "InvalidAuthenticationTokenTenant": "log in to the tenant that owns the subscription",
    "MissingSubscriptionRegistration": "register the provider: az provider register --namespace Microsoft.Devices",
    **dict.fromkeys(
        ("OperationNotAllowedInCurrentTier", "403010"),
        "use a hub of the standard or free tier (sku): the basic tier has no device twins and no modules",
    ),
    **dict.fromkeys(("TooManyModulesOnDevice", "413003"), "leave some out, or spread them over several devices"),
    "500019": "check what was sent: Azure answers this to a request that it can't read; otherwise run again later",
}
PROXY_REMEDY = "check the proxy (HTTPS_PROXY, NO_PROXY) and whether this network asks for a login, then run again"
# 404s that mean "this resource does not exist". Others come from a wrong subscription or from a proxy.
_ABSENT = {"ResourceNotFound", "ParentResourceNotFound", "ResourceGroupNotFound", "NotFound", "CertificateNotFound", "404002", "404008"}
_ABSENT |= {"DeviceNotFound", "ModuleNotFound"}
_WRONG_TIER = "OperationNotAllowedInCurrentTier"  # of a hub of the basic tier, whose number is 403010
# The answer of a hub's own endpoint when no hub has that name, and for a while after a hub was created.
_NO_HUB = {"IotHubNotFound", "401001"}


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed: an error response, or none (status 0).

    ``is_transient``: a retry may help. ``absent``: the resource itself does not exist. ``retry_after`` is in seconds.
    """

    kind: type[AzureError]
    fact: str
    is_transient: bool = False
    status: int = 0
    code: str = ""
    retry_after: float | None = None
    absent: bool = False
    remedy: str | None = None
    what: str | None = None  # where it is not the resource that failed but, for example, the login
    limit: float | None = None  # for how many seconds a retry can help, where that is less than for others of its kind

    def error(self, what: str, fact: str, remedy: str | None = None) -> AzureError:
        """The error to raise; ``remedy`` is the client's own advice for this kind of error."""
        remedy = (
            self.remedy
            or _REMEDY_BY_CODE.get(self.code)
            or remedy
            or _REMEDIES.get(self.kind)
            or "correct the input that Azure names, then run again"
        )
        return RefusedError(what, fact, remedy, code=self.code) if self.kind is RefusedError else self.kind(what, fact, remedy)


def foreign(fact: str, *, status: int = 0) -> Failure:
    """The failure of a request that somebody else answered."""
    return Failure(UnreachableError, fact, is_transient=True, status=status, remedy=PROXY_REMEDY)


def failure(response: "HttpResponse", *, final_conflicts: Collection[str]) -> Failure:
    """What an error response (status 300 and above) means, by status first and code second.

    An answer without one of Azure's error bodies is somebody else's: a proxy's 404 does not say that a hub is gone.
    """
    status = response.status_code
    try:
        code, message = _code_and_message(content(response))
    except ForeignAnswerError as error:
        return foreign(f"{error} with status {status}" if status not in REDIRECTION else str(error), status=status)
    code = response.headers.get("iothub-errorcode") or code
    kind, is_transient = _classify(status, code, transient_conflict=code not in final_conflicts)
    if not (code or kind is BusyError or _is_bare_refusal_of_a_token(response)):
        return foreign(f"status {status} came without one of Azure's error messages", status=status)
    fact = f"Azure answers {status}" + (f" {code}" if code else "") + (f": {message}" if message else "")
    absent = status == 404 and (code in _ABSENT or (code.isdigit() and code.startswith("404")))  # noqa: PLR2004 - HTTP 404
    is_transient = is_transient and (kind is not NotFoundError or absent or code in _NO_HUB)
    return Failure(kind, fact, is_transient, status, code, _retry_after(response), absent)


def _is_bare_refusal_of_a_token(response: "HttpResponse") -> bool:
    """401 with the challenge that Azure sends for a token; a proxy's login is Basic, NTLM or Negotiate."""
    challenge = str(response.headers.get("WWW-Authenticate") or "").lower()
    return response.status_code == 401 and challenge.startswith(("bearer", "sharedaccesssignature"))  # noqa: PLR2004 - HTTP's number


def envelope(response: "HttpResponse") -> tuple[str, str]:
    """Code and message from the body: ARM's form, Microsoft.Devices' numeric one, its form of 2017, or a hub's own; else empty.

    Source: learn.microsoft.com/rest/api, common error response; recorded traffic for the others. A hub names its code in a header.
    """
    try:
        code, message = _code_and_message(content(response))
    except ForeignAnswerError:
        code, message = "", ""
    return response.headers.get("iothub-errorcode") or code, message


def _code_and_message(body: Any) -> tuple[str, str]:
    if not isinstance(body, dict):
        return "", ""
    inner = body.get("error")
    if isinstance(inner, str):  # OAuth's form
        return inner, _one_line(body.get("error_description"))
    found = inner if isinstance(inner, dict) else {key.lower(): value for key, value in body.items()}
    code, message = str(found.get("code") or found.get("errorcode") or ""), str(found.get("message") or "")
    if hub_message := _HUB_MESSAGE.match(message):
        return hub_message["code"], _one_line(hub_message["message"])
    if message.startswith("{"):  # a hub's numbered error, as text inside its other envelope
        try:
            nested = json.loads(message)
            return str(nested.get("errorCode") or code), _one_line(nested.get("message"))
        except (ValueError, AttributeError, RecursionError):
            pass
    return code, _one_line(message)


def _classify(status: int, code: str, *, transient_conflict: bool) -> tuple[type[AzureError], bool]:
    """The kind of error, and whether a retry may help."""
    kind: type[AzureError]
    match status:
        case 403 if (
            code.isdigit() or code == _WRONG_TIER
        ):  # a refusal by Microsoft.Devices itself (a quota); missing rights come from ARM, with a code in words
            return RefusedError, False
        case 401 if code in _NO_HUB:
            kind = NotFoundError
        case 401 | 403:
            kind = DeniedError
        case 404:
            kind = NotFoundError
        case 412:
            return EtagError, False
        case _ if status in (408, 429) or status >= 500 or (status == 409 and transient_conflict):  # noqa: PLR2004 - HTTP's own numbers
            kind = BusyError
        case _:
            return RefusedError, False
    return kind, True


def _retry_after(response: "HttpResponse") -> float | None:
    """Seconds: whole ones in `Retry-After`, milliseconds in `retry-after-ms`, or a date. None for what nobody can wait for."""
    value = response.headers.get("retry-after-ms") or response.headers.get("Retry-After") or ""
    try:
        seconds = float(value) / (1000 if "retry-after-ms" in response.headers else 1)
    except ValueError:
        date = email.utils.parsedate_tz(value)
        try:
            seconds = email.utils.mktime_tz(date) - time.time() if date else math.nan
        except (ValueError, OverflowError):
            seconds = math.nan
    return seconds if 0 <= seconds <= LONGEST_RETRY_AFTER else None  # not a number compares as false


def _one_line(message: object) -> str:
    """One line, without the tail for support that every message of Microsoft.Devices ends with."""
    return one_line(_TAIL.sub("", str(message or "")), most=400)
