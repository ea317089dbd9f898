"""A canary registers with a provisioning service, and what the service's answer means if it is not a hub.

The texts that are compared are Azure's own, as users published them; each has a cause and what to do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ssl import SSLContext
from typing import TYPE_CHECKING, Any

from hubtrust.azure.errors import SessionError
from hubtrust.azure.retry import SERVER_ERROR, THROTTLED
from hubtrust.devices.canary import Canary
from hubtrust.devices.link_faults import Fault, unreachable
from hubtrust.errors import one_line
from hubtrust.reconcile_errors import ConnectionFailedError

if TYPE_CHECKING:
    from hubtrust.azure.registration_session import Answer

_UNKNOWN_SCOPE, _NOT_AUTHORIZED = 3, 5  # return codes of a CONNACK
_UNAUTHORIZED, _TWICE = 401002, 409203
_AGAIN = "run again in a minute"


_FAILURES = {  # of a registration for which an enrollment was found
    400207: Fault(
        "allocation",
        "the webhook of the enrollment's custom allocation failed",
        "correct the function behind it; Azure must reach its URL",
    ),
    400208: Fault("no hub", "no hub can be assigned", "link the hubs that the enrollment names, and let allocation use them"),
    400209: Fault(
        "hub link",
        "the service can't write the device on the hub that was chosen",
        "link the hub again with a key or role that holds now; if the hub is full, delete devices or use a larger tier",
    ),
}


@dataclass(frozen=True, slots=True)
class Registrar:
    """Where devices of a provisioning service register."""

    title: str  # of the service, in messages
    host: str  # the global one, or the service's own
    id_scope: str
    trust: Sequence[Mapping[str, Any]]  # the service's certificates, with ``thumbprint``, ``verified``, ``name``


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a service answers to a device that it admits: its hub's host name, and its id there."""

    hub: str
    device_id: str


def register(
    canary: Canary, registrar: Registrar, tls: SSLContext, *, seconds: float, find_id_scope: Callable[[], str | None]
) -> Assignment:
    """Register once, for at most ``seconds``. ``find_id_scope`` asks Resource Manager; None if it does not say.

    Raises:
        ConnectionFailedError: the service does not assign a hub; the error says why and what to do.
    """
    from hubtrust.azure.mqtt_connection import PORT
    from hubtrust.azure.registration_session import register_once

    try:
        answer = register_once(registrar.host, registrar.id_scope, canary.device_id, tls, timeout=seconds)
    except SessionError as error:
        raise _not_connected(error, canary, registrar, find_id_scope) from None
    what = f"registration of '{canary.device_id}' at {registrar.host}:{PORT} with {registrar.title}"
    if fault := _fault(answer, canary, registrar):
        raise ConnectionFailedError(what, f"{fault.reason}: {fault.fact}{_own_words(answer)}", fault.remedy, temporary=fault.temporary)
    return Assignment(str(answer.state["assignedHub"]), str(answer.state["deviceId"]))


def _not_connected(
    error: SessionError, canary: Canary, registrar: Registrar, find_id_scope: Callable[[], str | None]
) -> ConnectionFailedError:
    """The service closed the connection before it was asked anything."""
    if error.stage != "device":
        return unreachable(error)
    if error.return_code == _UNKNOWN_SCOPE:
        return _no_such_scope(registrar, find_id_scope()).error(error)
    if error.return_code == _NOT_AUTHORIZED:
        fact = f"the registration id '{canary.device_id}' must be the common name (CN) of the certificate, and an id that the service takes"
        return Fault(
            "registration id", fact, "use letters, digits and - . _ : in lower case, at most 64, with no sign but - at its end"
        ).error(error)
    return Fault(
        "refused", "the service ended the connection before it was asked", f"{_AGAIN}, and check the id scope", temporary=True
    ).error(error)


