"""What a ConnectionCheck is given: the device that connects, its authority, what the hub trusts, and the way to the hub."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hubtrust.azure.retry import CHECK_DEADLINE, MAX_DEADLINE, MIN_DEADLINE
from hubtrust.azure.service import Service
from hubtrust.azure_inputs import same_id
from hubtrust.custody.custodies import OFFLINE, DeclaredSigner, read_signer
from hubtrust.devices.canary import Canary
from hubtrust.devices.description import require_device_id
from hubtrust.dynamic import enrolled_check
from hubtrust.dynamic.enrolled_check import ServiceRoute
from hubtrust.dynamic.hub_inputs import HubInputs, hub_host_name, require_owner
from hubtrust.dynamic.service_endpoint import require_host
from hubtrust.dynamic.service_inputs import require_provisioning_service
from hubtrust.inputs import boolean, input_field, number
from hubtrust.pki.certificate import Certificate, load_certificate, load_certificates, thumbprint
from hubtrust.pki.chain import load_chain
from hubtrust.pki.keys import require_strong_key
from hubtrust.pki.path import Wanted
from hubtrust.reconcile_errors import DeclarationError

_SWITCHED_OFF = "switched off"
_WAITING = "waiting for proof"
_NO_KEY = "the key that signs device certificates is not available here"


def _trust(value: object) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise DeclarationError("trust", f"it is {value!r}", "use the output trust of TrustedHub")
    return value


@dataclass(frozen=True, kw_only=True)
class ConnectionCheckInputs(HubInputs):
    """The inputs of a ConnectionCheck."""

    host_name: str | None = hub_host_name(kept=False)
    device_id: str = input_field(
        require_device_id,
        "the id of the device that connects. A device in the field that is connected under this id loses its session for a moment.",
        required=True,
        kept=True,
    )
    chain: list[Certificate] | None = input_field(
        lambda value: load_certificates(str(value), what="chain"), "the authority's certificates, PEM; None while there are none yet."
    )
    anchor: Certificate | None = input_field(
        lambda value: load_certificate(str(value), what="anchor"),
        "the certificate of the chain, PEM, that the hub trusts: what is above it judges nothing. Default: all of them judge.",
    )
    signer: DeclaredSigner | None = input_field(
        read_signer,
        "where the key of the chain's lowest certificate is; None or offline: nothing is checked. It becomes a secret.",
        secret=True,
    )
    trust: list[Mapping[str, Any]] | None = input_field(
        _trust,
        "what the hub trusts: the output `trust` of TrustedHub; nothing is checked while no certificate in it is verified. "
        "A certificate with another etag was repaired: then it is checked again.",
    )
    device: str | None = input_field(
        str, "any text that changes when the device is written, such as `last_write`: then it is checked again."
    )
    enabled: bool = input_field(boolean, "False: nothing is checked, for networks where port 8883 is closed. Default True.", default=True)
    skip: str | None = input_field(
        str, "why nothing is checked in this run, which the output `reason` then says; None: it is checked. It counts before the others."
    )
    service_id: Service | None = input_field(
        require_provisioning_service,
        "ARM id of the provisioning service through which the device enrols: it has no entry on the hub then, and what registering makes "
        "is removed after the check. Default: the device has an entry.",
        kept=True,
        same=same_id,
    )
    id_scope: str | None = input_field(
        enrolled_check.require_id_scope, "the id scope that devices have; without it, the one that Resource Manager tells."
    )
    device_host: str | None = input_field(
        require_host,
        "where the device registers: the host that all services share, or the service's own. Default: the first.",
    )
    assigned_hubs: tuple[str, ...] | None = input_field(
        enrolled_check.require_hosts,
        "the host names of the hubs that the provisioning service may assign. Default: the hub's, which is one of them then.",
    )
    owner: Mapping[str, str] | None = input_field(require_owner, argument="")
    deadline: float = input_field(
        number(MIN_DEADLINE, MAX_DEADLINE),
        f"seconds, {MIN_DEADLINE} to {MAX_DEADLINE}, to retry; default {CHECK_DEADLINE:g}.",
        default=CHECK_DEADLINE,
    )

    def skip_reason(self) -> str | None:
        """Why the check does not run; None if it runs."""
        if self.skip:
            return self.skip
        if not self.enabled:
            return _SWITCHED_OFF
        if not self.chain or (self.trust and not any(one.get("verified") for one in self.trust)):
            return _WAITING
        return None if self.signer is not None and self.signer.custody != OFFLINE else _NO_KEY

    def trigger(self) -> str:
        """A digest of the inputs with which a check may have another result. The chain stands for the signing key."""
        parts = {name: self.given.get(name) for name in ("hubId", "hostName", "deviceId", "chain", "trust", "device", "cloud")}
        parts |= {"enabled": self.enabled, "custody": self.signer.custody if self.signer else None}
        parts |= {"skip": self.skip} if self.skip else {}
        if self.service_id is not None:
            parts |= {name: self.given.get(name) for name in ("serviceId", "idScope", "deviceHost", "assignedHubs")}
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]

    def canary(self, host: str, moment: datetime) -> Canary:
        """The device that connects, with its authority and its hub.

        Raises:
            NotValidNowError: the chain is not valid at ``moment``.
            HubtrustError: it can't be judged, or the key that signs device certificates is not available here.
        """
        wanted = Wanted(thumbprint=thumbprint(self.anchor)) if self.anchor else Wanted(top=True)
        chain = load_chain(str(self.given["chain"]), what="chain", now=moment, wanted=wanted)
        chain.require_valid_at(moment)
        issuing_key = require_strong_key(chain.issuing.public_key(), what="chain")
        signer = self.signer.signer(issuing_key) if self.signer else None
        if signer is None:  # pragma: no cover - `skip_reason` has said so
            raise DeclarationError("signer", _NO_KEY, "set enabled to false")
        return Canary(host, self.device_id, chain, signer, self.trust or [])

    def through_service(self, service_id: Service, host: str) -> ServiceRoute:
        """The way through the provisioning service to the hub with this host name, or to another one that it may assign."""
        hubs = frozenset(one.lower() for one in self.assigned_hubs or (host,))
        return ServiceRoute(self, service_id, self.id_scope, self.device_host, hubs, self.owner or {})
