"""Rules for devices: how they authenticate, and the lifetime of their certificates."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import TYPE_CHECKING, Any

from .resource import DEVICE, DEVICE_FLEET, MODULE, TLS_SIGNED, issues_for_devices
from .scalars import flag, not_a_number, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .resource import Resource

    Settings = Mapping[str, Any]

_DEFAULT_DAYS = 365  # the default of IssuedCertificate for the profile device
_HOURS = 24
_REMEDY = "remove thumbprints, and use certificates issued by the CA that the hub trusts"


def devices_by_ca(resource: Resource, _settings: Settings) -> Iterator[str]:
    """A device authenticates with a certificate chain up to a trusted CA, not with the thumbprint of its own certificate.

    Reason: a thumbprint accepts one certificate that no CA vouches for, and that can't be renewed without a change at the hub.
    The rule for shared keys is `shared-keys-off`.
    Source: learn.microsoft.com/azure/iot-hub/iot-hub-x509-certificate-concepts ("X.509 CA signed").
    """
    if resource.type == DEVICE and resource.known("thumbprints"):
        yield f"the device '{resource.read('deviceId')}' has thumbprints: {_REMEDY}"
    if resource.type == MODULE and resource.known("thumbprints"):
        yield f"the module '{resource.read('moduleId')}' of device '{resource.read('deviceId')}' has thumbprints: {_REMEDY}"
    if resource.type == DEVICE_FLEET:
        members = str(resource.known("members"))
        found = _thumbprinted(members)
        if found is None:
            yield "'members' can't be read, so how its devices authenticate is not known: use the same version of policies and components"
        elif found:
            yield f"{found} of the fleet's devices have thumbprints: {_REMEDY}"


def _thumbprinted(members: str) -> int | str | None:
    """How many devices of a packed fleet have thumbprints; None if it can't be read.

    The format is that of `components/hubtrust/devices/roster.py`: a version, then base64 of a compressed JSON header (`common` for most
    devices, `own` for the others) and the ids. The pack imports nothing from hubtrust; a test checks that it reads the same format.
    """
    version, _, packed = members.partition(".")
    try:
        head = json.loads(zlib.decompress(base64.b64decode(packed, validate=True)).partition(b"\n")[0])
        own = sum("thumbprints" in registration for _, registration in head["own"])
        return (own or ("most" if "thumbprints" in head["common"] else 0)) if version == "1" else None
    except (ValueError, KeyError, TypeError, RecursionError, zlib.error, binascii.Error):
        return None


def device_lifetime(resource: Resource, settings: Settings) -> Iterator[str]:
    """A device certificate is valid for at most `days`.

    Reason: IoT Hub checks no revocation lists. Only disabling the device blocks a certificate, so it should expire soon.
    Source: NIST SP 800-57 part 1 rev. 5, 5.3.6; learn.microsoft.com/azure/iot-hub/iot-hub-x509-certificate-concepts.
    """
    if issues_for_devices(resource):
        name, unit, default = "lifetimeDays", 1, _DEFAULT_DAYS
    elif resource.type == TLS_SIGNED and flag(resource.known("isCaCertificate")) is not True:
        name, unit, default = "validityPeriodHours", _HOURS, 0
    else:
        return
    found, most = number(resource.known(name) or default), float(settings["days"])
    if found is None:
        yield not_a_number(name)
    elif (days := found / unit) > most:
        yield f"this device certificate has a lifetime of {days:g} days, but at most {most:g} are allowed: shorten it (lifetimeDays)"
