"""What the engine says when it can't go on: one line each, with the exit code of Pulumi's CLI."""

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
    """The command line can't be understood, or asks for something this engine refuses."""


class ConfirmationError(EngineError):
    """Nobody is there to confirm what needs it, and no flag does."""

    exit_code = EXIT_CONFIGURATION


class StackNotFoundError(EngineError):
    """The stack that the command needs is not there, or none is selected."""

    exit_code = EXIT_STACK_NOT_FOUND


class ChangesFoundError(EngineError):
    """`--expect-no-changes` was given and something would change or did."""

    exit_code = EXIT_NO_CHANGES_EXPECTED


class CancelledError(EngineError):
    """The user said no to a confirmation, or stopped the run before it began."""

    exit_code = EXIT_CANCELLED


class ReportedError(EngineError):
    """Something failed that has been shown already: nothing more is printed, the exit code stays an error's."""
