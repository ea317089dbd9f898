"""How local Azure behaves where tests can choose: durations, throttling, strictness."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, fields, replace
from typing import Any

PRIVATE_ENDPOINT = "private-endpoint"
_MOST = 1_000_000_000  # of seconds thirty years


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Each is set by a flag of `local-azure-iot start` or by `PATCH /settings` on the control port."""

    operation_seconds: float = 0.0  # how long creating, changing or deleting a hub or provisioning service takes
    retry_after: int | None = (
        None  # seconds; sent on accepted PUTs too, where Azure doesn't send it, and to devices that register, who get 3 from Azure
    )
    role_delay_seconds: float = 0.0  # until a new role assignment takes effect
    created_zero_date: bool | None = None  # `created` of certificates: None: as last recorded; True: the zero date; False: real
    strict: bool = False  # refuse requests that Azure accepts and a correct client never sends
    role_checks: bool = True  # whether ARM checks roles
    throttle: float | None = (
        None  # limits of hubs, and of provisioning services' service API: None off, 1.0 Azure's, 60.0 sixty times as much
    )
    throttle_burst: int = 250  # operations that pass at once above the rate before others have to queue
    registrations_per_minute: int | None = None  # of devices with each provisioning service: None: no limit; Azure's: 1000
    registration_seconds: float = 0.0  # how long a provisioning service takes to assign a device to a hub; Azure: 0.3
    provisioning_services: int | None = None  # the most that a subscription may have: None: no limit; Azure's: 10
    query_lag_seconds: float = 0.0  # until queries see a write
    client_address: str | None = None  # where clients of hubs come from: None: their own address; an IP address; "private-endpoint"

    def changed(self, values: dict[str, Any]) -> Settings:
        """A copy of these settings with some changed.

        Raises:
            ValueError: A setting of that name does not exist, or the value has the wrong type or range.
        """
        known = {field.name for field in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"no setting is named '{name}'; use one of {', '.join(sorted(known))}")
            _check(name, value)
        return replace(self, **values)


def _is_address(value: object) -> bool:
    try:
        ipaddress.ip_address(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True


def _check(name: str, value: object) -> None:
    fits, what = _fits(name, value)
    if not fits:
        raise ValueError(f"setting '{name}' can't be {value!r}: {what}")


def _fits(name: str, value: object) -> tuple[bool, str]:
    """Whether a setting can be this, and what it can be."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _MOST  # NaN is neither
    whole = number and isinstance(value, int)
    default = (number, f"it is a number of seconds from 0 to {_MOST}")
    return {
        "strict": (isinstance(value, bool), "it is true or false"),
        "role_checks": (isinstance(value, bool), "it is true or false"),
        "created_zero_date": (value is None or isinstance(value, bool), "it is true, false or null"),
        "throttle": (value is None or (number and value != 0), f"it is a factor above 0, at most {_MOST}, or null"),
        "registrations_per_minute": (value is None or (whole and value != 0), f"it is a whole number from 1 to {_MOST}, or null"),
        "provisioning_services": (value is None or whole, f"it is a whole number from 0 to {_MOST}, or null"),
        "throttle_burst": (whole, f"it is a whole number from 0 to {_MOST}"),
        "retry_after": (value is None or whole, f"it is a whole number of seconds from 0 to {_MOST}, or null"),
        "client_address": (
            value is None or value == PRIVATE_ENDPOINT or _is_address(value),
            f"it is an IP address, '{PRIVATE_ENDPOINT}' or null",
        ),
    }.get(name, default)
