"""Why a provisioning service did not give a device a hub, link by link: its registration, its enrollment, the hub that it would get.

Each link is judged by the code that let the device in or refused it, with what the device sent last, and with the service as it is now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_azure_iot import host_names
from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.mqtt.plane import ENDED
from local_azure_iot.provisioning import allocation, chain_walk, hub_links, lookup
from local_azure_iot.provisioning.enrollments import GROUPS
from local_azure_iot.provisioning.refusals import FailedError, RefusedError
from local_azure_iot.why_links import Link, first_broken

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.mqtt.plane import Attempt, Plane
    from local_azure_iot.provisioning.registrants import Registrant
    from local_azure_iot.provisioning.registration_log import Entry
    from local_azure_iot.store import Document


@dataclass(frozen=True)
class Story:
    """What became of a device that asked for its hub."""

    time: str
    registered: bool  # the last time that it asked it got a hub, or waits for it
    members: dict[str, Any]  # of the answer of `why`
    links: list[Link]


def story(azure: Azure, plane: Plane, device: str) -> Story | None:
    """What became of the device the last time that it asked, by its registration id or its id in the hub; None: it never asked."""
    name = device.partition("/")[0].lower()
    entry = next((each for each in reversed(azure.registrations.entries) if name in {each.registration.lower(), each.device.lower()}), None)
    unheard = _refused_before(plane, name)
    if unheard and (entry is None or unheard.time > entry.time):
        return _of_attempt(unheard)
    if entry is None:
        return None
    registered = entry.outcome in {"assigned", "assigning"}
    registrant = azure.registrations.registrants.get(entry.registration.lower())
    first = Link("registration", holds=registered, fact=_told(entry))
    links = [first, *(_judged(azure, registrant) if registrant else [])]
    broken = first_broken(links[1:])
    now = None if len(links) == 1 else broken is None
    answer = f"{_told(entry)}{'; it would be given a hub now' if now and not registered else ''}"
    members = {
        "hub": entry.hub, "accepted": registered, "reason": entry.reason, "now": now, "broken": broken.link if broken else "",
        "answer": answer,
    }  # fmt: skip
    return Story(entry.time, registered, members, links)


def _told(entry: Entry) -> str:
    what = {"assigned": f"was assigned to '{entry.hub}' as '{entry.device}'", "assigning": "waits for its hub"}.get(entry.outcome)
    by = f" by {entry.enrollment}" if entry.enrollment else ""
    return (
        f"at {entry.time} it {what}{by}"
        if what
        else f"'{entry.service}' did not register it at {entry.time}{by} ({entry.outcome}): {entry.reason}"
    )


def _refused_before(plane: Plane, name: str) -> Attempt | None:
    """The last attempt that ended before the device could ask: an unknown id scope, another name in its certificate."""
    return next(
        (
            each
            for each in reversed(plane.attempts)
            if each.device.lower() == name and host_names.is_of_provisioning(each.host)
            and not each.accepted and not each.reason.startswith(ENDED)
        ),
        None,
    )  # fmt: skip


def _of_attempt(attempt: Attempt) -> Story:
    link = Link("its own words" if attempt.own_words else "id scope", holds=False, fact=attempt.reason)
    answer = f"'{attempt.host}' refused it at {attempt.time}, before it could ask for its hub: {attempt.reason}"
    members = {"hub": "", "accepted": False, "reason": attempt.reason, "now": None, "broken": link.link, "answer": answer}
    return Story(attempt.time, registered=False, members=members, links=[link])


def _judged(azure: Azure, registrant: Registrant) -> list[Link]:
    """The enrollment that lets the device in now, and the hub that it would get."""
    service = lifecycle.find(azure, registrant.service_key, lifecycle.PROVISIONING)
    if service is None:
        return [Link("provisioning service", holds=False, fact=f"'{registrant.service['hostName']}' does not exist any more")]
    links = [Link("provisioning service", holds=True, fact=f"'{service['hostName']}' has the id scope {service['idScope']}")]
    try:
        match = lookup.find(azure, registrant)
    except RefusedError as refused:
        told = f"{refused}; the device is told: {refused.error.message}"
        return [*links, *_trusted(azure, registrant), Link("enrollment", holds=False, fact=told)]
    fact = f"the {match.name} lets it in" if match.enabled else f"the {match.name} is disabled"
    links.append(Link("enrollment", holds=match.enabled, fact=fact))
    member = registrant.registration_id if match.kind is GROUPS else match.enrollment["record"].get("deviceId") or match.enrollment["id"]
    return [*links, _hub(azure, service, match.enrollment, registrant.registration_id, str(member))]


def _trusted(azure: Azure, registrant: Registrant) -> list[Link]:
    """The service's CAs: one that nobody proved is the most frequent cause. None are needed for an individual enrollment."""
    if not registrant.chain:
        return []
    known = chain_walk.uploaded(azure, registrant.service_key)
    said = [f"'{each.certificate.subject}' ({each.name}) {'is verified' if each.verified else 'waits for proof'}" for each in known]
    fact = "; ".join(said) or "no certificate is registered with this service"
    return [Link("trusted CAs", holds=True if any(each.verified for each in known) else None, fact=fact)]


def _hub(azure: Azure, service: Document, enrollment: Document, registration_id: str, device_id: str) -> Link:
    if allocation.policy(service, enrollment) == allocation.CUSTOM:
        return Link("linked hub", holds=None, fact="a webhook chooses the hub at each registration")
    try:
        link = allocation.choose(service, enrollment, registration_id)
        hub_links.open_hub(azure, service, link)
    except FailedError as error:
        return Link("linked hub", holds=False, fact=str(error))
    return Link("linked hub", holds=True, fact=f"'{hub_links.host(link)}' takes it as '{device_id}'")
