"""Every block of code in the documents is run, or checked for what it is; none is left over."""

import pytest

from tests.docs.elsewhere import RUN_ELSEWHERE
from tests.docs.fences import Fence, fences, pages
from tests.docs.languages import CHECKED
from tests.docs.page_session import RUN, TRANSCRIPT
from tests.docs.sessions import SESSIONS
from tests.kit.repository import ROOT

BLOCKS = [block for page in pages() for block in fences(page)]
COMMANDS = [block for block in BLOCKS if block.language in (*RUN, TRANSCRIPT)]


@pytest.mark.parametrize("block", COMMANDS, ids=str)
def test_commands_are_run(block: Fence) -> None:
    """By exactly one session of tests/docs/sessions.py, or by the test that tests/docs/elsewhere.py names."""
    runs = [str(session) for session in SESSIONS if block in session.blocks()]
    elsewhere = [test for (page, section), test in RUN_ELSEWHERE.items() if (page, section) == (block.page, block.section)]
    assert len(runs) + len(elsewhere) == 1, f"{block} is run by {runs + elsewhere}: give it one row in tests/docs/sessions.py"


@pytest.mark.parametrize("block", [each for each in BLOCKS if each not in COMMANDS], ids=str)
def test_other_blocks_are_what_they_say(block: Fence) -> None:
    """Each has a language, which has a check."""
    assert block.language in CHECKED, f"{block}: {block.language!r} is none of {[*RUN, TRANSCRIPT, *CHECKED]}"
    CHECKED[block.language](block)


def test_no_row_is_left_over() -> None:
    """Sessions run something, and the tests elsewhere exist and have a block to run."""
    assert [str(session) for session in SESSIONS if not session.blocks()] == []
    used = {(block.page, block.section) for block in COMMANDS}
    assert [place for place, test in RUN_ELSEWHERE.items() if place not in used or not (ROOT / test).is_file()] == []
