"""Inputs that lead to a hub's or a provisioning service's own endpoint, and whether the service is there and admits this machine."""

import os
import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hubtrust.azure import clouds
from hubtrust.azure.absence import is_known_gone, read_service, service_is_gone
from hubtrust.azure.certificates import host_name
from hubtrust.azure.client import AzureClient
from hubtrust.azure.errors import AzureError, NotAdmittedError, NotFoundError, RefusedError
from hubtrust.azure.login import login
from hubtrust.azure.retry import DENIED, NETWORK_DENIED, READ_DEADLINE, READ_DENIED, READ_NOT_FOUND, READ_UNREACHABLE, RetryLimits
from hubtrust.azure.service import Service
from hubtrust.azure_inputs import AzureInputs, CloudInputs, report_if_gone
from hubtrust.inputs import Properties
from hubtrust.process import show_message
from hubtrust.reconcile_errors import DeclarationError

if TYPE_CHECKING:
    from hubtrust.azure.network_faults import NetworkFault

_HOST = re.compile(r"[A-Za-z0-9-]{3,50}(\.[a-z0-9-]+)+")
_NOUNS = {"iothubs": "hub", "provisioningservices": "provisioning service"}


def require_host(value: object, *, what: str = "hostName", noun: str = "hub", example: str = "hub-7.azure-devices.net") -> str:
    """``value`` as the host name of a service.

    Raises:
        DeclarationError: it is none.
    """
    if not _HOST.fullmatch(str(value)):
        raise DeclarationError(what, f"'{value}' is not a {noun}'s host name", f"write it as {example}, or leave it out")
    return str(value)


@dataclass(frozen=True, kw_only=True)
class EndpointInputs(AzureInputs):
    """A service with an endpoint of its own."""

    @property
    @abstractmethod
    def host_name(self) -> str | None:
        """Its host name, as declared."""

    @property
    @abstractmethod
    def service(self) -> Service:
        """The hub or provisioning service."""

    def moved(self, olds: Mapping[str, Any]) -> bool:
        """Whether the cloud or the host name differs from the old outputs."""
        return self.cloud != CloudInputs.read(olds).cloud or (self.host_name is not None and self.host_name != olds.get("hostName"))

    def resolve_host_name(self, *, denied: float = DENIED) -> str:
        """Its host name: the input, or else read from Resource Manager. A refusal is retried for ``denied`` seconds.

        Raises:
            NotFoundError: there is no such service.
            AzureError: Resource Manager can't be reached or refuses the call.
        """
        if self.host_name:
            return self.host_name
        with self._reading_client(denied) as client:
            found = host_name(client, self.service)
            if found is None and not service_is_gone(client, self.service):
                found = host_name(client, self.service)
        if found is None:
            raise NotFoundError(self.service.title, "it does not exist", "check its resource id, refresh, then run again")
        return found

    def is_gone(self) -> bool:
        """Whether it is confirmed that the service does not exist: a host name that can't be resolved may be a network problem.

        Raises:
            RefusedError: it was moved to another resource group.
        """
        try:
            with self._reading_client(READ_DENIED) as client:
                is_gone = host_name(client, self.service) is None and service_is_gone(client, self.service)
        except RefusedError:
            raise
        except AzureError:
            return False  # nobody could say: the error that made us ask is shown instead
        report_if_gone(self.service)
        return is_gone

    def endpoint_options(self, *, reading: bool, refreshing: bool, limits: RetryLimits | None = None) -> dict[str, Any]:
        """The arguments ``cloud``, ``login``, ``limits`` and ``on_denied`` of the client of its endpoint, and its ``host``.

        ``reading``: wait a moment only if the service is missing (see ``is_gone``). ``refreshing``: wait a moment only, too, if it may not
        admit this machine.

        Raises:
            CloudError, NotFoundError, AzureError: there is no such cloud or service.
        """
        limits = limits or RetryLimits(deadline=self.deadline)
        if reading:
            limits = replace(limits, not_found=0.0 if is_known_gone(self.service) else READ_NOT_FOUND, unreachable=READ_UNREACHABLE)
        cloud = clouds.cloud_named(self.cloud)
        host = self.resolve_host_name()
        signed_in, on_denied = login(cloud, os.environ), lambda: self._doubt(host, brief=refreshing)
        return {"host": host, "cloud": cloud, "login": signed_in, "limits": limits, "on_denied": on_denied}

    def _doubt(self, host: str, *, brief: bool) -> "NetworkFault | None":
        found = self._network_doubt(host)
        return replace(found, limit=NETWORK_DENIED) if found and brief else found

    def _network_doubt(self, host: str) -> "NetworkFault | None":
        """Whether the service's network settings may be why it refuses this machine; None also where Resource Manager doesn't say."""
        from hubtrust.azure.hub_network import network_doubt
        from hubtrust.azure.network_faults import NetworkFault

        try:
            with self._reading_client(READ_DENIED) as client:
                properties = read_service(client, self.service)
        except AzureError:
            return None
        if properties is not None:
            return network_doubt(properties, host, noun=_NOUNS[self.service.kind])
        if self.service.kind == "iothubs":
            return None  # a hub's own endpoint says that there is none
        return NetworkFault("Resource Manager has no such provisioning service", "check its resource id, then run again", READ_NOT_FOUND)

    def _reading_client(self, denied: float) -> AzureClient:
        return self.resource_manager(RetryLimits(deadline=min(self.deadline, READ_DEADLINE), denied=denied, not_found=0.0))


def unread(what: str, olds: Properties, error: NotAdmittedError) -> dict[str, Any]:
    """The outputs after a refresh in which the service did not admit this machine: as they were, until an `up` has read it.

    A service that others closed is opened again by the `up` of the stack that declares it open, and an `up` begins with a refresh. Nothing
    is taken for as it was: the difference makes the `up` read and write it, after the service, and fail if that is still closed.
    """
    show_message(f"{what} is not read in this refresh, and the next `up` reads it: {error.fact}; {error.remedy}")
    return {**olds, "unread": error.fact}
