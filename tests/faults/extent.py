"""How much of the sweep runs (HUBTRUST_FAULTS) and which random choice it makes (HUBTRUST_SEED)."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

_SHARES = {"sample": (0.05, 0.0, 0), "http": (1.0, 0.01, 1), "all": (1.0, 1.0, 3)}


@dataclass(frozen=True)
class Extent:
    """Shares from 0 to 1 of the HTTP matrix and of the killed runs (0: one case), and how many storms."""

    http: float
    deaths: float
    storms: int
    seed: int
    title: str  # for messages

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """``sample`` by default; without a seed a random one.

        Raises:
            ValueError: HUBTRUST_FAULTS has an unknown value.
        """
        named = environment.get("HUBTRUST_FAULTS") or "sample"
        if named not in _SHARES:
            raise ValueError(f"HUBTRUST_FAULTS is '{named}'; write {', '.join(_SHARES)}")
        seed = int(environment.get("HUBTRUST_SEED") or random.SystemRandom().randrange(10**6))
        return cls(*_SHARES[named], seed=seed, title=f"fault sweep: {named}; HUBTRUST_SEED={seed} repeats it")
