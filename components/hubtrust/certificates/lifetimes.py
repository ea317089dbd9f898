"""How long certificates last and how long before their end they are renewed: one table of defaults, and one check of both."""

from dataclasses import dataclass
from typing import Final

from hubtrust.reconcile_errors import DeclarationError

ROOT, INTERMEDIATE, DEVICE = "root", "intermediate", "device"


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Days from issue to the end, and days before the end in which the certificate is renewed."""

    days: float
    renew_before_days: float


def authority_lifetime(days: float, renew_before_days: float | None = None) -> Lifetime:
    """The lifetime of a CA's certificate; the renewal window, where none is given, is a tenth of it."""
    return Lifetime(days, days / 10 if renew_before_days is None else renew_before_days)


LIFETIMES: Final = {
    ROOT: authority_lifetime(3650.0),
    INTERMEDIATE: authority_lifetime(1825.0),  # the issuing CA, and those between it and the root
    DEVICE: Lifetime(365.0, 30.0),
}
SHORTEST, LONGEST = 1 / 24, 36525  # days


def require_window(days: float, renew_before_days: float, *, days_name: str = "lifetimeDays", window_name: str = "renewBeforeDays") -> None:
    """Refuse a renewal window that is not shorter than the lifetime: every run would renew.

    Raises:
        DeclarationError: the window is not shorter; it names the two inputs or settings by ``days_name`` and ``window_name``.
    """
    if renew_before_days >= days:
        fact = f"it is {renew_before_days:g}, but {days_name} is only {days:g}"
        raise DeclarationError(window_name, fact, f"use a smaller {window_name} or a longer {days_name}")
