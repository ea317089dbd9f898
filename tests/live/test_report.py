"""The file that is sent in, and what is printed: differences of the steps that both runs completed, and nothing of a failure's message."""

import json
from typing import Any

from live.report import document, lines
from live.run import Result, StepResult

CALL = {"method": "GET", "url": "{hub}/twins/{…}", "apiVersion": "2021-04-12", "requestHeaders": {}, "request": None, "status": 200}


def result(*steps: tuple[str, str | None, int]) -> Result:
    """A run with these steps: name, fault, and the status of its one call."""
    calls: list[dict[str, Any]] = [CALL | {"status": status, "error": None, "headers": {}, "answer": None} for _, _, status in steps]
    return Result([StepResult(name, 1.2, fault, [call]) for (name, fault, _), call in zip(steps, calls, strict=True)])


def test_no_difference() -> None:
    """One line, with the number of calls that were compared."""
    alike = result(("up", None, 200), ("destroy", None, 200))
    assert lines(alike, alike) == ["Azure answered as local Azure does in all of 2 calls."]


def test_a_difference_is_told_with_its_step() -> None:
    """In the lines and in the file."""
    expected, found = result(("up", None, 200), ("destroy", None, 200)), result(("up", None, 200), ("destroy", None, 404))
    told = "GET {hub}/twins/{…}: status: local Azure 200, Azure 404"
    assert lines(expected, found) == ["Differences between Azure and local Azure: 1, in 2 calls:", f"  destroy: {told}"]
    steps = document(expected, found, {"hubtrust": "1.2.3"})["steps"]
    assert [step["differences"] for step in steps] == [[], [told]]
    assert steps[1]["azure"] == {"succeeded": True, "seconds": 1, "calls": found.steps[1].calls}


def test_after_a_failure_nothing_is_compared() -> None:
    """Also not `destroy`, which deletes less then. The failure's message is not in the file: it may have names."""
    expected = result(("up", None, 200), ("more", None, 200), ("destroy", None, 200))
    found = result(("up", "of hub contoso-7", 500), ("destroy", None, 404))
    assert lines(expected, found) == ["No call was compared.", "Not compared, because they did not succeed on both: up, more, destroy"]
    written = document(expected, found, {})
    assert [(step["name"], step["differences"]) for step in written["steps"]] == [("up", None), ("more", None), ("destroy", None)]
    assert (written["steps"][0]["azure"]["succeeded"], written["steps"][1]["azure"]) == (False, None)
    assert "contoso" not in json.dumps(written)
