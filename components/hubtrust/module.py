"""TrustedModule: one module of a device, with a certificate under the hub's CA."""

from collections.abc import Sequence

import pulumi

from hubtrust import component_outputs
from hubtrust.authority import CertificateAuthority
from hubtrust.credentials import Credentials
from hubtrust.device import TrustedDevice
from hubtrust.dynamic.module_identity import ModuleIdentity, ModuleIdentityInputs
from hubtrust.dynamic.twin_documents import Document
from hubtrust.known_values import notice_shown_secret, require_resource_name, sendable
from hubtrust.pki.issue import device_name
from hubtrust.program_errors import ProgramError


class ModuleError(ProgramError):
    """A module's declaration is not valid."""


class TrustedModule(pulumi.ComponentResource):
    """A module identity of a device, and its certificate: for the module's own request, or for a key that is generated here.

    It is enabled as long as its device is. Hubs of the basic tier have no modules.
    """

    module_id: pulumi.Output[str]
    """The module's id."""
    identity: ModuleIdentity
    """The entry in the hub's registry."""
    certificate: pulumi.Output[str | None]
    """PEM; None if no certificate is issued here."""
    chain: pulumi.Output[str | None]
    """PEM: the certificate and its issuers, which the module sends when it connects; None if no certificate is issued here."""
    private_key: pulumi.Output[str | None]
    """PEM, a secret; None unless the key is generated here (``make_key``)."""

    def __init__(
        self,
        name: str,
        *,
        device: TrustedDevice,
        module_id: pulumi.Input[str] | None = None,
        authority: CertificateAuthority | None = None,
        request: pulumi.Input[str] | None = None,
        make_key: bool = False,
        lifetime_days: pulumi.Input[float] | None = None,
        renew_before_days: pulumi.Input[float] | None = None,
        thumbprints: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        tags: Document | None = None,
        desired: Document | None = None,
        adopt: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the identity, and the certificate if there is a request or a key.

        Plain and Outputs are as for TrustedDevice.

        Args:
            name: the resource's name.
            device: the module's device. Plain.
            module_id: an Input; default: ``name``. It is no secret: Azure and this stack's messages show it.
            authority: the CA that signs the certificate; default: the device's. Plain.
            request: an Input: the module's own signing request (CSR), PEM or base64 of DER, with CN = `<device id>/<module id>`.
            make_key: generate a key here instead, for demos and tests; it is an encrypted secret in the state. Plain.
            lifetime_days: an Input: how many days the certificate is valid; default 365.
            renew_before_days: an Input: days before its end in which the certificate is renewed; default 30.
            thumbprints: an Input, also each of them: one or two, of self-signed certificates, instead of a CA.
            tags: an Input, also each part: of the module twin. A secret is encrypted in the state; on the hub whoever reads twins reads it.
            desired: an Input, also each part: desired properties of the module twin; a secret as in ``tags``, and the module gets it.
            adopt: an Input, also each of them: ids, or patterns, of existing modules that may be taken over although they are not this
                stack's.
            opts: Pulumi's resource options.

        Raises:
            ModuleError: a plain value is not valid, none or several ways to authenticate are given, an argument has no effect, the hub does
                not trust the authority, or the key that signs device certificates is not here.
        """
        require_resource_name(ModuleError, "TrustedModule", name)
        super().__init__("hubtrust:index:TrustedModule", name, None, opts)
        given_id = name if module_id is None else module_id
        what = f"module '{given_id if isinstance(given_id, str) else name}'"
        if not isinstance(device, TrustedDevice):
            raise ModuleError(what, "its device is not a TrustedDevice", "give one, or use ModuleIdentity for a registry entry only")
        credentials = Credentials(
            authority=device.authority if authority is None and thumbprints is None else authority,
            request=request,
            make_key=make_key,
            thumbprints=thumbprints,
            lifetime_days=lifetime_days,
            renew_before_days=renew_before_days,
        )
        common_name = device.common_name_of(given_id)
        with ModuleError.told():
            ModuleIdentityInputs.check_plain(what, {"module_id": given_id, "thumbprints": thumbprints, "adopt": adopt})
            if common_name is not None and thumbprints is None:
                device_name(common_name)  # refuses ids that do not fit a common name together
        notice_shown_secret(what, module_id, self)
        hub = device.hub
        credentials.require_valid(ModuleError, what, hub, common_name=common_name, entry="ModuleIdentity")
        self.identity = ModuleIdentity(
            name,
            hub_id=hub.hub_id,
            host_name=hub.host_name,  # type: ignore[arg-type] # the provider accepts None
            device_id=device.device_id,
            module_id=given_id,
            thumbprints=credentials.given_thumbprints(),
            tags=tags,
            desired=desired,
            adopt=adopt,
            cloud=hub.cloud,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[device.identity], deleted_with=hub.resource),
        )
        issued = credentials.issue(name, self, hub, {"device_id": device.device_id, "module_id": given_id})
        self.module_id = pulumi.Output.from_input(sendable(ModuleError, f"the id of {what}", given_id))
        self.certificate, self.chain, self.private_key = issued.certificate, issued.chain, issued.private_key
        component_outputs.register(self)
