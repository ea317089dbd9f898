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
    remedy = f"use {' or '.join(named)}, which holds for that generation alone" if named else "leave it out: no generation is dropped"
    raise ReplacedArgumentError(f"hub '{hub}'", "there is no argument drop_previous any more", remedy)
