"""`hubtrust report`: the trust map of a stack, as one HTML page and as its JSON document."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubtrust.cli import stack_export
from hubtrust.inventory.inventory import Inventory
from hubtrust.process import now
from hubtrust.report.page import page
from hubtrust.report.policy_findings import MOST_OCTETS, ReportError, with_findings
from hubtrust.whole_file import write_whole

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_PAGE = "report.html"


def add_to(commands: "_SubParsersAction[Any]") -> None:
    """Add this command to ``commands``."""
    parser = commands.add_parser(
        "report",
        help="write a stack's trust map as one HTML page",
        description="Write one HTML page with a stack's CAs, the hubs and provisioning services that trust them, the proofs, the "
        "dates, and what is due in 90 days. The page needs no network and has no scripts. Nothing is asked of Azure.",
        epilog="exit codes: 0 the page is written; 1 the state or the findings can't be read, or a file can't be written; 2 wrong usage. "
        "docs/report.md describes the page.",
    )
    stack_export.add_arguments(parser)
    parser.add_argument("--output", metavar="FILE", default=_PAGE, help="the page; default %(default)s")
    parser.add_argument("--json", metavar="FILE", help="also write the document from which the page is made")
    parser.add_argument(
        "--findings", metavar="FILE", help="policy findings, as policies/findings.py prints them; without it the page says none"
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Write the page, and the document where one is asked for, and print their names.

    Raises:
        ExportError: the state can't be had or read.
        ReportError: the findings can't be read, or a file can't be written.
    """
    _require_one_use(given)
    content = _findings(given.findings) if given.findings else None
    document: dict[str, Any] = {**Inventory.of(stack_export.read(given), now()).document(), "findings": None}
    if content is not None:
        document = with_findings(document, content, f"'{given.findings}'")
    if given.json:
        _write(given.json, json.dumps(document, indent=2) + "\n")
    _write(given.output, page(document))
    for each in (given.output, given.json):
        if each:
            print(each)  # noqa: T201 - this is a command
    return 0


def _require_one_use(given: argparse.Namespace) -> None:
    """Two files with one name, or two readers of stdin, would cost one of them its content."""
    if given.json and Path(given.json).absolute() == Path(given.output).absolute():
        raise ReportError(f"'{given.json}'", "--output and --json both name it", "give each a file of its own")
    if given.findings == given.state == "-":
        raise ReportError("stdin", "--state and --findings both read it", "give one of them as a file")


def _findings(name: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read(MOST_OCTETS + 1)
        with Path(name).open("rb") as file:
            return file.read(MOST_OCTETS + 1)
    except (OSError, ValueError) as error:
        fact = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ReportError(f"'{name}'", f"it can't be read: {fact}", "give what `python policies/findings.py STATE` prints") from None


def _write(name: str, text: str) -> None:
    """Write a whole file or none: an earlier report stays until the new one is there.

    Raises:
        ReportError: it can't be written.
    """
    try:
        path = Path(name).resolve()
        if path.exists() and not path.is_file() and not path.is_dir():  # a pipe or a device, such as /dev/stdout: it can't be replaced
            path.write_text(text, encoding="utf-8")
            return
        write_whole(path, text.encode(), mode=path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_mask())
    except (OSError, ValueError) as error:
        fact = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ReportError(f"'{name}'", f"it can't be written: {fact}", "give the name of a file in a folder that exists") from None


def _mask() -> int:
    """The process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
