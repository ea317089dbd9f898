"""Rules of devices: how they are let in, and for how long their certificates stand."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import TYPE_CHECKING, Any

from .declared import TLS_SIGNED, issues_for_devices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .declared import Declared

    Settings = Mapping[str, Any]

_DEFAULT_DAYS = 365  # an IssuedCertificate's of profile device
_HOURS = 24
_IDENTITY, _FLEET = (f"pulumi-python:dynamic/hubtrust:{noun}" for noun in ("DeviceIdentity", "DeviceFleet"))
_REMEDY = "leave them out, and give it a certificate of the CA that the hub trusts"


def devices_by_ca(resource: Declared, _settings: Settings) -> Iterator[str]:
    """A device is let in by its chain under a trusted CA, not by the thumbprint of a certificate of its own.

    Reason: a thumbprint ties a device to one certificate that nobody stands for, and that can't be renewed without touching the hub.
    Shared keys are no way in at all: `shared-keys-off`.
    Source: learn.microsoft.com/azure/iot-hub/iot-hub-x509-certificate-concepts ("X.509 CA signed").
    """
    if resource.type == _IDENTITY and resource.need("thumbprints"):
        yield f"the device '{resource.read('deviceId')}' has thumbprints: {_REMEDY}"
    if resource.type == _FLEET:
        members = str(resource.need("members"))
        found = _thumbprinted(members)
        if found is None:
            yield "members can't be read, so nobody can tell how they are let in: bring policies and components to one version"
        elif found:
            yield f"{found} of the fleet's devices have thumbprints of their own: {_REMEDY}"


def _thumbprinted(members: str) -> int | str | None:
    """How many devices of a packed fleet have thumbprints; None where it can't be read.

    The form is that of `components/hubtrust/devices/roster.py`: a version, then base64 of a compressed JSON head (`common` for most,
    `own` for the others) and the ids. Nothing of ours is imported here; a test packs one and reads it by this.
    """
    version, _, packed = members.partition(".")
    try:
        head = json.loads(zlib.decompress(base64.b64decode(packed, validate=True)).partition(b"\n")[0])
        own = sum("thumbprints" in registration for _, registration in head["own"])
        return (own or ("most" if "thumbprints" in head["common"] else 0)) if version == "1" else None
    except (ValueError, KeyError, TypeError, zlib.error, binascii.Error):
        return None


def device_lifetime(resource: Declared, settings: Settings) -> Iterator[str]:
    """A device's certificate lives at most `days`.

    Reason: nothing takes a device's certificate back before its end but blocking the device: its end must be near enough to wait for.
    Source: NIST SP 800-57 part 1 rev. 5, 5.3.6; learn.microsoft.com/azure/iot-hub/iot-hub-x509-certificate-concepts.
    """
    if issues_for_devices(resource):
        days = float(resource.need("lifetimeDays") or _DEFAULT_DAYS)
    elif resource.type == TLS_SIGNED and resource.need("isCaCertificate") is not True:
        days = float(resource.need("validityPeriodHours") or 0) / _HOURS
    else:
        return
    most = float(settings["days"])
    if days > most:
        yield f"this device's certificate is to live {days:g} days and at most {most:g} are allowed: shorten it (lifetimeDays)"
