"""Errors of creating an environment."""


class EnvironmentRefusedError(Exception):
    """An environment can't be created; one line for each reason, with what to do."""
