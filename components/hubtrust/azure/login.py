"""Login to Azure: with azure-native's environment variables if they are set, otherwise with azure-identity's default chain."""

import logging
import re
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from hubtrust.azure import reachability
from hubtrust.azure.clouds import Cloud
from hubtrust.azure.errors import AzureError, CredentialsError, UnreachableError
from hubtrust.azure.retry import LAST_ATTEMPT, LOGIN_TIMEOUT, TOKEN_RESERVE
from hubtrust.azure.time_limit import TimeOverError, within
from hubtrust.errors import HubtrustError, one_line
from hubtrust.file_content import file_content

# azure-identity's default chain ends at the first credential that is configured and fails.
_ATTEMPT = re.compile(r"^\t(\w+): (.*)$", re.MULTILINE)
_BEFORE_WORKLOAD_IDENTITY = {"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_TOKEN_CREDENTIALS"}
_FIRST_FAILURE = 300  # HTTP status
_NOBODY = "log in (az login), or set the variables of a service principal or of workload identity"
_REFUSED = "check the tenant, the client id and the secret or federated credential that this login uses: Azure refuses them"
_HUNG = "check network and proxy, and whether `az account get-access-token` or the machine's managed identity answers"
_SECONDS = {"retry_connect": 0, "retry_read": 0}  # azure-identity's own tries: the request that needs the token is tried again as a whole


class TokenSource(Protocol):
    """The part of azure-identity's credentials that this package uses."""

    def get_token(self, *scopes: str) -> Any:
        """An access token with ``token`` and ``expires_on``."""
        ...


class Login:
    """Tokens for one cloud, kept in memory until shortly before they expire; every provider call of a process shares one login."""

    def __init__(self, cloud: Cloud, environment: Mapping[str, str]) -> None:
        self._cloud = cloud
        self._environment = environment
        self._what = f"login at {cloud.login}"
        self._source: TokenSource | None = None
        self._watch: Any = None  # the transport of azure-identity's requests
        self._tokens: dict[str, Any] = {}  # azure-core's AccessToken, by scope
        self._lock = threading.Lock()

    @property
    def credential(self) -> Any:
        """A credential for Azure's own clients, which request tokens themselves: those of this login, with its limits and errors."""
        return _Credential(self)

    def token(self, scope: str, *, within_seconds: float = LOGIN_TIMEOUT) -> str:
        """A bearer token for ``scope``.

        Raises:
            CredentialsError: nobody is logged in, or the login was refused.
            UnreachableError: the login does not answer in time, or somebody else answers.
        """
        return str(self.access_token(scope, within_seconds=within_seconds).token)

    def access_token(self, scope: str, *, within_seconds: float = LOGIN_TIMEOUT) -> Any:
        """As ``token``, with the time at which it expires: azure-core's AccessToken."""
        end = time.monotonic() + within_seconds
        if not self._lock.acquire(timeout=within_seconds):
            raise UnreachableError(self._what, f"no token within {within_seconds:.0f} s", _HUNG)
        try:
            known = self._tokens.get(scope)
            if known is None or known.expires_on - time.time() < TOKEN_RESERVE:
                limit = LAST_ATTEMPT if reachability.is_unreachable(self._what) else within_seconds
                known = self._tokens[scope] = self._request(scope, min(limit, max(end - time.monotonic(), 0.1)))
                reachability.record(self._what, reached=True)
            return known
        finally:
            self._lock.release()

    def _request(self, scope: str, seconds: float) -> Any:
        from azure.core.exceptions import AzureError as CoreError

        from hubtrust.azure.login_transport import LoginTransport

        watch = self._watch = self._watch or LoginTransport(self._cloud.login)
        watch.forget()

        def request() -> Any:
            self._source = self._source or source(self._cloud, self._environment, watch)
            return self._source.get_token(scope)

        try:
            return within(seconds, request)
        except TimeOverError:
            self._source = self._watch = None  # they may be waiting for ever
            if watch.fault is not None:
                raise UnreachableError(self._what, f"{watch.fault.fact}, and there is no token within {seconds:.0f} s", _HUNG) from None
            raise UnreachableError(self._what, f"no token within {seconds:.0f} s", _HUNG) from None
        except (CoreError, ValueError) as error:  # ValueError: a malformed tenant, authority or certificate
            raise self._error(error, watch) from None

    def _error(self, error: Exception, watch: Any) -> AzureError:
        """Why there is no token. The chain keeps texts and no causes, so that the transport has to say whether Azure was reached."""
        if isinstance(error.__cause__, AzureError):
            return error.__cause__
        if watch.fault is not None:
            return UnreachableError(self._what, watch.fault.fact, watch.fault.remedy, limit=watch.fault.limit)
        return CredentialsError(self._what, _fact(error), _REFUSED if watch.refused else _NOBODY)

    def renew(self) -> None:
        """Drop every token, because Azure refused one that has not expired (401)."""
        with self._lock:
            self._tokens.clear()
            self._source = None


class _Credential:
    """azure-core's TokenCredential."""

    def __init__(self, owner: Login) -> None:
        self._owner = owner

    def get_token(self, *scopes: str, **_options: Any) -> Any:
        """An access token. Claims and tenants of a challenge are ignored: a login is for one tenant."""
        return self._owner.access_token(scopes[0])


_LOGINS: dict[Cloud, Login] = {}
_GUARD = threading.Lock()


