"""Times as provisioning services write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def written(moment: datetime) -> str:
    """`2023-05-19T23:10:35.477793Z`: in UTC, without the zeros at the end of the fraction, as recorded."""
    text = f"{moment:%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").rstrip(".")
    return f"{text}Z"
