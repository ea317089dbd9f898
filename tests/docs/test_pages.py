"""The commands of each page, run as they are printed, one page after the other as its reader does it."""

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.docs.page_session import Session, place, script
from tests.docs.sessions import SESSIONS
from tests.kit.prerequisites import need, need_pulumi
from tests.kit.repository import ROOT
from tests.kit.samples import sampled

_TRIED = len(SESSIONS) if os.environ.get("HUBTRUST_PAGES") == "all" else 2  # CI tries all: two minutes of two cores


@pytest.mark.parametrize("session", sampled(SESSIONS, _TRIED), ids=str)
def test_the_commands_of_a_page_work(session: Session, tmp_path: Path) -> None:
    """From the first to the last, in one shell; and they show what the page is about."""
    _needed(session)
    with place(tmp_path, session) as found:
        printed = found.run(script(session))
    at = 0
    for pattern in session.shows:
        match = re.compile(pattern).search(printed, at)
        assert match, f"{pattern!r} is not printed, or not in this order: {printed[-20_000:]}"
        at = match.end()


def _needed(session: Session) -> None:
    if session.own_pulumi:
        need_pulumi()
    path = os.pathsep.join([str(ROOT / ".strangers/az/bin"), os.environ["PATH"]])
    for command in session.needs:
        need(shutil.which(command, path=path), f"`{command}` is not installed; `make strangers` and .ci/run install what pages need")
