"""A canary without an entry on any hub: it enrols through a provisioning service, connects to the hub that it gets, and is removed again.

Registering under an id replaces the certificate of the device that has it, so the id must be free. Its device gets the owner tag before it
connects: what an interrupted check left has that tag, or has never connected.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from ssl import SSLContext

from cryptography.hazmat.primitives import hashes

from hubtrust.azure.bulk import Refusal, RefusalReason, deletion, twin_update
from hubtrust.azure.device_description import Twin
from hubtrust.azure.enrollment_service import EnrollmentService
from hubtrust.azure.errors import AzureError, EtagError, SessionError
from hubtrust.azure.registry import Registry
from hubtrust.devices.canary import PAYLOAD, Canary
from hubtrust.devices.link_faults import Fault, attempted, unreachable
from hubtrust.devices.registration import Assignment, Registrar, register
from hubtrust.errors import HubtrustError
from hubtrust.pki.certificate import load_certificates
from hubtrust.reconcile_errors import AlreadyExistsError, ConnectionFailedError

_MOST_TRIES = 5  # of a removal: others may write the same device meanwhile


@dataclass(frozen=True)
class EnrolledCanary:
    """The canary, and where it may get to. ``open_registry`` gets the host name of a hub, in lower case."""

    canary: Canary
    registrar: Registrar
    service: EnrollmentService
    hubs: Collection[str]  # host names, lower case: those to which it may be assigned
    hub_suffix: str  # of the cloud's hubs: no other host is asked
    open_registry: Callable[[str], Registry]
    owner: Mapping[str, str]
    find_id_scope: Callable[[], str | None]
    report: Callable[[str], None]

    def connect(self, *, now: datetime, deadline: float) -> Assignment:
        """Register, connect to the hub, publish one message, and remove what was made. Retried for ``deadline`` seconds.

        Raises:
            ConnectionFailedError: a link is broken; the error says which, why and what to do.
            AlreadyExistsError: there is such a device, and it is not what an interrupted check left.
            AzureError: nobody can say whether there is one, or what was made can't be removed.
            PkiError: the authority can't sign for this device at ``now``.
        """
        from hubtrust.azure.mqtt_connection import context

        self._require_free()
        identity = self.canary.identity(now)
        leaf = load_certificates(identity.chain, what="chain")[0].fingerprint(hashes.SHA256()).hex().upper()
        tls = context(identity)
        places = set[Assignment]()
        try:
            found = attempted(lambda seconds: self._once(tls, leaf, seconds, places), deadline=deadline, report=self.report)
        except HubtrustError:
            self._remove_after_a_failure(places, leaf)
            raise
        self._remove(places, leaf)
        return found

    def _require_free(self) -> None:
        device_id = self.canary.device_id
        registration = self.service.registration(device_id)
        there = (registration.assigned_hub or "").lower() if registration else ""
        what = f"canary '{device_id}'"
        remedy = "give the check an id that no device has: it registers with a key of its own, and removes the device afterwards"
        if there and there not in self.hubs:
            fact = f"a device of this id has registered with {self.registrar.title}, and is on IoT hub '{there.partition('.')[0]}'"
            raise AlreadyExistsError(what, fact, remedy)
        for host in self.hubs:
            with self.open_registry(host) as registry:
                found = registry.find(device_id) if host == there else registry.twin(device_id)
                if found is None:  # a 404 may be wrong, and a device that is there would lose its certificate
                    registry.require_absent(device_id)
            left_behind = found and (found.description.owner == self.owner or (host == there and _never_connected(found)))
            if found and not left_behind:
                fact = f"IoT hub '{host.partition('.')[0]}' has a device of this id, and registering would replace its certificate"
                raise AlreadyExistsError(what, fact, remedy)

    def _once(self, tls: SSLContext, leaf: str, seconds: float, places: set[Assignment]) -> Assignment:
        from hubtrust.azure.device_session import publish_once

        found = register(self.canary, self.registrar, tls, seconds=seconds, find_id_scope=self.find_id_scope)
        places.add(found)
        if found.hub.lower() not in self.hubs:
            fact = f"it is assigned to '{found.hub}', which is none of {', '.join(sorted(self.hubs))}"
            remedy = "unlink that hub, or name the hubs and the allocation that you mean in the enrollment"
            raise ConnectionFailedError(f"canary '{self.canary.device_id}'", f"assigned elsewhere: {fact}", remedy, temporary=False)
        with self.open_registry(found.hub.lower()) as registry:
            self._mark(registry, found, leaf)
            try:
                publish_once(found.hub, found.device_id, tls, payload=PAYLOAD, timeout=seconds)
            except SessionError as error:
                raise _diagnose(error, registry, found, leaf) from None
        return found

    def _mark(self, registry: Registry, place: Assignment, leaf: str) -> None:
        """Write the owner tag: from now on a later run knows that the device is the check's."""
        for _ in range(_MOST_TRIES):
            found = registry.twin(place.device_id)
            if found is None or leaf not in found.description.thumbprints:
                return  # the hub refuses the device, and the reason is told then
            if found.description.owner == self.owner or not registry.bulk([twin_update(found, {}, {}, self.owner)]):
                return

    def _remove(self, places: Collection[Assignment], leaf: str) -> None:
        """Remove the device from the hubs first: without it, the registration that stays tells a later run where to look."""
        for place in places:
            if place.hub.lower().endswith(f".{self.hub_suffix}"):
                self._remove_device(place, leaf)
        for attempt in range(_MOST_TRIES):
            found = self.service.registration(self.canary.device_id)
            if found is None:
                return
            try:
                self.service.delete_registration(found)
            except EtagError:
                if attempt == _MOST_TRIES - 1:
                    raise
            else:
                return

    def _remove_device(self, place: Assignment, leaf: str) -> None:
        refused: list[Refusal] = []
        with self.open_registry(place.hub.lower()) as registry:
            for _ in range(_MOST_TRIES):
                found = registry.twin(place.device_id)
                if found is None or not (leaf in found.description.thumbprints or found.description.owner == self.owner):
                    return
                refused = [one for one in registry.bulk([deletion(found)]) if one.reason is not RefusalReason.ABSENT]
                if not refused:
                    return
        what = f"canary '{place.device_id}' on IoT hub '{place.hub.partition('.')[0]}'"
        remedy = "run again: the next check removes it"
        raise ConnectionFailedError(what, f"it connected, but the hub does not delete it: {refused[0].message}", remedy, temporary=False)

    def _remove_after_a_failure(self, places: Collection[Assignment], leaf: str) -> None:
        """The error that made the check fail is the one to show; what can't be removed is told beside it."""
        try:
            self._remove(places, leaf)
        except (AzureError, ConnectionFailedError) as error:
            self.report(f"what the canary '{self.canary.device_id}' made is left for the next check to remove: {error}")


