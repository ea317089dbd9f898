"""TrustedDevice: one device of a hub, with a certificate under the hub's CA."""

from collections.abc import Sequence

import pulumi

from hubtrust import component_outputs
from hubtrust.authority import CertificateAuthority
from hubtrust.credentials import Credentials
from hubtrust.devices.edge_parent import require_scope
from hubtrust.dynamic.device_identity import DeviceIdentity, DeviceIdentityInputs
from hubtrust.dynamic.issued_certificate import IssuedCertificateInputs
from hubtrust.dynamic.twin_documents import Document
from hubtrust.hub import TrustedHub
from hubtrust.known_values import is_plain, notice_shown_secret, require_resource_name, sendable
from hubtrust.program_errors import ProgramError


class DeviceError(ProgramError):
    """A device's declaration is not valid."""


class TrustedDevice(pulumi.ComponentResource):
    """A device identity on the hub, and its certificate: for the device's own request, or for a key that is generated here."""

    name: str
    """The resource's name."""
    hub: TrustedHub
    """The device's hub."""
    authority: CertificateAuthority | None
    """The CA that signs its certificate, if one is issued here."""
    device_id: pulumi.Output[str]
    """The device's id: the common name of its certificate."""
    identity: DeviceIdentity
    """The entry in the hub's registry."""
    device_scope: pulumi.Output[str | None]
    """Of an IoT Edge device: what devices below it, also those of another stack, have as ``parent``. None of any other device."""
    certificate: pulumi.Output[str | None]
    """PEM; None if no certificate is issued here."""
    chain: pulumi.Output[str | None]
    """PEM: the certificate and its issuers, which the device sends when it connects; None if no certificate is issued here."""
    private_key: pulumi.Output[str | None]
    """PEM, a secret; None unless the key is generated here (``make_key``)."""

    def __init__(
        self,
        name: str,
        *,
        hub: TrustedHub,
        authority: CertificateAuthority | None = None,
        device_id: pulumi.Input[str] | None = None,
        request: pulumi.Input[str] | None = None,
        make_key: bool = False,
        lifetime_days: pulumi.Input[float] | None = None,
        renew_before_days: pulumi.Input[float] | None = None,
        status: pulumi.Input[str] | None = None,
        reason: pulumi.Input[str] | None = None,
        edge: pulumi.Input[bool] | None = None,
        parent: "TrustedDevice | pulumi.Input[str] | None" = None,
        thumbprints: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        tags: Document | None = None,
        desired: Document | None = None,
        adopt: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the identity, and the certificate if there is a request or a key.

        Arguments that decide which resources there are must be plain: ``hub``, ``authority``, ``make_key``, and whether ``request`` or
        ``thumbprints`` is given. All others may be Outputs: they are checked when they are known, plain values at once.

        Args:
            name: the resource's name.
            hub: the device's hub. Plain.
            authority: the CA that signs the certificate; needed with ``request`` or ``make_key``. Plain.
            device_id: an Input; default: ``name``. It is no secret: Azure and this stack's messages show it.
            request: an Input: the device's own signing request (CSR), PEM or base64 of DER, with CN = the device's id; its key stays there.
            make_key: generate a key here instead, for demos and tests; it is an encrypted secret in the state. Plain.
            lifetime_days: an Input: how many days the certificate is valid; default 365.
            renew_before_days: an Input: days before its end in which the certificate is renewed; default 30.
            status: an Input: `enabled` (default) or `disabled`. A disabled device can't connect: this is how a device is revoked.
            reason: an Input: why it has this status.
            edge: an Input: an IoT Edge device.
            parent: the IoT Edge device above it: a TrustedDevice, or an Input with its ``device_scope``, which may come from another stack.
            thumbprints: an Input, also each of them: one or two, of self-signed certificates, instead of a CA.
            tags: an Input, also each part: of the device twin. A secret is encrypted in the state; on the hub whoever reads twins reads it.
            desired: an Input, also each part: desired properties of the device twin; a secret as in ``tags``, and the device gets it.
            adopt: an Input, also each of them: ids, or patterns, of existing devices that may be taken over although they are not this
                stack's.
            opts: Pulumi's resource options.

        Raises:
            DeviceError: a plain value is not valid, none or several ways to authenticate are given, an argument has no effect, the hub does
                not trust the authority, or the key that signs device certificates is not here.
        """
        require_resource_name(DeviceError, "TrustedDevice", name)
        super().__init__("hubtrust:index:TrustedDevice", name, None, opts)
        self.name = name
        given_id = name if device_id is None else device_id
        what = f"device '{given_id}'" if isinstance(given_id, str) else f"device '{name}'"
        credentials = Credentials(
            authority=authority,
            request=request,
            make_key=make_key,
            thumbprints=thumbprints,
            lifetime_days=lifetime_days,
            renew_before_days=renew_before_days,
        )
        self._edge, self._given_id, self.hub, self.authority = edge, given_id, hub, authority
        parent_scope = _scope_of(parent, what)
        notice_shown_secret(what, device_id, self)
        described = {
            "device_id": given_id,
            "status": status,
            "reason": reason,
            "edge": edge,
            "thumbprints": thumbprints,
            "adopt": adopt,
        }
        with DeviceError.told():
            DeviceIdentityInputs.check_plain(what, described)
        credentials.require_valid(DeviceError, what, hub, common_name=given_id, entry="DeviceIdentity")
        if thumbprints is None:
            with DeviceError.told():
                IssuedCertificateInputs.check_plain(what, {"device_id": given_id})
        self.identity = DeviceIdentity(
            name,
            hub_id=hub.hub_id,
            host_name=hub.host_name,  # type: ignore[arg-type] # the provider accepts None
            device_id=given_id,
            status=status,
            reason=reason,
            edge=edge,
            parent_scope=parent_scope,
            thumbprints=credentials.given_thumbprints(),
            tags=tags,
            desired=desired,
            adopt=adopt,
            cloud=hub.cloud,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[hub], deleted_with=hub.resource),
        )
        issued = credentials.issue(name, self, hub, {"device_id": given_id})
        self.device_id, self.device_scope = (
            pulumi.Output.from_input(sendable(DeviceError, f"the id of {what}", given_id)),
            self.identity.device_scope,
        )
        self.certificate, self.chain, self.private_key = issued.certificate, issued.chain, issued.private_key
        component_outputs.register(self)

    def common_name_of(self, module_id: object) -> str | None:
        """The common name of the certificate of one of its modules; None if that is not known yet."""
        known = isinstance(self._given_id, str) and isinstance(module_id, str)
        return f"{self._given_id}/{module_id}" if known else None


def _scope_of(parent: TrustedDevice | pulumi.Input[str] | None, what: str) -> pulumi.Input[str] | None:
    if not isinstance(parent, TrustedDevice):
        if parent is not None and is_plain(parent):
            with DeviceError.told():
                require_scope(parent, what=f"the parent of {what}")
        return parent
    fact = f"its parent '{parent.name}' is not an IoT Edge device, and only those have devices below them"
    remedy = "declare the parent with edge=True, or give another one"
    if is_plain(parent._edge) and parent._edge is not True:  # noqa: SLF001 - of another device
        raise DeviceError(what, fact, remedy)

    def require(scope: str | None) -> str:
        if scope is None:
            raise DeviceError(what, fact, remedy)
        return scope

    return parent.device_scope.apply(require)
