"""What Resource Manager says of a provisioning service: its linked hubs, and the certificates that are proven on it.

Read once in a process, which is one run, and again before something is refused because of it.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from hubtrust.azure.absence import found_again, read_service
from hubtrust.azure.certificates import Certificates, RegisteredCertificate
from hubtrust.azure.client import AzureClient
from hubtrust.azure.errors import NotFoundError
from hubtrust.azure.service import Service


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """A provisioning service as Resource Manager shows it."""

    hubs: frozenset[str]  # host names of linked hubs, lower case
    certificates: Mapping[str, RegisteredCertificate]  # by their names, lower case

    @property
    def verified(self) -> frozenset[str]:
        """SHA-1 thumbprints of the certificates that are verified."""
        return frozenset(one.thumbprint for one in self.certificates.values() if one.verified)

    @property
    def shown_hubs(self) -> str:
        """Which hubs are linked, for a message about one that is not."""
        if not self.hubs:
            return "no hub is linked"
        return f"linked {'is' if len(self.hubs) == 1 else 'are'} {', '.join(sorted(self.hubs))}"

    def names_of(self, thumbprint: str) -> list[str]:
        """The names under which the certificate with this SHA-1 thumbprint is there."""
        return [one.name for one in self.certificates.values() if one.thumbprint == thumbprint]


_read: dict[str, ServiceFacts] = {}
_GUARD = threading.Lock()


def forget() -> None:
    """Forget everything, for tests of several runs in one process."""
    with _GUARD:
        _read.clear()


def service_facts(client: AzureClient, owner: Service, *, fresh: bool) -> ServiceFacts:
    """What is known of ``owner`` in this process; with ``fresh``, or for the first time, Azure is asked.

    Raises:
        NotFoundError: it does not exist.
        AzureError: see ``AzureClient.send``.
    """
    with _GUARD:
        found = _read.get(owner.id.lower())
    if found is not None and not fresh:
        return found
    properties = read_service(client, owner) or found_again(lambda: read_service(client, owner), client.limits)
    if properties is None:
        raise NotFoundError(owner.title, "it does not exist", "check its resource id, refresh, then run again")
    names = (str(one.get("name") or "").lower() for one in properties.get("iotHubs") or [] if isinstance(one, Mapping))
    certificates = {one.name.lower(): one for one in Certificates(client, owner).every()}
    found = ServiceFacts(frozenset(filter(None, names)), certificates)
    with _GUARD:
        _read[owner.id.lower()] = found
    return found
