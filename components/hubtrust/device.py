"""TrustedDevice: one device of a hub, with a certificate under the hub's CA."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_tls as tls

from hubtrust.authority import CertificateAuthority
from hubtrust.dynamic.device_identity import DeviceIdentity
from hubtrust.dynamic.issued_certificate import IssuedCertificate
from hubtrust.errors import HubtrustError
from hubtrust.hub import TrustedHub


class DeviceError(HubtrustError, pulumi.RunError):
    """A device can't be what is declared."""


class TrustedDevice(pulumi.ComponentResource):
    """A device's entry in the hub's registry, and its certificate: from its own request, or for a key that is made here."""

    device_id: str
    identity: DeviceIdentity
    certificate: pulumi.Output[str | None]  # PEM; None where the device shows thumbprints
    chain: pulumi.Output[str | None]  # PEM: its certificate and all above it, as the file to hand over
    private_key: pulumi.Output[str | None]  # PEM, a secret; only where the key is made here

    def __init__(
        self,
        name: str,
        *,
        hub: TrustedHub,
        authority: CertificateAuthority | None = None,
        device_id: str | None = None,
        request: pulumi.Input[str] | None = None,
        make_key: bool = False,
        lifetime_days: float | None = None,
        renew_before_days: float | None = None,
        status: pulumi.Input[str] | None = None,
        reason: pulumi.Input[str] | None = None,
        edge: bool | None = None,
        thumbprints: Sequence[str] | None = None,
        tags: Mapping[str, Any] | None = None,
        desired: Mapping[str, Any] | None = None,
        adopt: bool | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it.

        Args:
            name: Pulumi's name for it.
            hub: where it is registered.
            authority: who signs its certificate; needed with ``request`` or ``make_key``.
            device_id: its id; default: ``name``.
            request: the device's own certificate signing request, PEM, for CN = its id: its key stays where it is.
            make_key: make a key here instead, for demos and tests; it lies in the state, as an encrypted secret.
            lifetime_days: of the certificate; default 365.
            renew_before_days: before its end it is signed anew; default 30.
            status: `enabled` (default) or `disabled`, with
            reason: why: revocation is the registry's to say.
            edge: an IoT Edge device.
            thumbprints: of self-signed certificates, instead of a CA.
            tags: of its twin.
            desired: desired properties of its twin.
            adopt: take over a device of this id that others made.
            opts: Pulumi's options.

        Raises:
            DeviceError: the inputs don't go together, or the key that signs devices is not here.
        """
        super().__init__("hubtrust:index:TrustedDevice", name, None, opts)
        self._name, self.device_id = name, device_id or name
        self._require_sense(authority, request, thumbprints, make_key=make_key)
        self.certificate = self.chain = self.private_key = pulumi.Output.from_input(None)
        self.identity = DeviceIdentity(
            name,
            hub_id=hub.hub_id,
            host_name=hub.host_name,  # type: ignore[arg-type] # None is one of its values
            device_id=self.device_id,
            status=status,
            reason=reason,
            edge=edge,
            thumbprints=thumbprints,
            tags=tags,
            desired=desired,
            adopt=adopt,
            cloud=hub.cloud,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[hub], deleted_with=hub.resource),
        )
        if authority is not None and (request is not None or make_key):
            self._issue(authority, request, {"lifetime_days": lifetime_days, "renew_before_days": renew_before_days})
        self.register_outputs({"deviceId": self.device_id, "chain": self.chain})

    def _require_sense(self, authority: CertificateAuthority | None, request: object, thumbprints: object, *, make_key: bool) -> None:
        what = f"device '{self.device_id}'"
        if request is not None and make_key:
            raise DeviceError(what, "there is a request and a key is to be made too", "give the device's request, or make_key, not both")
        if thumbprints and (request is not None or make_key):
            raise DeviceError(what, "it has thumbprints and is to be signed too", "leave thumbprints out: a CA stands for it")
        if (request is not None or make_key) and (authority is None or authority.signer is None):
            fact = "there is no authority" if authority is None else "the key that signs devices is not here"
            raise DeviceError(what, fact, "give the authority whose issuing key is here, or sign it where the key is")

    def _issue(self, authority: CertificateAuthority, request: pulumi.Input[str] | None, days: Mapping[str, float | None]) -> None:
        public_key: pulumi.Input[str] | None = None
        if request is None:
            pulumi.log.warn(f"{self._name}: its key is made here and lies in the state: for demos and tests only; give its request", self)
            opts = pulumi.ResourceOptions(
                parent=self, additional_secret_outputs=["privateKeyPem", "privateKeyOpenssh", "privateKeyPemPkcs8"]
            )
            key = tls.PrivateKey(self._name, algorithm="ECDSA", ecdsa_curve="P256", opts=opts)
            public_key, self.private_key = key.public_key_pem, pulumi.Output.secret(key.private_key_pem)
        issued = IssuedCertificate(
            self._name,
            profile="device",
            device_id=self.device_id,
            public_key=public_key,
            request=request,
            issuer_certificate=authority.chain,  # type: ignore[arg-type] # known where there is a signer
            signer=authority.signer or {},
            lifetime_days=days["lifetime_days"],
            renew_before_days=days["renew_before_days"],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.certificate, self.chain = issued.certificate, issued.chain
