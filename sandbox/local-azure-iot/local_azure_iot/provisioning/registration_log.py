"""What became of each registration, with the true reason: for the control port, never for the device. In memory, and bounded."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_azure_iot.judge import certificate

if TYPE_CHECKING:
    from local_azure_iot.provisioning.registrants import Registrant

_KEPT = 10_000
_REGISTRANTS_KEPT = 1_000
_LONGEST = 500  # characters of what a client sent


@dataclass(frozen=True)
class Entry:
    """One step of a registration."""

    time: str
    service: str  # the service's host name
    registration: str  # the id, as the device wrote it
    outcome: str  # `assigning`, `assigned`, `failed`, `disabled`, `refused`, `throttled`
    status: int  # of the answer, as HTTP has it; of an outcome that the device has to ask for: 200
    reason: str = ""  # why not
    enrollment: str = ""  # that let it in
    hub: str = ""
    device: str = ""  # its id in the hub
    substatus: str = ""
    operation: str = ""
    subject: str = ""  # of the certificate that was sent
    issuer: str = ""


@dataclass
class RegistrationLog:
    """The entries, oldest first, and what each device sent last."""

    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=_KEPT))
    registrants: dict[str, Registrant] = field(default_factory=dict)  # by registration id in lower case

    def add(self, time: str, registrant: Registrant, outcome: str, status: int, **facts: str) -> None:
        """Record a step; ``facts`` are the other members of an `Entry`."""
        shown = registrant.registration_id[:_LONGEST]
        subject, issuer = certificate.names_sent(registrant.chain[0]) if registrant.chain else ("", "")
        printable = {name: "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
                     for name, text in facts.items()}  # fmt: skip
        self.entries.append(
            Entry(
                time, str(registrant.service["hostName"]), shown, outcome, status,
                subject=subject[:_LONGEST], issuer=issuer[:_LONGEST], **printable,
            )
        )  # fmt: skip
        self.registrants.pop(shown.lower(), None)
        self.registrants[shown.lower()] = registrant
        if len(self.registrants) > _REGISTRANTS_KEPT:
            del self.registrants[next(iter(self.registrants))]

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()
        self.registrants.clear()
