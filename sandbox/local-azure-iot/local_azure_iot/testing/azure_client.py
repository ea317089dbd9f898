"""A client of local Azure for tests: it logs in and sends requests to Azure's own names through the proxy, as any client does."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_azure_iot import installation
from local_azure_iot.host_names import PUBLIC

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT_SECONDS = 60
_GROUPS = "2021-04-01"


class AzureRefusedError(AssertionError):
    """Local Azure refused a request that a test made; ``status`` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class AzureClient:
    """One local Azure, by the content of its ready file (`start` writes it; `local_azure_iot.installation` finds it)."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self.ready = dict(ready)
        context = ssl.create_default_context(cafile=self.ready["ca_file"])
        proxy = urllib.request.ProxyHandler({"https": self.ready["proxy"]})
        # Without the handlers of urllib's default: an answer is what Azure sent, and no redirect leads elsewhere.
        self._opener = urllib.request.build_opener(proxy, urllib.request.HTTPSHandler(context=context))
        self._token = ""

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point a program at this local Azure: for `subprocess`, or the fixture `local_azure_environment`."""
        return installation.environment(self.ready)

    @property
    def group(self) -> str:
        """The resource id of the group that the tests' hubs are in."""
        return f"/subscriptions/{self.ready['subscription_id']}/resourceGroups/local-azure-tests"

    @property
    def ca_file(self) -> Path:
        """The CA that a client must trust to believe local Azure's servers."""
        return Path(self.ready["ca_file"])

    def now(self) -> datetime:
        """The time at this local Azure, which a test may have set."""
        return datetime.fromisoformat(self.control("GET", "/clock")["now"])

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control port (faults, clock, logs, settings), and return its JSON.

        Raises:
            AzureRefusedError: It refuses the call.
        """
        try:
            return installation.call_control(self.ready, method, path, body)
        except urllib.error.HTTPError as error:
            raise AzureRefusedError(f"{method} {path} of the control port: {error.read().decode(errors='replace')}", error.code) from None

    def create_group(self) -> None:
        """Create the tests' resource group, if it is not there."""
        self.ask("PUT", self.group, {"location": "westeurope"}, version=_GROUPS)

    def ask(
        self, method: str, path: str, body: Any = None, *, version: str, headers: Mapping[str, str] | None = None, host: str = PUBLIC.arm
    ) -> Any:
        """Send a request to Resource Manager, or to another ``host``, and return the JSON of the answer (None: it has none).

        Resource Manager gets the deployer's token, unless ``headers`` has an `Authorization`.

        Raises:
            AzureRefusedError: The answer is an error; the message has it.
        """
        sent = {"Content-Type": "application/json", **(headers or {})}
        content = None if body is None else json.dumps(body).encode()
        url = f"https://{host}{path}?api-version={version}"
        if "Authorization" in sent:
            return self._send(method, url, content, sent)
        if self._token:
            try:
                return self._send(method, url, content, {**sent, "Authorization": f"Bearer {self._token}"})
            except AzureRefusedError as error:
                if error.status != HTTPStatus.UNAUTHORIZED:
                    raise  # otherwise the token's time is over, also where a test has set the clock
        return self._send(method, url, content, {**sent, "Authorization": f"Bearer {self._log_in()}"})

    def _log_in(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.ready["client_id"],
            "client_secret": self.ready["client_secret"],
            "scope": f"{PUBLIC.audiences[0].rstrip('/')}/.default",
        }
        url = f"https://{PUBLIC.login[0]}/{self.ready['tenant_id']}/oauth2/v2.0/token"
        content = urllib.parse.urlencode(form).encode()
        self._token = str(self._send("POST", url, content, {"Content-Type": "application/x-www-form-urlencoded"})["access_token"])
        return self._token

    def _send(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> Any:
        request = urllib.request.Request(url, method=method, headers=dict(headers), data=content)  # noqa: S310 - always https
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            raise AzureRefusedError(f"{method} {url}: {error.code} {error.read().decode(errors='replace')}", error.code) from None
        return json.loads(text) if text else None
