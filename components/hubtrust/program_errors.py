"""Errors that a program raises: Pulumi shows a RunError as its line alone, anything else with a traceback and the class's name."""

from collections.abc import Iterator
from contextlib import contextmanager

import pulumi

from hubtrust.errors import HubtrustError


class ProgramError(HubtrustError, pulumi.RunError):
    """The base class of these errors."""

    @classmethod
    @contextmanager
    def told(cls) -> Iterator[None]:
        """Errors of the layers below, which don't know Pulumi, become this one; for a `with`, or as a function's decorator."""
        try:
            yield
        except pulumi.RunError:
            raise
        except HubtrustError as error:
            raise cls(error.what, error.fact, error.remedy) from None
