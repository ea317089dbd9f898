"""Why a device was refused, link by link: by the provisioning service that was to give it a hub, or by its hub."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from local_azure_iot import why_hub, why_provisioning
from local_azure_iot.judge.connection_check import Reason

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.mqtt.plane import Plane


def why(azure: Azure, plane: Plane, device: str, hub: str = "") -> dict[str, Any]:
    """What is known of a device (or of a module, as `device/module`): see `why_hub.explained`.

    Where it asked a provisioning service for its hub, the links of its registration come first. They are the answer where it got none,
    and has not tried a hub since; unless ``hub`` names the one that is asked about.
    """
    found = why_hub.explained(azure, plane, device, hub)
    story = None if hub else why_provisioning.story(azure, plane, device)
    if story is None:
        return found
    links = [asdict(link) for link in story.links]
    tried = [each.time for each in why_hub.attempts_at_hubs(plane) if each.device == device]
    if story.registered or (tried and tried[-1] > story.time):
        return {**found, "answer": f"{found['answer']}{_advice(found)}", "links": [*links, *found["links"]]}
    return {**found, **story.members, "links": links}


def _advice(found: dict[str, Any]) -> str:
    """What a device is to do whose hub knows the certificate with which it registered, and no CA."""
    facts = [link["fact"] for link in found["links"] if link["link"] == found["broken"]]
    renewed = any(fact.startswith(Reason.THUMBPRINT) for fact in facts)
    return "; its certificate is not the one with which it enrolled: it must register again" if renewed else ""
