"""Rules of devices: how they are let in, and for how long their certificates stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .declared import ISSUED_CERTIFICATE, TLS_SIGNED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .declared import Declared

    Settings = Mapping[str, Any]

_DEFAULT_DAYS = 365  # an IssuedCertificate's of profile device
_HOURS = 24
_IDENTITIES = {
    f"pulumi-python:dynamic/hubtrust:{noun}" for noun in ("DeviceIdentity", "DeviceFleet", "IndividualEnrollment", "EnrollmentGroup")
}
_BY_CA = {"certificateauthority", "ca", "x509", "x509ca"}
# Inputs that would let a device in by anything but a chain under a trusted CA.
_OTHERS = ("symmetricKey", "primaryKey", "secondaryKey", "primaryThumbprint", "secondaryThumbprint", "x509Thumbprint", "tpm")


def devices_by_ca(resource: Declared, _settings: Settings) -> Iterator[str]:
    """A device is let in by its chain under a trusted CA, not by a key or by the thumbprint of a certificate of its own.

    Reason: keys are shared secrets, and a thumbprint ties a device to one certificate that nobody can renew without touching the hub.
    Source: learn.microsoft.com/azure/iot-hub/iot-hub-x509-certificate-concepts ("X.509 CA signed").
    """
    if resource.type not in _IDENTITIES:
        return
    found = resource.need("authentication")
    kind = resource.need("authentication", "type") if hasattr(found, "keys") else found
    if kind is not None and str(kind).lower() not in _BY_CA:
        yield f"authentication is '{kind}': leave it out, or make it certificateAuthority"
    for name in _OTHERS:
        if resource.read(name) is not None:
            yield f"{name} is set: take it out, and give the device a certificate of the CA that the hub trusts"


def device_lifetime(resource: Declared, settings: Settings) -> Iterator[str]:
    """A device's certificate lives at most `days`.

    Reason: nothing takes a device's certificate back before its end but blocking the device: its end must be near enough to wait for.
    Source: NIST SP 800-57 part 1 rev. 5, 5.3.6; learn.microsoft.com/azure/iot-hub/iot-hub-x509-certificate-concepts.
    """
    if resource.type == ISSUED_CERTIFICATE and resource.need("profile") == "device":
        days = float(resource.need("lifetimeDays") or _DEFAULT_DAYS)
    elif resource.type == TLS_SIGNED and resource.need("isCaCertificate") is not True:
        days = float(resource.need("validityPeriodHours") or 0) / _HOURS
    else:
        return
    most = float(settings["days"])
    if days > most:
        yield f"this device's certificate is to live {days:g} days and at most {most:g} are allowed: shorten it (lifetimeDays)"
