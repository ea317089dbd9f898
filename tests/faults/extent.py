"""How much of the sweep is run, by HUBTRUST_FAULTS, and which draw it is, by HUBTRUST_SEED."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

_SHARES = {"tenth": (0.1, 0.0, 0), "http": (1.0, 0.01, 1), "all": (1.0, 1.0, 3)}


@dataclass(frozen=True)
class Extent:
    """Shares from 0 to 1 of the HTTP matrix and of the deaths (0 is one case), and how many storms."""

    http: float
    deaths: float
    storms: int
    seed: int
    told: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """``tenth`` unless it says otherwise; a seed is drawn where none is given.

        Raises:
            ValueError: a value that can't be meant.
        """
        named = environment.get("HUBTRUST_FAULTS") or "tenth"
        if named not in _SHARES:
            raise ValueError(f"HUBTRUST_FAULTS is '{named}'; write {', '.join(_SHARES)}")
        seed = int(environment.get("HUBTRUST_SEED") or random.SystemRandom().randrange(10**6))
        return cls(*_SHARES[named], seed=seed, told=f"fault sweep: {named}, HUBTRUST_SEED={seed} draws the same again")
