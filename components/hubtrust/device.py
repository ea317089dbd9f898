"""TrustedDevice: one device of a hub, with a certificate under the hub's CA."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_tls as tls

from hubtrust.authority import CertificateAuthority
from hubtrust.devices.description import require_device_id
from hubtrust.dynamic.device_identity import DeviceIdentity
from hubtrust.dynamic.issued_certificate import IssuedCertificate
from hubtrust.hub import TrustedHub
from hubtrust.program_errors import ProgramError


class DeviceError(ProgramError):
    """A device's declaration is not valid."""


class TrustedDevice(pulumi.ComponentResource):
    """A device identity on the hub, and its certificate: for the device's own request, or for a key that is generated here."""

    device_id: str
    identity: DeviceIdentity
    certificate: pulumi.Output[str | None]  # PEM; None if no certificate is issued here
    chain: pulumi.Output[str | None]  # PEM: the certificate and its issuers, which the device sends when it connects
    private_key: pulumi.Output[str | None]  # PEM, a secret; None unless the key is generated here

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
        adopt: Sequence[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the identity, and the certificate if there is a request or a key.

        Args:
            name: the resource's name.
            hub: the device's hub.
            authority: the CA that signs the certificate; needed with ``request`` or ``make_key``.
            device_id: default: ``name``.
            request: the device's own signing request (CSR), PEM or base64 of DER, with CN = the device's id; its key stays there.
            make_key: generate a key here instead, for demos and tests; it is an encrypted secret in the state.
            lifetime_days: of the certificate; default 365.
            renew_before_days: days before its end in which the certificate is renewed; default 30.
            status: `enabled` (default) or `disabled`. A disabled device can't connect: this is how a device is revoked.
            reason: why it is disabled.
            edge: an IoT Edge device.
            thumbprints: one or two, of self-signed certificates, instead of a CA.
            tags: of the device twin.
            desired: desired properties of the device twin.
            adopt: ids, or patterns, of existing devices that may be taken over although they are not this stack's.
            opts: Pulumi's resource options.

        Raises:
            DeviceError: the id is not valid, arguments exclude each other, the hub does not trust the authority, or the key that signs
                device certificates is not here.
        """
        super().__init__("hubtrust:index:TrustedDevice", name, None, opts)
        self._name, self.device_id = name, device_id or name
        self._require_valid_arguments(hub, authority, request, thumbprints, make_key=make_key)
        self.certificate = self.chain = self.private_key = pulumi.Output.from_input(None)
        self.identity = DeviceIdentity(
            name,
            hub_id=hub.hub_id,
            host_name=hub.host_name,  # type: ignore[arg-type] # the provider accepts None
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
            self._issue(hub, authority, request, {"lifetime_days": lifetime_days, "renew_before_days": renew_before_days})
        self.register_outputs({"deviceId": self.device_id, "chain": self.chain})

    def _require_valid_arguments(
        self, hub: TrustedHub, authority: CertificateAuthority | None, request: object, thumbprints: object, *, make_key: bool
    ) -> None:
        what = f"device '{self.device_id}'"
        with DeviceError.told():
            require_device_id(self.device_id)
        if request is not None and make_key:
            raise DeviceError(what, "request and make_key are both given", "give only one of them")
        if thumbprints and (request is not None or make_key):
            raise DeviceError(
                what, "thumbprints are given together with request or make_key", "remove thumbprints: the CA authenticates this device"
            )
        if (request is not None or make_key) and (authority is None or authority.signer is None):
            fact = "no authority is given" if authority is None else "the key that signs device certificates is not here"
            raise DeviceError(what, fact, "give an authority whose issuing key is available here, or sign the certificate where the key is")
        if authority is not None and not thumbprints and not _may_trust(hub, authority):
            fact = f"its hub does not trust the authority '{authority.name}', so it could never connect"
            raise DeviceError(what, fact, f"name '{authority.name}' in the hub's authorities, or give one of these to the device")

    def _issue(
        self, hub: TrustedHub, authority: CertificateAuthority, request: pulumi.Input[str] | None, days: Mapping[str, float | None]
    ) -> None:
        public_key: pulumi.Input[str] | None = None
        if request is None:
            pulumi.log.warn(
                f"{self._name}: its key is generated here and kept in the state, for demos and tests only; otherwise pass its own request",
                self,
            )
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
            issuer_certificate=authority.chain,  # type: ignore[arg-type] # not None where there is a signer
            anchor=hub.trusted_of(authority),
            signer=authority.signer or {},
            lifetime_days=days["lifetime_days"],
            renew_before_days=days["renew_before_days"],
            cloud=hub.cloud,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.certificate, self.chain = issued.certificate, issued.chain


def _may_trust(hub: TrustedHub, authority: CertificateAuthority) -> bool:
    """Whether devices of ``authority`` can connect to ``hub``, as far as this program knows.

    They can if it is one of the hub's authorities, or if its chain contains a certificate that the hub trusts. A hub that was there before
    may trust CAs that are not declared here.
    """
    return hub.trusts_others or authority in hub.authorities or hub.trusted_of(authority) is not None
