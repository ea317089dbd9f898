"""Errors of creating an environment."""

from hubtrust.errors import shown


class EnvironmentRefusedError(Exception):
    """An environment can't be created; one line for each reason, with what to do."""

    def __init__(self, *reasons: str) -> None:
        self.lines = tuple(map(shown, reasons))
        super().__init__("\n".join(self.lines))
