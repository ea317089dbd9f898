"""Thumbprints by which a declaration names certificates that exist, as Azure shows them: SHA-1."""

import re

from hubtrust.reconcile_errors import DeclarationError

_SHA1 = re.compile(r"[0-9A-F]{40}")


def require_thumbprint(text: str) -> str:
    """A SHA-1 thumbprint as Azure shows it: upper case, without separators.

    Raises:
        DeclarationError: it is not one.
    """
    found = re.sub(r"[\s:-]", "", text).upper()
    if not _SHA1.fullmatch(found):
        raise DeclarationError(
            "adopt", f"'{text}' is not a SHA-1 thumbprint", "give 40 hex digits, as Azure and the error of `up` show them"
        )
    return found
