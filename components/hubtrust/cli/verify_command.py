"""`hubtrust verify`: the audit of an evidence log, offline."""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubtrust.evidence.audit import audit
from hubtrust.evidence.conclusion import conclusion, failure, head_line, record_line
from hubtrust.evidence.errors import EvidenceError
from hubtrust.evidence.log import LARGEST, Log
from hubtrust.pki.certificate import Certificate, load_certificate

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
_LARGEST_CA = 1024 * 1024  # bytes
_STDIN = "-"
_LOG_REMEDY = "give the log's file, or - and the output of `pulumi stack output evidence`"


def add_to(commands: "_SubParsersAction[Any]") -> None:
    """Add this command to ``commands``."""
    parser = commands.add_parser(
        "verify",
        help="check an evidence log, offline",
        description="Check an evidence log: the chain of its records, their signatures, and that each proof is the CA's signature over "
        "Azure's code. Nothing is asked of Azure or of the network.",
        epilog="exit codes: 0 nothing is wrong (the last line says what no signature covers); 1 something is, or the log "
        "can't be read; 2 wrong usage. "
        "docs/evidence.md says how to check a log with openssl and sha256sum alone.",
    )
    parser.add_argument("log", metavar="LOG", help="the log's file; - reads it from stdin")
    parser.add_argument(
        "--ca",
        metavar="FILE",
        action="append",
        default=[],
        help="your own copy of the CA's certificate: at least one proof must be by its key; again for each other CA",
    )
    parser.add_argument("--stack", metavar="NAME", help="the stack that the log must be of: organization/project/stack")
    parser.add_argument(
        "--root",
        metavar="HASH",
        type=_root_hash,
        help="a root hash that you kept, now or earlier: the log must have had it, and its records up to there are unchanged",
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace, write: Callable[[str], object] = print) -> int:
    """Audit the log that ``given`` names, and write what is found.

    Raises:
        EvidenceError: something is not confirmed, or a file can't be read.
        PkiError: the file of ``--ca`` has no certificate.
    """
    cas = [_ca(path) for path in given.ca]
    found = audit(Log.read(_content(given.log, LARGEST, f"'{given.log}'", _LOG_REMEDY)), cas, given.stack, given.root)
    for one in found.records:
        write(record_line(one))
    write(head_line(found))
    for fact in found.of_whole:
        write(f"NOT CONFIRMED: {fact}")
    if not found.confirmed:
        raise EvidenceError(f"the evidence log '{given.log}'", *failure(found))
    write(conclusion(found))
    return 0


def _ca(path: str) -> Certificate:
    what = f"--ca '{path}'"
    return load_certificate(_content(path, _LARGEST_CA, what, "give the file of the CA's certificate, PEM or DER"), what=what)


def _content(path: str, most: int, what: str, remedy: str) -> bytes:
    """The bytes of a file, a pipe or stdin. What has more than ``most`` is refused by whoever reads it: one more is read.

    Raises:
        EvidenceError: it can't be read.
    """
    try:
        if path == _STDIN:
            return sys.stdin.buffer.read(most + 1)
        with Path(path).open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise EvidenceError(what, f"it can't be read: {error.strerror or type(error).__name__}", remedy) from None
    except ValueError:
        raise EvidenceError(what, "it can't be read: its name has a NUL character", remedy) from None


def _root_hash(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise argparse.ArgumentTypeError("a root hash has 64 hex digits, as `pulumi up` and `hubtrust verify` print it")
    return text.lower()