def login(cloud: Cloud, environment: Mapping[str, str]) -> Login:
    """The process's login for ``cloud``; created at first use, from ``environment``."""
    with _GUARD:
        return _LOGINS.setdefault(cloud, Login(cloud, environment))


def source(cloud: Cloud, environment: Mapping[str, str], transport: Any = None) -> TokenSource:
    """The credential that ``environment`` describes; its requests go through ``transport``.

    ``ARM_TENANT_ID`` and ``ARM_CLIENT_ID`` with a secret, a token, a token file or a pipeline's token endpoint, as azure-native
    reads them, so that one set of variables serves the whole program. Without them azure-identity decides: its own variables,
    workload identity, managed identity, az CLI (learn.microsoft.com/python/api/azure-identity).
    """
    from azure.identity import ClientAssertionCredential, ClientSecretCredential, DefaultAzureCredential, WorkloadIdentityCredential

    for name in ("azure", "msal"):  # what they log is raised too; the user would see it twice, in many lines
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    options: dict[str, Any] = {"authority": cloud.login, "disable_instance_discovery": not cloud.known, **_SECONDS}
    if transport is not None:
        options["transport"] = transport
    tenant, client = environment.get("ARM_TENANT_ID"), environment.get("ARM_CLIENT_ID")
    if tenant and client and "AZURE_CLIENT_ID" not in environment:
        secret = environment.get("ARM_CLIENT_SECRET")
        if secret:
            return ClientSecretCredential(tenant, client, secret, **options)
        if environment.get("ARM_USE_OIDC") == "true":
            return ClientAssertionCredential(tenant, client, lambda: assertion(environment), **options)
    file, tenant, client = (environment.get(f"AZURE_{name}") for name in ("FEDERATED_TOKEN_FILE", "TENANT_ID", "CLIENT_ID"))
    if file and tenant and client and not environment.keys() & _BEFORE_WORKLOAD_IDENTITY:
        # With these variables the chain always asks the public cloud's login, whatever authority it is given (azure-identity 1.27).
        return WorkloadIdentityCredential(tenant_id=tenant, client_id=client, token_file_path=file, **options)
    return DefaultAzureCredential(exclude_interactive_browser_credential=True, **options)


def assertion(environment: Mapping[str, str]) -> str:
    """The federated token of a pipeline, from a variable, a file or GitHub's endpoint; read each time, because it is short-lived.

    Raises:
        CredentialsError: there is none in any of the three.
    """
    if token := environment.get("ARM_OIDC_TOKEN"):
        return token
    if path := environment.get("ARM_OIDC_TOKEN_FILE_PATH"):
        remedy = "provide the token file, or unset ARM_USE_OIDC"
        try:
            return file_content(Path(path), what="ARM_OIDC_TOKEN_FILE_PATH", remedy=remedy).decode("ascii").strip()
        except HubtrustError as error:
            raise CredentialsError("workload identity", f"{error.what}: {error.fact}", remedy) from None
        except UnicodeDecodeError:
            raise CredentialsError("workload identity", "ARM_OIDC_TOKEN_FILE_PATH: the file has no token", remedy) from None
    url, bearer = environment.get("ACTIONS_ID_TOKEN_REQUEST_URL"), environment.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if url and bearer:
        return _pipeline_token(url, bearer, environment.get("ARM_OIDC_AUDIENCE") or "api://AzureADTokenExchange")
    fact = "ARM_USE_OIDC is true, but there is no ARM_OIDC_TOKEN, no ARM_OIDC_TOKEN_FILE_PATH and no token endpoint of the pipeline"
    raise CredentialsError("workload identity", fact, "give the job permission to request an id token (id-token: write)")


def _pipeline_token(url: str, bearer: str, audience: str) -> str:
    """A token from GitHub's endpoint. Source: docs.github.com, "OpenID Connect reference"."""
    from azure.core import PipelineClient
    from azure.core.exceptions import AzureError as CoreError
    from azure.core.rest import HttpRequest

    from hubtrust.azure.json_body import ForeignAnswerError, content
    from hubtrust.azure.network_faults import network_fault
    from hubtrust.azure.transport import LimitedTransport

    what = "the pipeline's token endpoint"
    client: PipelineClient[Any, Any] = PipelineClient(url, policies=[], transport=LimitedTransport())
    request = HttpRequest("GET", url, params={"audience": audience}, headers={"Authorization": f"Bearer {bearer}"})
    try:
        with client:
            answer = client.send_request(request)
            found = content(answer)
    except ForeignAnswerError as error:
        raise UnreachableError(what, str(error), "check the proxy (HTTPS_PROXY, NO_PROXY) of the job") from None
    except CoreError as error:
        fault = network_fault(error, url)
        raise UnreachableError(what, fault.fact, fault.remedy, limit=fault.limit) from None
    token = found.get("value") if isinstance(found, dict) and answer.status_code < _FIRST_FAILURE else None
    if not isinstance(token, str) or not token:
        fact = f"it gives no token (it answers {answer.status_code})"
        raise CredentialsError(what, fact, "give the job permission to request an id token (id-token: write)")
    return token


def _fact(error: Exception) -> str:
    """One line of azure-identity's error, which is long: that of the az CLI if it was tried, otherwise that of the last attempt."""
    text = str(error)
    attempts = dict(_ATTEMPT.findall(text))
    message = attempts.get("AzureCliCredential") or (list(attempts.values())[-1] if attempts else text)
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return one_line(lines[0] if lines else type(error).__name__, most=300)
