"""Login to Azure: with azure-native's environment variables if they are set, otherwise with azure-identity's default chain."""

import logging
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from hubtrust.azure.clouds import Cloud
from hubtrust.azure.errors import CredentialsError, UnreachableError

# azure-identity logs what is raised here anyway; without a handler of its own the user would see it twice, in many lines.
logging.getLogger("azure").addHandler(logging.NullHandler())
_ATTEMPT = re.compile(
    r"^\t(\w+): (.*)$", re.MULTILINE
)  # of the default chain, which ends at the first credential that is configured and fails
_BEFORE_WORKLOAD_IDENTITY = {"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_TOKEN_CREDENTIALS"}
_REMEDY = "log in (az login), or set the variables of a service principal or of workload identity"


# How requests reports that there was no answer: azure-identity's default chain keeps the text of each error, but not its cause.
_NO_RESPONSE = ("Connection aborted", "RemoteDisconnected", "Unable to connect to proxy", "Failed to establish a new connection")


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
        self._source: TokenSource | None = None
        self._lock = threading.Lock()

    @property
    def credential(self) -> Any:
        """The credential itself, for Azure's own clients, which request tokens themselves."""
        with self._lock:
            self._source = self._source or source(self._cloud, self._environment)
            return self._source

    def token(self, scope: str) -> str:
        """A bearer token for ``scope``.

        Raises:
            CredentialsError: nobody is logged in, or the login was refused.
            UnreachableError: the login endpoint does not answer.
        """
        from azure.core.exceptions import ClientAuthenticationError

        with self._lock:
            try:
                self._source = self._source or source(self._cloud, self._environment)
                return str(self._source.get_token(scope).token)
            except (ClientAuthenticationError, ValueError) as error:  # ValueError: a malformed tenant, authority or certificate
                what = f"login at {self._cloud.login}"
                if _is_unreachable(error):
                    raise UnreachableError(what, _fact(error), "check network and proxy") from None
                raise CredentialsError(what, _fact(error), _REMEDY) from None

    def renew(self) -> None:
        """Drop every token, because Azure refused one that has not expired (401)."""
        with self._lock:
            self._source = None


_LOGINS: dict[Cloud, Login] = {}
_GUARD = threading.Lock()


def login(cloud: Cloud, environment: Mapping[str, str]) -> Login:
    """The process's login for ``cloud``; created at first use, from ``environment``."""
    with _GUARD:
        return _LOGINS.setdefault(cloud, Login(cloud, environment))


def source(cloud: Cloud, environment: Mapping[str, str]) -> TokenSource:
    """The credential that ``environment`` describes.

    ``ARM_TENANT_ID`` and ``ARM_CLIENT_ID`` with a secret, a token, a token file or a pipeline's token endpoint, as azure-native
    reads them, so that one set of variables serves the whole program. Without them azure-identity decides: its own variables,
    workload identity, managed identity, az CLI (learn.microsoft.com/python/api/azure-identity).
    """
    from azure.identity import ClientAssertionCredential, ClientSecretCredential, DefaultAzureCredential, WorkloadIdentityCredential

    options = {"authority": cloud.login, "disable_instance_discovery": not cloud.known}
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
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            fact = f"ARM_OIDC_TOKEN_FILE_PATH can't be read ({error.strerror})"
            raise CredentialsError("workload identity", fact, "provide the token file, or unset ARM_USE_OIDC") from None
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

    client: PipelineClient[Any, Any] = PipelineClient(url, policies=[])
    request = HttpRequest("GET", url, params={"audience": audience}, headers={"Authorization": f"Bearer {bearer}"})
    try:
        with client:
            answer = client.send_request(request)
            answer.raise_for_status()
            return str(answer.json()["value"])
    except (CoreError, KeyError, TypeError, ValueError):
        fact = "the pipeline's token endpoint gave no token"
        raise CredentialsError("workload identity", fact, "give the job permission to request an id token (id-token: write)") from None


def _fact(error: Exception) -> str:
    """One line of azure-identity's error, which is long: that of the az CLI if it was tried, otherwise that of the last attempt."""
    text = str(error)
    attempts = dict(_ATTEMPT.findall(text))
    message = attempts.get("AzureCliCredential") or (list(attempts.values())[-1] if attempts else text)
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300].rstrip(".")


def _is_unreachable(error: Exception) -> bool:
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError

    no_response = isinstance(error.__cause__, ServiceRequestError | ServiceResponseError)
    return no_response or any(text in _fact(error) for text in _NO_RESPONSE)
