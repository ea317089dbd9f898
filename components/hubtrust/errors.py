"""The root of every error that this package raises on purpose."""


class HubtrustError(Exception):
    """One line: what failed, the fact found, what to do next; never a part of a secret."""

    def __init__(self, what: str, fact: str, remedy: str) -> None:
        super().__init__(f"{what}: {fact}; {remedy}")
        self.what = what
        self.fact = fact
        self.remedy = remedy
