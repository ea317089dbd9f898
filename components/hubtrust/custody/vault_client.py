"""Calls to one vault through azure-keyvault-keys: with retries and limits, and with errors of ours."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError as CoreError
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)

from hubtrust.azure import reachability
from hubtrust.azure.error_bodies import envelope
from hubtrust.azure.errors import (
    AzureError,
    BusyError,
    CredentialsError,
    DeniedError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)
from hubtrust.azure.generated_models import complete
from hubtrust.azure.login import login
from hubtrust.azure.network_faults import network_fault
from hubtrust.azure.retry import (
    LAST_ATTEMPT,
    NEW_VAULT,
    ROLE_WAITS,
    VAULT_DEADLINE,
    VAULT_RETRIES,
    VAULT_ROLE,
    VAULT_ROLE_SPREAD,
    retry_context,
)
from hubtrust.azure.time_limit import TimeOverError, within
from hubtrust.custody.key_id import VaultId
from hubtrust.errors import one_line
from hubtrust.process import show_message

DELETED = "ObjectIsDeletedButRecoverable"  # a deleted key has this name, and can be recovered
# Tries and seconds: a throttled vault says when to try again; a name that does not resolve will not resolve later.
_CLIENT_OPTIONS: dict[str, Any] = {"retry_total": 6, "retry_connect": 2, "retry_backoff_max": 15}
_NO_ROLE = "ForbiddenByRbac"
_PROBE = "hubtrust-access"  # a key that does not exist: that it is not found says that this login may read keys
_OTHER_TENANT = "AKV10032"  # "Invalid issuer": the token is of another tenant
_DENIED = (
    "give this identity the role Key Vault Crypto User on the key (Crypto Officer to create keys); a new role takes minutes to take effect"
)
_REMEDIES = {
    "KeyDisabled": "enable it (az keyvault key set-attributes --enabled true), or use another key",
    "KeyExpired": "extend its dates, or use another key",
    "KeyOperationForbidden": "add `sign` to the key's permitted operations",
    "KeyNotFound": "check the name and the version, or let the key be created here (see docs/custody.md)",
    "ForbiddenByFirewall": "allow this machine's address in the vault's firewall, or run where the vault can be reached",
    "ForbiddenByConnection": "run where the vault's private endpoint can be reached, or allow its public network access",
    "ForbiddenByPolicy": "let the vault use roles (az keyvault update --enable-rbac-authorization true), or allow get, create and sign",
    DELETED: "recover the deleted key of that name (az keyvault key recover), or use another name",
    "ObjectIsBeingDeleted": "wait until it is deleted, or use another name",
}
_T = TypeVar("_T")
_granted: set[str] = set()  # vaults on which this process has waited for a role: it may not be known everywhere yet


class RoleMissingError(DeniedError):
    """403 for want of a role; one that was given a moment ago may not have taken effect yet."""


class VaultClient:
    """The keys of one vault. The connection lasts as long as the process."""

    def __init__(self, vault: VaultId) -> None:
        self.vault = vault
        self._keys: Any = None

    @property
    def keys(self) -> Any:
        """azure-keyvault-keys' KeyClient."""
        from azure.keyvault.keys import KeyClient

        if self._keys is None:
            complete("azure.keyvault.keys")
            self._keys = KeyClient(self.vault.uri, self._credential, **self._options)
        return self._keys

    def cryptography(self, key: Any) -> Any:
        """azure-keyvault-keys' CryptographyClient for a KeyVaultKey."""
        from azure.keyvault.keys.crypto import CryptographyClient

        return CryptographyClient(key, self._credential, **self._options)

    def call(self, what: str, step: Callable[[], _T]) -> _T:
        """``step`` with retries, until its time is over.

        A vault that did not answer in this process before gets one short try. Where this process has waited for a role, one that is
        missing is waited for again: not every part of Key Vault learns of it at the same time.

        Raises:
            AzureError: the vault can't be reached or refuses the call.
        """
        if self.vault.uri not in _granted:
            return self._call(what, step)
        for attempt in retry_context(on=RoleMissingError, attempts=None, timeout=VAULT_ROLE_SPREAD, **ROLE_WAITS):
            with attempt:
                return self._call(what, step)
        raise AssertionError  # pragma: no cover - retry_context returns or raises

    def wait_for_access(self, seconds: float = VAULT_ROLE) -> None:
        """Wait until this login may use the vault's keys, up to ``seconds``; the user is told of it once.

        Raises:
            RoleMissingError: no role has taken effect by then.
            AzureError: as ``call``; a new vault's name may take a while to resolve.
        """
        _granted.discard(self.vault.uri)
        told, started = False, time.monotonic()

        def waits_for(error: Exception) -> bool:
            nonlocal told
            is_role = isinstance(error, RoleMissingError)
            if is_role and not told:
                told = True
                what = f"vault '{self.vault.name}': waiting for this login's role on its keys to take effect"
                show_message(f"{what}; Azure takes up to 10 minutes for a new one")
            return is_role or (isinstance(error, UnreachableError) and time.monotonic() - started < NEW_VAULT)

        try:
            for attempt in retry_context(on=waits_for, attempts=None, timeout=seconds, **ROLE_WAITS):
                with attempt:
                    self._call(f"vault '{self.vault.name}'", self._probe)
        except RoleMissingError as error:
            fact = f"{error.fact}; no role of this login on its keys has taken effect within {time.monotonic() - started:.0f} s"
            remedy = "give this login Key Vault Crypto Officer on the vault, or run again in some minutes: the run continues from here"
            raise RoleMissingError(error.what, fact, remedy) from None
        _granted.add(self.vault.uri)

    def _probe(self) -> None:
        try:
            self.keys.get_key(_PROBE)
        except ResourceNotFoundError:
            return

    def _call(self, what: str, step: Callable[[], _T]) -> _T:
        host = urlsplit(self.vault.uri).netloc
        is_last = reachability.is_unreachable(host)
        with _errors_translated(what, self.vault.uri):
            found = within(LAST_ATTEMPT if is_last else VAULT_DEADLINE, step if is_last else lambda: _with_retries(step))
        reachability.record(host, reached=True)
        return found

    @property
    def _options(self) -> dict[str, Any]:
        from hubtrust.custody.vault_transport import VaultTransport

        return _CLIENT_OPTIONS | {"transport": VaultTransport()}

    @property
    def _credential(self) -> Any:
        return login(self.vault.cloud, os.environ).credential


