"""Arguments of earlier versions: an error names what takes their place."""

from collections.abc import Sequence

from hubtrust.authority import CertificateAuthority
from hubtrust.program_errors import ProgramError


class ReplacedArgumentError(ProgramError):
    """An argument of an earlier version is given."""


def refuse_drop_previous(hub: str, authorities: Sequence[CertificateAuthority], drop_previous: object) -> None:
    """``drop_previous`` held for every later rotation too; ``drop_generation`` names the one that it is for.

    Raises:
        ReplacedArgumentError: it is given.
    """
    if drop_previous is None:
        return
    numbers = {authority.generation - (2 if authority.previous else 1) for authority in authorities}
    named = [f"drop_generation={number}" for number in sorted(numbers) if number > 0]
    remedy = f"use {' or '.join(named)}, which applies to that generation only" if named else "leave it out: no generation is dropped"
    raise ReplacedArgumentError(f"hub '{hub}'", "there is no argument drop_previous any more", remedy)


def refuse_settings_and_existing_id(hub: str, settings: object, existing_id: object) -> None:
    """``hub`` takes what both did, and the program's own hub.

    Raises:
        ReplacedArgumentError: one of them is given.
    """
    remedies = {
        "settings": (settings, "give hub=HubArgs(…), and operators=… beside it"),
        "existing_id": (existing_id, "give hub= the resource id of the hub, or the IotHubResource itself"),
    }
    for name, (value, remedy) in remedies.items():
        if value is not None:
            raise ReplacedArgumentError(f"hub '{hub}'", f"there is no argument {name} any more", remedy)