def _no_such_scope(registrar: Registrar, known: str | None) -> Fault:
    """MQTT has one code for an unknown id scope and for a service that is down; Resource Manager can tell them apart."""
    if known is None:
        fact = f"'{registrar.id_scope}' is an unknown id scope, or the service is down: Azure gives the same answer for both"
        return Fault(
            "id scope",
            fact,
            f"compare it with the id scope that Azure shows for {registrar.title}; if it is right, {_AGAIN}",
            temporary=True,
        )
    if known != registrar.id_scope:
        fact = f"'{registrar.id_scope}' is not the id scope of {registrar.title}, which has '{known}'"
        return Fault("id scope", fact, "set that one, also in your devices: a service that was deleted and created again has another one")
    return Fault("service down", f"{registrar.title} does not accept registrations, although its id scope is right", _AGAIN, temporary=True)


def _fault(answer: "Answer", canary: Canary, registrar: Registrar) -> Fault | None:
    """Why the answer gives the device no hub; None if it does."""
    if answer.status == THROTTLED:
        fact = f"{registrar.title} accepts no more registrations at the moment; Azure's limit is 1,000 a minute for each service"
        return Fault("throttled", fact, _AGAIN, temporary=True)
    if answer.status >= SERVER_ERROR:
        return Fault("service down", f"{registrar.title} answers {answer.status}", _AGAIN, temporary=True)
    if answer.code == _UNAUTHORIZED:
        return _unauthorized(answer.message.rstrip("."), canary, registrar)
    if answer.code == _TWICE:
        fact = f"an earlier registration of '{canary.device_id}' is under way: this check's, or that of another device or program"
        remedy = "run again in some minutes; if the error returns, give the canary an id of its own"
        return Fault("under way", fact, remedy, temporary=True)
    return _result(answer, registrar)


def _result(answer: "Answer", registrar: Registrar) -> Fault | None:
    """What became of a registration for which an enrollment was found."""
    if answer.result == "assigned" and answer.state.get("assignedHub") and answer.state.get("deviceId"):
        return None
    if answer.result == "assigning":
        return Fault("not assigned", f"{registrar.title} has not found a hub for the device in time", _AGAIN, temporary=True)
    if answer.result == "disabled":
        return Fault("enrollment disabled", "the enrollment that is for the device is disabled", "enable it, if its devices may enrol")
    if answer.code in _FAILURES:
        return _FAILURES[answer.code]
    reason = "failed" if answer.result == "failed" else "refused"
    return Fault(reason, f"{registrar.title} assigns no hub (it answers {answer.status})", "correct what the service names, then run again")


def _unauthorized(message: str, canary: Canary, registrar: Registrar) -> Fault:
    """401002, which has a cause for each of its messages."""
    if message == "CA certificate not found":
        listed = [f"'{one.get('name')}' ({'verified' if one.get('verified') else 'not verified'})" for one in registrar.trust]
        fact = f"the chain {canary.path()} ends at a CA that is not on {registrar.title}, or is not verified there"
        shown = f"{fact}; its certificates are: {', '.join(listed) or 'none'}"
        remedy = "prove the CA on the service (authorities of ProvisioningService): a proof on the hub does not count there"
        return Fault("CA not verified", shown, remedy, temporary=any(one.get("verified") for one in registrar.trust))
    if message == "Signing certificate info did not match chain elements":
        fact = "a group has a signing certificate of the same name, but the chain does not have it: a reissued CA is a different one"
        return Fault("signing certificate", fact, "give the group the CA's certificate as it is now, or a reference to it (authorities)")
    if message == "Invalid certificate":
        fact = "an individual enrollment has this id with another certificate, or a certificate of the chain is not valid now"
        return Fault("certificate", fact, "use an id that no individual enrollment has, or give the enrollment this certificate")
    fact = f"no enrollment is for a device with the chain {canary.path()}"
    remedy = (
        "declare an EnrollmentGroup with one of these CAs, and let devices send their whole chain up to it; "
        "if there is one, let the service's network rules admit devices from here"
    )
    return Fault("no enrollment", fact, remedy, temporary=True)


def _own_words(answer: "Answer") -> str:
    """The service's own reason, in brackets; nothing if it gave none."""
    words = " ".join(str(one) for one in (answer.code, one_line(answer.message)) if one)
    return f" ({words})" if words else ""
