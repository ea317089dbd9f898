"""The canary: a device that connects to its hub with a new key, and a diagnosis if it can't."""

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
from hubtrust.devices.link_faults import Fault, attempted, unreachable
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
_OTHER_IDENTITY = {
    "selfSigned": "provisioning services create such devices: if one took this one over, check the connection through it; otherwise "
}
PAYLOAD = '{"hubtrust":"connection check"}'


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

    def publish(seconds: float) -> None:
        try:
            publish_once(canary.host, canary.device_id, tls, payload=PAYLOAD, timeout=seconds)
        except SessionError as error:
            raise diagnose(error, canary, registry) from None

    attempted(publish, deadline=deadline, report=report)


def diagnose(error: SessionError, canary: Canary, registry: Registry) -> ConnectionFailedError:
    """Why the device can't connect. MQTT gives no reason, so this reads the device in the hub's registry."""
    if error.stage != "device":
        return unreachable(error)
    try:
        found = registry.twin(canary.device_id)
    except AzureError as unknown:
        fact = f"{error.fact}; and the hub's registry can't be read: {unknown.fact}"
        return ConnectionFailedError(error.what, fact, unknown.remedy, temporary=True)
    fault = _device_fault(canary, found) or _chain_fault(canary)
    return fault.error(error)


def _device_fault(canary: Canary, found: Twin | None) -> Fault | None:
    if found is None:
        fact = f"the hub has no device '{canary.device_id}', which is the common name (CN) of its certificate; ids are case-sensitive"
        return Fault("identity missing", fact, "declare the device, or use another one as the canary")
    if not found.description.enabled:
        why = f": {found.description.reason}" if found.description.reason else ""
        return Fault("disabled", f"the device is disabled{why}", "enable it, or use another one as the canary")
    if found.authentication != "certificateAuthority":
        fact = f"its identity is of type {found.authentication}, not certificateAuthority"
        return Fault(
            "identity",
            fact,
            f"{_OTHER_IDENTITY.get(found.authentication, '')}declare it without thumbprints, or use another one as the canary",
        )
    return None


def _chain_fault(canary: Canary) -> Fault:
    in_chain = {thumbprint(certificate) for certificate in canary.chain.certificates}
    on_hub = [certificate for certificate in canary.trust if certificate.get("thumbprint") in in_chain]
    if any(certificate.get("verified") for certificate in on_hub):
        fact = f"{canary.path()} is not accepted although '{on_hub[0].get('name')}' is verified on the hub"
        remedy = "run again: a new proof takes some time to take effect; otherwise check the certificates on the hub"
        return Fault("chain not trusted", fact, remedy, temporary=True)
    states = [
        f"'{certificate.get('name')}' ({'verified' if certificate.get('verified') else 'not verified'})" for certificate in canary.trust
    ]
    fact = f"the hub trusts no certificate of {canary.path()}; its certificates are: {', '.join(states) or 'none'}"
    return Fault("chain not trusted", fact, "declare the CA that signs this device as an authority of the hub", temporary=bool(on_hub))