_CLIENTS: dict[VaultId, VaultClient] = {}
_GUARD = threading.Lock()


def client(vault: VaultId) -> VaultClient:
    """The process's client for ``vault``; this makes no call to it."""
    with _GUARD:
        return _CLIENTS.setdefault(vault, VaultClient(vault))


def inner_code(response: Any) -> str:
    """The inner error code: Key Vault answers Forbidden for many reasons and names the reason inside; empty if there is none."""
    try:
        found = {name.lower(): value for name, value in response.json()["error"].items()}
        return str(found["innererror"]["code"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def _with_retries(step: Callable[[], _T]) -> _T:
    """Retry when the response was lost: azure-core never repeats a POST, and to sign or to read a key twice does no harm."""
    for attempt in retry_context(on=(ServiceRequestError, ServiceResponseError), **VAULT_RETRIES):
        with attempt:
            return step()
    raise AssertionError  # pragma: no cover - retry_context returns or raises


@contextmanager
def _errors_translated(what: str, vault: str) -> Iterator[None]:
    """Raise errors of azure-core as this package's own."""
    try:
        yield
    except (ServiceRequestError, ServiceResponseError) as error:
        reachability.record(urlsplit(vault).netloc, reached=False)
        fault = network_fault(error, vault)
        raise UnreachableError(what, f"the vault can't be reached: {fault.fact}", f"check the vault's name; {fault.remedy}") from None
    except TimeOverError:
        reachability.record(urlsplit(vault).netloc, reached=False)
        raise UnreachableError(what, "the vault does not answer in time", "check the vault's name, network and proxy") from None
    except HttpResponseError as error:
        raise _refusal(what, error) from None
    except (CoreError, ValueError) as error:  # ValueError: a challenge that is not the vault's own
        raise AzureError(what, _short(error), "check the vault's name and the login, then run again") from None


def _refusal(what: str, error: HttpResponseError) -> AzureError:
    response: Any = error.response
    if response is None or isinstance(error, ClientAuthenticationError):
        return CredentialsError(what, _short(error), _login_remedy(error))
    code, message = envelope(response)
    inner = inner_code(response) or code
    fact = f"Key Vault answers {response.status_code} {inner}" + (f": {message.partition(' Caller: ')[0]}" if message else "")
    match response.status_code:
        case 403:
            kind = RoleMissingError if inner == _NO_ROLE else DeniedError
            return kind(what, fact, _REMEDIES.get(inner, _DENIED))
        case 404:
            return NotFoundError(what, fact, _REMEDIES.get(inner, _REMEDIES["KeyNotFound"]))
        case status if status == 429 or status >= 500:  # noqa: PLR2004 - HTTP's own numbers
            return BusyError(what, fact, "run again later: work already done is kept, and the next run continues from it")
    return RefusedError(what, fact, _REMEDIES.get(inner, "correct what Key Vault names, then run again"), code=inner)


def _login_remedy(error: Exception) -> str:
    if _OTHER_TENANT in str(error):
        return "the vault is in another tenant: log in to that one (az login --tenant, ARM_TENANT_ID), or use a vault of this tenant"
    return "log in (az login), or set the variables of a service principal or of workload identity"


def _short(error: Exception) -> str:
    return one_line(error) or type(error).__name__
