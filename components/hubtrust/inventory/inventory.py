"""The inventory of a stack: what its state says of trust at a moment. Pure: it asks nobody, and takes the moment as an argument."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hubtrust.inventory import authorities, device_certificates, due, evidence_found, other_makers
from hubtrust.inventory.certificates_found import Authorities
from hubtrust.inventory.records import Authority, DeviceCertificates, Due, Evidence, Service, Unseen, document
from hubtrust.inventory.services import Services
from hubtrust.inventory.state import State

VERSION = 1
_OWNERS = ("EvidenceRecords", "HubOwner", "AuthorityGeneration")


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything that the state of a stack says of trust, and what could not be seen of it."""

    stack: str
    """`organization/project/stack`; `project/stack` where no resource says the organization; empty for an empty state."""
    at: datetime
    """The moment for which days are counted."""
    unseen: tuple[Unseen, ...] = ()
    authorities: tuple[Authority, ...] = ()
    services: tuple[Service, ...] = ()
    device_certificates: DeviceCertificates = DeviceCertificates()  # noqa: RUF009 - it is frozen
    evidence: Evidence | None = None
    due: tuple[Due, ...] = ()
    """What happens or has to be done in the next 90 days."""
    findings: tuple[Mapping[str, Any], ...] = ()
    """Of a policy pack that looked at the same stack; see the trust map."""

    @classmethod
    def of(cls, deployment: Mapping[str, Any], now: datetime) -> "Inventory":
        """The inventory of an exported deployment: the member `deployment` of what `pulumi stack export` writes.

        It takes any state: empty, of an interrupted run, of another program, of older versions. What it can't read is in ``unseen``.

        Args:
            deployment: Pulumi's deployment, version 3.
            now: the moment for which days are counted, with a time zone.
        """
        state = State.read(deployment)
        here = Authorities.of(state)
        found = authorities.described(here, now)
        stack = _stack(state)
        evidence, log = evidence_found.read(state, stack)
        services = evidence_found.with_records(Services(state, here).read(), log)
        counted, days = device_certificates.counted(state, here, now)
        _tell_what_states_lack(state)
        dues = due.listed(state, here, found, services, days, now)
        return cls(stack, now, tuple(state.unseen.found), found, services, counted, evidence, dues)

    def document(self) -> dict[str, Any]:
        """As JSON values: docs/status.md describes each member."""
        found: dict[str, Any] = {"version": VERSION, **document(self)}
        return found

    def ends_within(self, days: float) -> bool:
        """Whether a certificate ends within ``days``, or has ended."""
        last = self.at + timedelta(days=days)
        devices = self.device_certificates.earliest_end
        return any(one.not_after <= last for one in self.authorities) or (devices is not None and devices <= last)


def _stack(state: State) -> str:
    short = "/".join(part for part in (state.project, state.stack) if part)
    for one in state.of(*_OWNERS):
        said = one.text("stack") or one.text("devicesOf") or ""
        if said.endswith(f"/{short}"):
            return said
    return short


def _tell_what_states_lack(state: State) -> None:
    """What no state has, so that nobody believes it was looked at."""
    if not any(one.type for one in state.resources if not other_makers.STACK.fullmatch(one.type)):
        state.unseen.add("any resource", "the stack has none: it is empty, or was destroyed")
    elif not any(one.kind for one in state.resources):
        state.unseen.add("any resource of hubtrust", "the stack has none: it is another program's, or hubtrust's resources were removed")
    for one in state.of("ConnectionCheck"):
        if reason := one.text("reason"):
            state.unseen.add(f"whether device '{one.text('deviceId') or one.name}' connects", reason)
