"""To which of the linked hubs a device is assigned.

https://learn.microsoft.com/azure/iot-dps/how-to-use-allocation-policies. Azure does not publish how it hashes, and measures latencies at
the device: both are our own choice here.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

from local_azure_iot.provisioning import hub_links
from local_azure_iot.provisioning.refusals import NO_HUB, FailedError
from local_azure_iot.resource_manager import regions

if TYPE_CHECKING:
    from local_azure_iot.microsoft_devices.linked_hubs import Link
    from local_azure_iot.store import Document

CUSTOM = "custom"
_HASH_VALUES = 1 << 64


def policy(service: Document, enrollment: Document) -> str:
    """The enrollment's allocation policy, else the service's; in lower case."""
    return str(enrollment["record"].get("allocationPolicy") or service["properties"].get("allocationPolicy") or "Hashed").lower()


def candidates(service: Document, enrollment: Document) -> list[Link]:
    """The links among which the policy chooses: the enrollment's hubs as far as they are linked, else all that take part in allocation.

    Raises:
        FailedError: There is none.
    """
    record = enrollment["record"]
    named = [str(each).lower() for each in record.get("iotHubs") or ([record["iotHubHostName"]] if record.get("iotHubHostName") else [])]
    if not service["hubs"]:
        raise FailedError(NO_HUB, "No IoT hub is linked to the provisioning service.")
    if named:
        found = [each for each in service["hubs"] if hub_links.host(each) in named]
        if not found:
            raise FailedError(NO_HUB, f"None of the enrollment's IoT hubs is linked to the provisioning service: {', '.join(named)}")
        return found
    found = [each for each in service["hubs"] if each.get("applyAllocationPolicy") is not False]
    if not found:
        raise FailedError(NO_HUB, "No linked IoT hub takes part in allocation (applyAllocationPolicy is false).")
    return found


def choose(service: Document, enrollment: Document, registration_id: str) -> Link:
    """The link to the hub that the policy gives a device; the same each time, as long as the links are.

    Raises:
        FailedError: There is none.
    """
    links, name = candidates(service, enrollment), policy(service, enrollment)
    if name == "static":
        if len(links) != 1:
            raise FailedError(NO_HUB, f"Static allocation needs one IoT hub, and {len(links)} are there: name one in the enrollment.")
        return links[0]
    if name == "geolatency":
        links = _nearest(service, links)
    return max(links, key=lambda link: (_weight(link, registration_id), hub_links.host(link)))


def _nearest(service: Document, links: list[Link]) -> list[Link]:
    """The hubs in the service's own region, else in its paired one, else all: nothing is known of where the device is."""
    here = regions.normalized(service["location"])
    for region in (here, regions.normalized(regions.paired(here))):
        found = [each for each in links if regions.normalized(str(each.get("location") or "")) == region]
        if found:
            return found
    return links


def _weight(link: Link, registration_id: str) -> float:
    """Weighted rendezvous hashing: a hub that is linked or unlinked moves no device between the others.

    https://www.snia.org/sites/default/files/SDC15_presentations/dist_sys/Jason_Resch_New_Consistent_Hashings_Rev.pdf
    """
    text = f"{registration_id.lower()}\n{hub_links.host(link)}"
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    share = link.get("allocationWeight")
    return -float(1 if share is None else share) / math.log((number + 1) / (_HASH_VALUES + 1))
