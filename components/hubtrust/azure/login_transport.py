"""The transport of azure-identity's requests: it remembers why the login did not answer, because azure-identity keeps texts only."""

from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError as CoreError
from azure.core.exceptions import ServiceResponseError

from hubtrust.azure.error_bodies import PROXY_REMEDY
from hubtrust.azure.json_body import ForeignAnswerError, content
from hubtrust.azure.network_faults import NetworkFault, network_fault
from hubtrust.azure.retry import SERVER_ERROR, THROTTLED
from hubtrust.azure.transport import LimitedTransport

# What the answer to a request for such a path has.
_MEMBERS = {
    "/token": ("access_token",),
    "/openid-configuration": ("authorization_endpoint", "token_endpoint", "issuer"),
    "/discovery/instance": ("tenant_discovery_endpoint",),
}
_FIRST_FAILURE = 300  # HTTP status


class _BusyError(Exception):
    """The login answers that it can't serve now."""


class LoginTransport(LimitedTransport):
    """Sends requests for tokens. ``fault`` is why ``login``, the authority, did not answer the last one; None if it did.

    ``refused`` says that it answered with an error of its own. Other hosts, such as that of managed identities, are not watched: most
    machines don't have them.
    """

    def __init__(self, login: str) -> None:
        super().__init__()
        self._host = urlsplit(login).netloc.lower()
        self.fault: NetworkFault | None = None
        self.refused = False

    def forget(self) -> None:
        """Forget the last request."""
        self.fault, self.refused = None, False

    def send(self, request: Any, **options: Any) -> Any:
        """Send, and read the answer.

        Raises:
            CoreError: there is no answer, or it is not one of the login's.
        """
        if urlsplit(request.url).netloc.lower() != self._host:
            return super().send(request, **options)
        try:
            response = super().send(request, **options)
            self._require_answer(content(response), response.status_code, urlsplit(request.url).path.lower())
        except ForeignAnswerError as error:
            self.fault = NetworkFault(str(error), PROXY_REMEDY)
            raise ServiceResponseError(str(error)) from None
        except _BusyError as error:
            self.fault = NetworkFault(f"it answers {error}", "run again later")
        except CoreError as error:
            self.fault = network_fault(error, request.url)
            raise
        else:
            self.fault = None
        return response

    def _require_answer(self, body: Any, status: int, path: str) -> None:
        """Refuse what is neither a token or metadata nor an error in OAuth's form (RFC 6749 5.1 and 5.2, RFC 8414 3.2)."""
        if not isinstance(body, dict):
            raise ForeignAnswerError("the answer is not the login's")
        if status == THROTTLED or status >= SERVER_ERROR:
            raise _BusyError(status)
        if status >= _FIRST_FAILURE:
            if not isinstance(body.get("error"), str):
                raise ForeignAnswerError(f"status {status} came without one of the login's error messages")
            self.refused = True
            return
        missing = [name for end, names in _MEMBERS.items() if path.endswith(end) for name in names if not isinstance(body.get(name), str)]
        if missing:
            raise ForeignAnswerError(f"the answer is not the login's (it has no '{missing[0]}')")
        if "access_token" in body and not str(body.get("expires_in")).isdecimal():
            raise ForeignAnswerError("the answer is not the login's (its token has no lifetime)")
