"""What all tests stand on."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import settings

# No test asserts on time: an example may take as long as the machine makes it take.
settings.register_profile("hubtrust", deadline=None)
settings.load_profile("hubtrust")


# What test modules make of Pulumi's while they are imported belongs to the event loop of that moment: this one.
_LOOP = asyncio.new_event_loop()
asyncio.set_event_loop(_LOOP)


@pytest.fixture(autouse=True)
def pulumi_event_loop() -> None:
    """Pulumi's SDK asks for the thread's event loop, and a test before (`asyncio.run`) may have taken it away."""
    asyncio.set_event_loop(_LOOP)
