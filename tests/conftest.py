"""What all tests stand on."""

from __future__ import annotations

from hypothesis import settings

# No test asserts on time: an example may take as long as the machine makes it take.
settings.register_profile("hubtrust", deadline=None)
settings.load_profile("hubtrust")
