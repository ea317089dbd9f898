"""What an enrollment's resource does about the devices that came by it: revoke them, enable them again, tell who must register again."""

import os
from collections.abc import Collection, Mapping
from typing import Any

from hubtrust.azure import clouds
from hubtrust.azure.absence import is_no_hubs_name
from hubtrust.azure.enrollment_service import INDIVIDUALS, Enrollment, EnrollmentService, Kind
from hubtrust.azure.errors import AzureError
from hubtrust.azure.login import login
from hubtrust.azure.registry import Registry
from hubtrust.azure.retry import READ_DEADLINE, READ_DENIED, READ_NOT_FOUND, READ_UNREACHABLE, RetryLimits
from hubtrust.dynamic.service_inputs import ServiceInputs
from hubtrust.enrollments.revocation import Enrolled, Revocation
from hubtrust.inputs import Properties
from hubtrust.process import show_message

_BRIEFLY = RetryLimits(READ_DEADLINE, denied=READ_DENIED, unreachable=READ_UNREACHABLE, not_found=READ_NOT_FOUND)


def after_write(
    inputs: ServiceInputs, service: EnrollmentService, found: Enrollment, olds: Properties, *, what: str, revoke: bool, was_there: bool
) -> dict[str, Any]:
    """Bring the devices of ``found``, as it was just written, to what its status means; returns the outputs about them.

    ``was_there``: it was not made by this run, so that an interrupted run may have disabled devices. A disabled individual enrollment that
    this run made may be there to keep out one device of a group, which has registered before: Azure's own way to exclude it
    (learn.microsoft.com/azure/iot-dps/how-to-revoke-device-access-portal).

    Raises:
        RevocationError: some devices could not be written; all others are.
        AzureError: the provisioning service does not tell its registrations.
    """
    excludes = revoke and found.kind is INDIVIDUALS and _is_disabled(found)
    if not olds and not was_there and not excludes:
        return outputs_of(Revocation())  # nobody can have come by it yet
    if _is_disabled(found) and revoke:
        outcome = _enrolled(inputs, service, found).revoke()
        _tell(outcome, f"{what} is disabled", what)
        return outputs_of(outcome)
    if olds.get("status") == "disabled" or olds.get("revoked") or not olds:
        restored = _enrolled(inputs, service, found).restore(what)
        if restored:
            show_message(f"{what}: {_devices(restored)} that were disabled with it are enabled again")
    return outputs_of(Revocation())


def after_fleet_write(
    inputs: ServiceInputs, service: EnrollmentService, what: str, off: Mapping[str, str | None], on: Mapping[str, str | None]
) -> None:
    """Disable the devices of the individual enrollments that are ``off`` now, and enable those of the ones that are ``on`` again.

    Both have the device id of each, where it is not the registration id.

    Raises:
        RevocationError, AzureError: see ``after_write``.
    """
    if off:
        outcome = _enrolled_by(inputs, service, INDIVIDUALS, off).revoke()
        _tell(outcome, f"{what}: {len(off):,} of its enrollments are disabled", what)
    if on and (restored := _enrolled_by(inputs, service, INDIVIDUALS, on).restore(what)):
        show_message(f"{what}: {_devices(restored)} that were disabled with their enrollments are enabled again")


def at_refresh(inputs: ServiceInputs, service: EnrollmentService, found: Enrollment, olds: Properties) -> dict[str, Any]:
    """The outputs about the devices after a refresh: with a disabled enrollment, those that are enabled on their hubs are ``left``.

    A hub that does not answer now, or not to this login, is no news of its devices.
    """
    known = {name: olds.get(name) for name in ("revoked", "left")}
    if olds.get("revokeDevices") is False or not _is_disabled(found):
        return known
    try:
        outcome = _enrolled(inputs, service, found, briefly=True).look()
    except AzureError as error:
        show_message(f"{service.host}: the devices of enrollment '{found.id}', which is disabled, are not read in this refresh: {error}")
        return known
    if outcome.left:
        what, remedy = f"{service.host}: enrollment '{found.id}'", "if it is declared so, `up` revokes them"
        show_message(f"{what} is disabled, but not all of its devices: {_first(outcome)}; {remedy}")
    return outputs_of(outcome)


