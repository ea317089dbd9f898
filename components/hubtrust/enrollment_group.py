"""EnrollmentGroup: devices of a CA that may register at a provisioning service without an entry of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from hubtrust import component_outputs
from hubtrust.authority import CertificateAuthority
from hubtrust.devices.json_values import kind
from hubtrust.dynamic.enrollment_group import EnrollmentGroupEntry, EnrollmentGroupInputs
from hubtrust.dynamic.twin_documents import Document
from hubtrust.dynamic.verified_certificate import VerifiedCertificate
from hubtrust.enrollment_arguments import Place, host_names, place_of, require_proven
from hubtrust.enrollment_state import EnrollmentState, state_of
from hubtrust.hub import TrustedHub
from hubtrust.known_values import notice_shown_secret, require_plain, require_resource_name, sendable
from hubtrust.program_errors import ProgramError
from hubtrust.provisioning_service import ProvisioningService

_VERIFIED = "verified"  # the state of a VerifiedCertificate
_MOST = 2  # certificates of a group: the primary and the secondary


class EnrollmentGroupError(ProgramError):
    """An enrollment group's declaration is not valid."""


class EnrollmentGroup(pulumi.ComponentResource):
    """An enrollment group: whoever has a certificate of its CA registers, and gets an entry on a hub.

    The hub knows such a device by the thumbprint of its certificate and needs no CA for it. So to remove a CA or a group disconnects
    nobody, and ``status`` is how its devices are revoked.
    """

    group_id: pulumi.Output[str]
    """The group's id."""
    entry: EnrollmentGroupEntry | None
    """The entry at the service; None while its authority waits for its first certificate."""
    etag: pulumi.Output[str | None]
    """Changes with each write of the entry."""
    state: pulumi.Output[EnrollmentState]
    """Whether devices enrol by it, and what became of those that came by one that is disabled."""

    def __init__(
        self,
        name: str,
        *,
        service: ProvisioningService | pulumi.Input[str],
        group_id: pulumi.Input[str] | None = None,
        authorities: CertificateAuthority | Sequence[CertificateAuthority] | None = None,
        ca_references: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        signing_certificates: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        hubs: Sequence[TrustedHub | pulumi.Input[str]] | None = None,
        allocation: pulumi.Input[str] | None = None,
        webhook: pulumi.Input[str] | None = None,
        webhook_version: pulumi.Input[str] | None = None,
        tags: Document | None = None,
        desired: Document | None = None,
        edge: pulumi.Input[bool] | None = None,
        reprovision: pulumi.Input[str] | None = None,
        status: pulumi.Input[str] | None = None,
        revoke_devices: pulumi.Input[bool] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the group, by exactly one of ``authorities``, ``ca_references`` and ``signing_certificates``.

        What is not declared, others may set. Azure takes almost everything and refuses each device later, so that what no device could
        use is refused here before it is written.

        Args:
            name: the resource's name.
            service: the provisioning service, or its resource id (an Input).
            group_id: an Input; default: ``name``. It is no secret: Azure and this stack's messages show it.
            authorities: CAs that are proven at ``service``, one or two certificates together: the current generation's, and the previous
                one's while it is kept. Plain.
            ca_references: an Input, also each of them: names of one or two certificates of the service instead, each verified there.
            signing_certificates: an Input, also each of them: one or two CA certificates instead, PEM, each followed by its issuers up to
                a CA that is verified at the service.
            hubs: the hubs to choose from: TrustedHub or host names (Inputs), each linked to the service; a plain list. None: all that are
                linked.
            allocation: an Input: `hashed`, `static` (``hubs`` has the one), `geoLatency` or `custom` (by a webhook); None: as the service.
            webhook: an Input: the https URL that chooses the hub, for `custom`; it becomes a secret.
            webhook_version: an Input: the api-version of the webhook's requests, such as 2019-03-31.
            tags: an Input, also each part: of a new device's twin. Devices that have registered are not changed.
            desired: an Input, also each part: desired properties of a new device's twin; as ``tags``.
            edge: an Input: its devices are IoT Edge devices.
            reprovision: an Input: what becomes of a device that registers again and gets another hub: `migrate` (its twin moves with it),
                `reset` (its twin is new) or `never` (it stays). None: as Azure does, `migrate`.
            status: an Input: `enabled` (default) or `disabled`: no device registers by it, and those that have are disabled on their hubs.
            revoke_devices: an Input: False: devices that came by a disabled group stay enabled on their hubs, and connected. Default True.
            adopt: an Input: take over a group of this id that others made, whatever it has.
            cloud: `public`, `usgovernment`, `china` or the https URL of a metadata host; None: that of ``service``, or azure-native's.
            deadline: how many seconds to retry what Azure refuses temporarily.
            opts: Pulumi's resource options.

        Raises:
            EnrollmentGroupError: a plain value is not valid, none or several kinds of certificates are given, or an authority is not
                proven at the service.
        """
        require_resource_name(EnrollmentGroupError, "EnrollmentGroup", name)
        given_id = name if group_id is None else group_id
        what = f"enrollment group '{given_id if isinstance(given_id, str) else name}'"
        place = place_of(EnrollmentGroupError, what, service, cloud)
        ways = {"authorities": authorities, "ca_references": ca_references, "signing_certificates": signing_certificates}
        references, skip = _references(what, place, ways, status)
        waits = authorities is not None and references is None
        described: Mapping[str, Any] = {
            "group_id": given_id,
            "ca_references": references,
            "signing_certificates": signing_certificates,
            "hubs": host_names(EnrollmentGroupError, what, hubs),
            "allocation": allocation,
            "webhook": webhook,
            "webhook_version": webhook_version,
            "edge": edge,
            "reprovision": reprovision,
            "status": status,
            "revoke_devices": revoke_devices,
            "adopt": adopt,
            "deadline": deadline,
        }
        with EnrollmentGroupError.told():
            EnrollmentGroupInputs.check_plain(what, {**described, **place.plain})
        super().__init__("hubtrust:index:EnrollmentGroup", name, None, opts)
        notice_shown_secret(what, group_id, self)
        self.group_id, self.entry = pulumi.Output.from_input(sendable(EnrollmentGroupError, f"the id of {what}", given_id)), None
        if waits:
            pulumi.log.warn(f"{what} is not declared yet: its authority has no certificate", self)
            self.etag = pulumi.Output.from_input(None)
        else:
            self.entry = EnrollmentGroupEntry(
                name, **described, **place.inputs, tags=tags, desired=desired, skip=skip, opts=place.options(self)
            )
            self.etag = self.entry.etag
        self.state = state_of(self.entry)
        component_outputs.register(self)


def _references(what: str, place: Place, ways: Mapping[str, Any], status: Any) -> tuple[Any, Any]:
    """The names of certificates of the service: those of ``authorities``, or as given; and why the entry is not written, if so.

    None where signing certificates are given, or the authorities have no certificate yet.

    Raises:
        EnrollmentGroupError: not exactly one way is given, or an authority is not proven there.
    """
    given = [name for name, value in ways.items() if value is not None]
    if len(given) != 1:
        fact = f"{' and '.join(given)} are given" if given else "nothing says which devices belong to it"
        raise EnrollmentGroupError(what, fact, f"give {'only ' if given else ''}one of {', '.join(ways)}")
    if ways["authorities"] is None:
        return ways["ca_references"], None
    certificates = _certificates(what, place, ways["authorities"])
    if len(certificates) > _MOST:
        fact = f"its authorities have {len(certificates)} certificates, and a group can have {_MOST}"
        raise EnrollmentGroupError(what, fact, "make a group for each authority")
    if not certificates:
        return None, None
    shown = pulumi.Output.all(*((one.certificate_name, one.state) for one in certificates))
    return shown.apply(_usable), pulumi.Output.all(shown, status).apply(lambda found: _waiting(*found))


def _certificates(what: str, place: Place, authorities: Any) -> list[VerifiedCertificate]:
    require_plain(EnrollmentGroupError, f"authorities of {what}", authorities)
    several = list(authorities) if isinstance(authorities, list | tuple) else [authorities]
    if not several:
        raise EnrollmentGroupError(what, "its list of authorities is empty", "give at least one")
    found: list[VerifiedCertificate] = []
    for one in several:
        if not isinstance(one, CertificateAuthority):
            raise EnrollmentGroupError(what, f"its authorities are {kind(one)}", "give a CertificateAuthority, or a list of them")
        if place.service is None:
            fact = "authorities are given with the resource id of a service, which does not tell their certificates there"
            raise EnrollmentGroupError(what, fact, "give the ProvisioningService (ProvisioningService.existing), or ca_references")
        require_proven(EnrollmentGroupError, what, one, place.service)
        found += place.service.certificates[one.name]
    return found


def _usable(shown: Sequence[Sequence[str]]) -> list[str]:
    """A certificate that waits for a proof is left out while another one is there; what is written already is never taken away by it."""
    return [name for name, state in shown if state == _VERIFIED] or [name for name, _ in shown]


def _waiting(shown: Sequence[Sequence[str]], status: str | None) -> str | None:
    """Why it is not written. A group is disabled whatever its certificates are."""
    if status == "disabled" or any(state == _VERIFIED for _, state in shown):
        return None
    names = " and ".join(f"'{name}'" for name, _ in shown)
    return f"certificate {names} of its authority waits for a proof at the service; prove it, then run again"
