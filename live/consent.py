"""What a run creates and costs, and whether the user agrees: it is told before anything is created."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from live.errors import LiveRefusedError
from live.scenario import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LOOPBACK = re.compile(r"https?://(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?/?", re.IGNORECASE)
# Prices: README.md, "Cost"; a test holds these to it. A day of 25 US dollars a month, and fewer than 100 operations.
COSTS = """\
  an IoT hub (S1, one unit): 25 US dollars a month, so about 0.85 for a day; a day may be charged as a whole
  a device provisioning service: 0.10 US dollars per 1,000 operations; this run makes fewer than 100
  two certificates on each, two devices and an enrollment group: nothing"""


def statement(subscription: str, location: str) -> str:
    """What is created in which subscription, and its cost."""
    return f"""\
This creates on Azure, in subscription {subscription}, region {location}:
  a resource group {NAME}-…, with all of the rest in it
{COSTS}
  role assignments at the hub and the provisioning service, so that you may manage devices and enrollments
It costs about 1 US dollar if all is deleted at the end, which is tried in any case; if something is left, it is named with the command
that deletes it. A run takes half an hour or more: Azure needs minutes for a hub, for a role and for the deletion.
Before that the same runs on local Azure, on this machine, for two or three minutes; that costs nothing."""


def require_subscription(given: str | None) -> str:
    """The subscription's id.

    Raises:
        LiveRefusedError: it is missing, or is none.
    """
    found = "no subscription is named" if not given else f"'{given}' is no subscription's id"
    if given and _GUID.fullmatch(given):
        return given.lower()
    remedy = "name one of your own: make live SUBSCRIPTION=<id> (az account list shows the ids)"
    raise LiveRefusedError("the run on Azure", found, remedy)


def leads_to_local_azure(environment: Mapping[str, str]) -> bool:
    """Whether Azure's names lead to this machine, as `local-azure-iot env` and `python -m sandbox env` set it."""
    return bool(_LOOPBACK.fullmatch(environment.get("HTTPS_PROXY", "")))


def require_consent(text: str, subscription: str, environment: Mapping[str, str], *, yes: bool, stdin: TextIO, stdout: TextIO) -> None:
    """Print ``text``, and ask unless ``yes`` was given with the subscription.

    Raises:
        LiveRefusedError: the user did not agree, nobody can be asked, or this is a pipeline.
    """
    print(text, file=stdout, flush=True)
    if environment.get("CI") and not leads_to_local_azure(environment):
        raise LiveRefusedError("the run on Azure", "CI is set, so this is a pipeline", "run it on a machine of your own")
    if yes:
        return
    if not stdin.isatty():
        remedy = f"run it in a terminal, or agree beforehand: make live SUBSCRIPTION={subscription} YES=1"
        raise LiveRefusedError("the run on Azure", "nobody agreed, and nobody can be asked without a terminal", remedy)
    print("Type the subscription's id to start, or anything else to stop: ", end="", file=stdout, flush=True)
    if stdin.readline().strip().lower() != subscription:
        raise LiveRefusedError("the run on Azure", "the subscription's id was not typed", "run it again when you want to start it")
