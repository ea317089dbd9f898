"""The program on each engine that is installed."""

from tests.e2e.conftest import stack

__all__ = ["stack"]
