"""The canary: a device that connects to its hub with a new key, and a diagnosis if it can't."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from hubtrust.azure.device_description import Twin
from hubtrust.azure.errors import AzureError, SessionError
from hubtrust.azure.registry import Registry
from hubtrust.azure.retry import DEVICE_SESSION_TIMEOUT, DEVICE_WAITS, SHORTEST_ATTEMPT, retry_context
from hubtrust.pki import issue
from hubtrust.pki.certificate import pem, thumbprint
from hubtrust.pki.chain import Chain
from hubtrust.pki.keys import KeyAlgorithm
from hubtrust.pki.names import common_name
from hubtrust.pki.signers import Signer
from hubtrust.reconcile_errors import ConnectionFailedError

if TYPE_CHECKING:
    from hubtrust.azure.mqtt_connection import Identity

_LIFETIME = timedelta(hours=1)  # of its certificate
_PAYLOAD = '{"hubtrust":"connection check"}'


@dataclass(frozen=True)
class Canary:
    """A device, the authority that signs its certificate, and the hub's certificates (with ``thumbprint``, ``verified``, ``name``)."""

    host: str
    device_id: str
    chain: Chain
    signer: Signer
    trust: Sequence[Mapping[str, Any]]

    def path(self) -> str:
        """Its certification path as text, such as `press-001 < issuing CA < root CA`."""
        names = [common_name(authority.subject) or authority.subject.rfc4514_string() for authority in self.chain.certificates]
        return " < ".join((self.device_id, *names))

    def valid_until(self) -> datetime:
        """The first end of its authorities' certificates, up to the one that the hub trusts."""
        return min(one.not_valid_after_utc for one in self.chain.path)

    def identity(self, now: datetime) -> "Identity":
        """A new key and its certificate, which is valid for an hour.

        Raises:
            PkiError: the authority can't sign for this device at ``now``.
        """
        from hubtrust.azure.mqtt_connection import Identity  # paho and PySocks: loaded only where a canary connects

        path = self.chain.path
        key, issuer = KeyAlgorithm.EC_P256.generate(), issue.Issuer(path[0], self.signer, path[1:])
        validity = issue.Validity.lasting(_LIFETIME, now=now).within(*issuer.path)
        leaf = issue.device(
            issuer,
            device_id=self.device_id,
            public_key=key.public_key(),
            validity=validity,
            serial=x509.random_serial_number(),
        )
        passphrase = token_hex(32).encode()
        encryption = serialization.BestAvailableEncryption(passphrase)
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        return Identity(pem(leaf) + self.chain.sent, private, passphrase)


def connect(canary: Canary, registry: Registry, *, now: datetime, deadline: float, report: Callable[[str], None]) -> None:
    """Connect and publish one message. Retry for up to ``deadline`` seconds while the failure may be temporary.

    Raises:
        ConnectionFailedError: the canary can't connect; the error says why and what to do.
        PkiError: the authority can't sign for this device at ``now``.
    """
    from hubtrust.azure.device_session import publish_once
    from hubtrust.azure.mqtt_connection import context

    tls = context(canary.identity(now))
    reported = False

    def retry(error: Exception) -> bool:
        nonlocal reported
        temporary = isinstance(error, ConnectionFailedError) and error.temporary
        if temporary and not reported:
            reported = True
            report(f"{error}; trying again for up to {deadline:.0f} s")
        return temporary

    end = time.monotonic() + deadline
    for attempt in retry_context(on=retry, attempts=None, timeout=deadline, **DEVICE_WAITS):
        with attempt:
            seconds = min(DEVICE_SESSION_TIMEOUT, max(end - time.monotonic(), SHORTEST_ATTEMPT))
            try:
                publish_once(canary.host, canary.device_id, tls, payload=_PAYLOAD, timeout=seconds)
            except SessionError as error:
                raise diagnose(error, canary, registry) from None


def diagnose(error: SessionError, canary: Canary, registry: Registry) -> ConnectionFailedError:
    """Why the device can't connect. MQTT gives no reason, so this reads the device in the hub's registry."""
    if error.stage != "device":
        return ConnectionFailedError(error.what, f"{error.stage}: {error.fact}", error.remedy, temporary=error.stage != "tls")
    try:
        found = registry.twin(canary.device_id)
    except AzureError as unknown:
        fact = f"{error.fact}; and the hub's registry can't be read: {unknown.fact}"
        return ConnectionFailedError(error.what, fact, unknown.remedy, temporary=True)
    fault = _device_fault(canary, found) or _chain_fault(canary)
    return ConnectionFailedError(error.what, f"{fault.reason}: {fault.fact} ({error.fact})", fault.remedy, temporary=fault.temporary)


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a hub refuses a device: ``reason`` in two or three words, and whether a later attempt may succeed."""

    reason: str
    fact: str
    remedy: str
    temporary: bool = False


def _device_fault(canary: Canary, found: Twin | None) -> _Fault | None:
    if found is None:
        fact = f"the hub has no device '{canary.device_id}', which is the common name (CN) of its certificate; ids are case-sensitive"
        return _Fault("identity missing", fact, "declare the device, or use another one as the canary")
    if not found.description.enabled:
        why = f": {found.description.reason}" if found.description.reason else ""
        return _Fault("disabled", f"the device is disabled{why}", "enable it, or use another one as the canary")
    if found.authentication != "certificateAuthority":
        fact = f"its identity is of type {found.authentication}, not certificateAuthority"
        return _Fault("identity", fact, "declare it without thumbprints, or use another one as the canary")
    return None


def _chain_fault(canary: Canary) -> _Fault:
    in_chain = {thumbprint(certificate) for certificate in canary.chain.certificates}
    on_hub = [certificate for certificate in canary.trust if certificate.get("thumbprint") in in_chain]
    if any(certificate.get("verified") for certificate in on_hub):
        fact = f"{canary.path()} is not accepted although '{on_hub[0].get('name')}' is verified on the hub"
        remedy = "run again: a new proof takes some time to take effect; otherwise check the certificates on the hub"
        return _Fault("chain not trusted", fact, remedy, temporary=True)
    states = [
        f"'{certificate.get('name')}' ({'verified' if certificate.get('verified') else 'not verified'})" for certificate in canary.trust
    ]
    fact = f"the hub trusts no certificate of {canary.path()}; its certificates are: {', '.join(states) or 'none'}"
    return _Fault("chain not trusted", fact, "declare the CA that signs this device as an authority of the hub", temporary=bool(on_hub))
