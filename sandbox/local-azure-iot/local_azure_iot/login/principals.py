"""The applications that may log in, with a secret, with federated credentials, or with both."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local_azure_iot.store import Store

_DIRECTORY = "directory"
_PRINCIPAL = "principal"


@dataclass(frozen=True)
class Directory:
    """The only tenant with its only subscription."""

    tenant_id: str
    subscription_id: str
    client_id: str  # the application whose credentials `env` prints: Owner of the subscription


@dataclass(frozen=True, kw_only=True)
class FederatedCredential:
    """An outside issuer's subject that may log in as the application (workload identity federation)."""

    issuer: str
    subject: str
    audience: str
    jwks: dict[str, Any]  # the issuer's signing keys, as its own JWKS document


@dataclass(kw_only=True)
class Principal:
    """An application and its service principal."""

    client_id: str
    object_id: str
    name: str
    secret: str  # stored in the sandbox's own database only (readable by its owner); `env` has to print it again
    federated: list[FederatedCredential] = field(default_factory=list)


def directory(store: Store) -> Directory:
    """The tenant, created with its first application when the store is new."""
    found = store.get(_DIRECTORY, _DIRECTORY)
    if found:
        return Directory(**found)
    first = create(store, name="hubtrust sandbox deployer")
    created = Directory(str(uuid.uuid4()), str(uuid.uuid4()), first.client_id)
    store.put(_DIRECTORY, _DIRECTORY, asdict(created))
    return created


def create(store: Store, *, name: str) -> Principal:
    """A new application with a secret and no roles."""
    principal = Principal(client_id=str(uuid.uuid4()), object_id=str(uuid.uuid4()), name=name, secret=secrets.token_hex(20))
    save(store, principal)
    return principal


def save(store: Store, principal: Principal) -> None:
    """Write an application."""
    store.put(_PRINCIPAL, principal.client_id, asdict(principal))


def find(store: Store, client_id: str) -> Principal | None:
    """The application with this client id, or None."""
    found = store.get(_PRINCIPAL, client_id.lower())
    if found is None:
        return None
    found["federated"] = [FederatedCredential(**each) for each in found["federated"]]
    return Principal(**found)


def all_of(store: Store) -> list[Principal]:
    """All applications, oldest first."""
    return [found for each in store.list(_PRINCIPAL) if (found := find(store, each["client_id"]))]


KEPT_ON_RESET = (_DIRECTORY, _PRINCIPAL)
