"""Errors that end a command: one line each, with the exit code of Pulumi's CLI."""

from __future__ import annotations

EXIT_ERROR = 1
EXIT_CONFIGURATION = 2
EXIT_STACK_NOT_FOUND = 6
EXIT_NO_CHANGES_EXPECTED = 7
EXIT_CANCELLED = 8


class EngineError(Exception):
    """Ends a command: its text is shown as `error: …` and the process ends with `exit_code`.

    The codes are Pulumi's own (sdk/go/common/util/cmdutil/exit.go).
    """

    exit_code = EXIT_ERROR


class UsageError(EngineError):
    """The command line is invalid, or asks for something that this engine does not support."""


class ConfirmationError(EngineError):
    """The command needs a confirmation, there is no terminal to ask on, and no flag confirms it."""

    exit_code = EXIT_CONFIGURATION


class StackNotFoundError(EngineError):
    """The stack does not exist, or none is selected."""

    exit_code = EXIT_STACK_NOT_FOUND


class ChangesFoundError(EngineError):
    """`--expect-no-changes` was given, and something changed or would change."""

    exit_code = EXIT_NO_CHANGES_EXPECTED


class CancelledError(EngineError):
    """The user declined a confirmation, or stopped the run before it began."""

    exit_code = EXIT_CANCELLED


class ReportedError(EngineError):
    """The failure has already been shown: nothing more is printed, and the exit code is that of an error."""