def differ(olds: Properties, *, disabled: bool, revoke: bool) -> bool:
    """Whether there is something to do about the devices, by the outputs of the last run or refresh."""
    if disabled and revoke:
        return bool(olds.get("left")) or olds.get("revokeDevices") is False
    return bool(olds.get("revoked") or olds.get("left"))


def outputs_of(outcome: Revocation) -> dict[str, Any]:
    """As texts: Pulumi would take an id that is a key of an output for a property's name."""
    left = [f"{device_id}: {why}" for device_id, why in sorted(outcome.left.items())]
    return {"revoked": outcome.revoked or None, "left": left or None}


def tell_to_register(
    inputs: ServiceInputs, service: EnrollmentService, registration_id: str, before: Collection[str], now: Collection[str], what: str
) -> None:
    """Tell the user of a device whose certificate is another one now: its hub knows that with which it registered last.

    ``before`` and ``now`` are the SHA-256 thumbprints of the enrollment's certificates. That nobody can say is no error.
    """
    if set(before) <= set(now):
        return
    try:
        found = service.registration(registration_id)
        if found is None or not found.assigned_hub or not found.device_id:
            return
        with _open_registry(inputs, found.assigned_hub, briefly=True) as registry:
            twin = registry.twin(found.device_id)
    except AzureError:
        return
    if twin is not None and twin.authentication == "selfSigned" and not set(twin.description.thumbprints) & set(now):
        hub = found.assigned_hub.partition(".")[0]
        show_message(
            f"{what}: IoT hub '{hub}' knows device '{found.device_id}' by an earlier certificate, and refuses the new one until the device "
            "has registered with it: let it register again"
        )


def _tell(outcome: Revocation, disabled: str, what: str) -> None:
    outcome.require_complete(what)
    if outcome.revoked:
        show_message(f"{disabled}, and {_devices(outcome.revoked)} that registered with it, on their hubs")
    if outcome.declared:
        first, owner = next(iter(outcome.declared.items()))
        others = f" and {len(outcome.declared) - 1} more" if len(outcome.declared) > 1 else ""
        line = f"device '{first}'{others} of it is also declared by '{owner}', whose next `up` enables it again: disable it there too"
        show_message(f"{what}: {line}")


def _enrolled(inputs: ServiceInputs, service: EnrollmentService, found: Enrollment, *, briefly: bool = False) -> Enrolled:
    device_id = str(found.record.get("deviceId") or "") or None if found.kind is INDIVIDUALS else None
    return _enrolled_by(inputs, service, found.kind, {found.id: device_id}, briefly=briefly)


def _enrolled_by(
    inputs: ServiceInputs, service: EnrollmentService, kind: Kind, enrollments: Mapping[str, str | None], *, briefly: bool = False
) -> Enrolled:
    return Enrolled(
        service,
        kind,
        enrollments,
        clouds.cloud_named(inputs.cloud).hub_suffix,
        lambda host: _open_registry(inputs, host, briefly=briefly),
        lambda host: _is_no_hub(inputs, host),
        lambda: inputs.facts(False).hubs,
    )


def _open_registry(inputs: ServiceInputs, host: str, *, briefly: bool) -> Registry:
    cloud = clouds.cloud_named(inputs.cloud)
    return Registry(host, cloud, login(cloud, os.environ), _BRIEFLY if briefly else RetryLimits(inputs.deadline), show_message)


def _is_no_hub(inputs: ServiceInputs, host: str) -> bool:
    try:
        with inputs.resource_manager(_BRIEFLY) as client:
            return is_no_hubs_name(client, inputs.service_id.subscription, host.partition(".")[0])
    except AzureError:
        return False  # nobody can say: what the hub's own name answers is told


def _is_disabled(found: Enrollment) -> bool:
    return found.record.get("provisioningStatus") == "disabled"


def _devices(count: int) -> str:
    return "1 device" if count == 1 else f"{count:,} devices"


def _first(outcome: Revocation) -> str:
    first, why = next(iter(sorted(outcome.left.items())))
    more = f" and {len(outcome.left) - 1} more" if len(outcome.left) > 1 else ""
    return f"'{first}'{more}: {why}"
