"""What is refused."""


class EnvironmentRefusedError(Exception):
    """An environment can't be made; one line for each reason, with what to do."""