def _never_connected(found: Twin) -> bool:
    return found.authentication == "selfSigned" and not found.was_active and found.description.owner is None


def _diagnose(error: SessionError, registry: Registry, place: Assignment, leaf: str) -> ConnectionFailedError:
    """Why the hub does not take the device that the service has just sent to it: its entry says so."""
    if error.stage != "device":
        return unreachable(error)
    try:
        found = registry.twin(place.device_id)
    except AzureError as unknown:
        fact = f"{error.fact}; and the hub's registry can't be read: {unknown.fact}"
        return ConnectionFailedError(error.what, fact, unknown.remedy, temporary=True)
    return entry_fault(found, place, leaf).error(error)


def entry_fault(found: Twin | None, place: Assignment, leaf: str) -> Fault:
    """Why a hub refuses a device that has just registered with the certificate of the SHA-256 thumbprint ``leaf``."""
    if found is None:
        fact = f"it was assigned to this hub, but the hub has no device '{place.device_id}'"
        return Fault("identity missing", fact, "find out who deletes it; a device must register again", temporary=True)
    if not found.description.enabled:
        why = f": {found.description.reason}" if found.description.reason else ""
        return Fault("disabled", f"the device is disabled{why}", "enable it, or use another id for the canary")
    if leaf not in found.description.thumbprints:
        fact = f"the hub knows another certificate of '{place.device_id}' than the one with which it has just registered"
        return Fault("certificate", fact, "register again: the hub accepts only the certificate of the last registration", temporary=True)
    fact = f"the hub does not accept '{place.device_id}', although it knows its certificate"
    return Fault("refused", fact, "run again; otherwise compare this machine's clock with the certificate's dates", temporary=True)
