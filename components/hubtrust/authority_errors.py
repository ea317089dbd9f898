"""The error of an authority's declaration."""

from hubtrust.program_errors import ProgramError


class AuthorityError(ProgramError):
    """An authority's declaration is not valid. Pulumi shows a RunError as one line, without a traceback."""
