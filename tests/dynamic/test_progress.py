"""The lines about the progress of a large fleet."""

from hubtrust.devices.progress import Progress


def test_a_long_run_has_few_lines() -> None:
    """19 lines for a minute were shown twice, live and again at the end of the run; an hour has no more than ten now."""
    seconds, told = 0.0, list[str]()
    progress = Progress("fleet", 3600, told.append, lambda: seconds)
    for _ in range(3600):
        seconds += 1.0
        progress.add(1)
    assert told[:2] == [
        "fleet: 3 of 3,600 devices, 1 a second, about 3,597 s left",
        "fleet: 6 of 3,600 devices, 1 a second, about 3,594 s left",
    ]
    assert 5 < len(told) <= 11
