"""This machine's clock and Azure's: the difference, its limit, and every answer that shows no time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hubtrust.azure import clock, clouds, errors
from tests.kit.local_azure import LocalAzure, local_azure

METADATA = "*/metadata/endpoints"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """Local Azure."""
    with local_azure(tmp_path_factory.mktemp("azure")) as found:
        yield found


@pytest.fixture
def azure(server: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAzure]:
    """The same, with its clock, its log and no fault; this process remembers no answer, and does not wait between its questions."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", server.ready["ca_file"])
    monkeypatch.setattr(clock, "CLOUD_WAITS", (0.0, 0.0))
    clock.forget()
    server.control("DELETE", "/requests")
    yield server
    clock.forget()
    server.control("DELETE", "/clock")
    server.control("DELETE", "/faults")


def now() -> datetime:
    return datetime.now(UTC)


def ask(azure: LocalAzure, **changes: str) -> None:
    clock.require_true_clock(replace(clouds.PUBLIC, resource_manager=azure.ready["arm"], **changes), now)


def questions(azure: LocalAzure) -> int:
    """How often this process asked."""
    found = azure.control("GET", "/requests")
    assert {call["path"] for call in found} <= {"/metadata/endpoints"}
    return len(found)


@pytest.mark.parametrize(
    ("advance", "difference"),
    [
        (timedelta(days=-21), "21 days ahead of"),
        (timedelta(days=2200), "2200 days behind"),
        (timedelta(hours=-30), "30 hours ahead of"),
        (timedelta(hours=3), "3 hours behind"),
        (timedelta(minutes=-50), "50 minutes ahead of"),
        (timedelta(minutes=6), "6 minutes behind"),
    ],
)
def test_a_wrong_clock_is_refused(azure: LocalAzure, advance: timedelta, difference: str) -> None:
    """By how much it is wrong, and to which side."""
    azure.control("PUT", "/clock", {"advance": advance.total_seconds()})
    for _ in range(3):
        with pytest.raises(
            errors.ClockError, match=f"^this machine's clock: it is {difference} Azure's, .*; set it .NTP., then run again$"
        ):
            ask(azure)
    assert questions(azure) == 1, "once a process"


@pytest.mark.parametrize("seconds", [0, -240, 240])
def test_a_small_difference_is_fine(azure: LocalAzure, seconds: int) -> None:
    """Clocks are never exact, and what is issued is backdated."""
    azure.control("PUT", "/clock", {"advance": seconds})
    ask(azure)
    ask(azure)
    assert questions(azure) == 1


@pytest.mark.parametrize(
    ("fault", "match"),
    [
        ("html", r"a web page answered instead of Azure \(text/html\)"),
        ("empty", r"the answer is not Azure's \(status 200\)"),
        ("foreign", r"the answer is not Azure's \(status 200\)"),
        ("foreign:seed=3", r"the answer is not Azure's \(status 200\)"),
        ("deep", r"the answer is not Azure's \(its JSON is nested too deeply\)"),
        ("truncated", "the answer is not complete JSON"),
        ("redirect", "redirected to https://"),
        ("503", r"the answer is not Azure's \(status 503\)"),
        ("404", r"the answer is not Azure's \(status 404\)"),
        ("drop", "the connection was closed before an answer came"),
    ],
)
def test_an_answer_that_shows_no_time_closes_the_guard(azure: LocalAzure, fault: str, match: str) -> None:
    """Whatever answers in Azure's place has a date too. It is not believed, and is not asked again for each certificate."""
    azure.control("POST", "/faults", {"spec": f"{fault}:path={METADATA}"})
    for _ in range(3):
        with pytest.raises(errors.ClockError, match=f"^this machine's clock: it can't be compared with Azure's: 127.*{match}.*; check"):
            ask(azure)
    assert questions(azure) == 3


def test_no_way_to_azure_closes_the_guard(azure: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is the network's, not a login's."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(errors.ClockError, match=r"no connection to the proxy .*; check HTTPS_PROXY and NO_PROXY, then run again$"):
        clock.require_true_clock(clouds.PUBLIC, now)
    assert questions(azure) == 0


def test_one_lost_answer_is_asked_again(azure: LocalAzure) -> None:
    """A connection that breaks once does not stop a run."""
    azure.control("POST", "/faults", {"spec": f"drop:path={METADATA}:nth=1"})
    ask(azure)
