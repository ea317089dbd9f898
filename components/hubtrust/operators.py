"""Operators: who may manage a hub's devices."""

import re
from dataclasses import dataclass
from typing import Self

from hubtrust.program_errors import ProgramError

DEPLOYER = "deployer"  # whoever runs the program
KINDS = ("ServicePrincipal", "User", "Group")  # Azure's principal types; the first is meant where none is named
_OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class OperatorError(ProgramError):
    """The text does not name an operator."""


@dataclass(frozen=True)
class Operator:
    """A principal of Microsoft Entra ID, or whoever runs the program."""

    principal: str  # the object id, a GUID; or `deployer`
    kind: str | None  # one of KINDS; None for the deployer

    @classmethod
    def read(cls, text: object) -> Self:
        """From ``<object id>`` (a service principal), ``User:<object id>``, ``Group:<object id>`` or ``deployer``.

        Raises:
            OperatorError: it is none of them.
        """
        if not isinstance(text, str):
            fact = "it is nothing" if text is None else f"it is of type {type(text).__name__}"
            raise OperatorError("operator", fact, f"give an object id, such as identity.principal_id, or {DEPLOYER}")
        if text == DEPLOYER:
            return cls(DEPLOYER, None)
        kind, _, principal = text.rpartition(":")
        if not _OBJECT_ID.fullmatch(principal) or (kind and kind not in KINDS):
            remedy = f"use a GUID, {', '.join(f'{each}:<GUID>' for each in KINDS)} or {DEPLOYER}"
            raise OperatorError(f"operator '{text}'", "it is not an object id", remedy)
        return cls(principal, kind or KINDS[0])
