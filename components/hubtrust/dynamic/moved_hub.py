"""A stack whose hub becomes another one. While the old hub answers, that needs consent, and what is on it stays.

A refresh that believed a wrong answer, or a setting that was changed by mistake, would otherwise delete every device of the old hub.
"""

from collections.abc import Collection

from hubtrust.azure.errors import AzureError
from hubtrust.azure.service import Service
from hubtrust.dynamic.dependants import count_dependants
from hubtrust.dynamic.hub_inputs import HubInputs
from hubtrust.process import show_message
from hubtrust.reconcile_errors import MovedHubError

_left: set[str] = set()  # names of hubs that the program leaves, in lower case; a provider process lasts for one run


def note_left(hub_name: str) -> None:
    """The program consents to leave the hub of this name."""
    _left.add(hub_name.lower())


def require_left(old: HubInputs, new: Service, stacks: Collection[str]) -> None:
    """Refuse to move from ``old`` to ``new`` without consent, unless ``old`` is gone.

    Raises:
        MovedHubError: ``old`` answers, or nobody can say whether it exists.
        RefusedError: it was moved to another resource group.
    """
    if _is_left(old.hub_id) or old.is_gone():
        return
    fact = f"this stack would move from it to {new.title}, but it still exists: {_devices(old, stacks)} on it"
    remedy = (
        f"if it is this stack's hub, set adoptHub (or existingHub, as before) to {old.hub_id.id}; to move, set leaveHub: {old.hub_id.name}"
        " (leave of TrustedHub), and everything on it stays"
    )
    raise MovedHubError(old.hub_id.title, fact, remedy)


def stays(what: str, hub: Service) -> bool:
    """Whether ``what`` is not deleted, because it is on a hub that the program leaves; the user is told."""
    if _is_left(hub):
        show_message(f"{what} stays on {hub.title}, which this stack leaves; delete it there if nobody needs it any more")
    return _is_left(hub)


def _is_left(hub: Service) -> bool:
    return hub.name.lower() in _left


def _devices(hub: HubInputs, stacks: Collection[str]) -> str:
    try:
        count, unseen = count_dependants(hub, stacks)
    except AzureError:
        return "an unknown number of enabled devices of this stack is"
    total = count + unseen
    return "1 enabled device of this stack is" if total == 1 else f"{total:,} enabled devices of this stack are"
