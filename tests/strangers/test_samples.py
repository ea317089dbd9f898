"""Strangers with samples of their own: `env`, at most one line more, and each operation does what the table says, which the page shows."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_azure_iot.amqp import availability
from tests.kit.azures_ports import named_local_azure
from tests.kit.local_azure import LocalAzure
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT
from tests.strangers import table
from tests.strangers.enrolling import enrolled, enrolling_bench
from tests.strangers.samples import bench

_PAGE = ROOT / "docs" / "clients.md"


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """Local Azure on Azure's own ports; clients that know the proxy use it all the same."""
    need(availability.available(), availability.MISSING)
    with named_local_azure(tmp_path_factory.mktemp("azure"), "--retry-after", "0") as found:
        yield found


@pytest.mark.stranger
@pytest.mark.parametrize("name", table.STRANGERS)
def test_a_stranger(azure: LocalAzure, tmp_path: Path, name: str) -> None:
    """Every operation of every way: it works, or is refused with the words of the table."""
    stranger = table.STRANGERS[name]
    protocols = [way.protocol for way in stranger.ways]
    found = enrolling_bench(azure, tmp_path, protocols) if stranger.enrols else bench(azure, tmp_path)
    if name == "mqtt.js":  # it has no back end to create its device
        found.hub.put(found.device)
    said = stranger.run(found)
    if stranger.enrols:
        enrolled(found, protocols)
    found.hub.http.close()
    assert {protocol: tuple(operations) for protocol, operations in said.items()} == {way.protocol: way.operations for way in stranger.ways}
    for way in stranger.ways:
        failed = {operation: text for operation, text in said[way.protocol].items() if text is not None}
        assert failed.keys() == way.refused.keys(), failed
        assert all(part in str(failed[operation]) for operation, part in way.refused.items()), failed


def test_the_page_shows_the_table() -> None:
    """Row by row; `python -m tests.strangers.table` prints them."""
    shown = re.search(r"^\| client \|.*?(?=\n\n)", _PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert shown
    assert shown[0] == table.markdown()


@pytest.mark.parametrize("name", table.STRANGERS)
def test_the_version_is_the_pinned_one(name: str) -> None:
    """The lock file of the client has the version that the table shows."""
    stranger = table.STRANGERS[name]
    assert re.search(rf"\b{re.escape(stranger.version)}\b", (ROOT / stranger.pinned).read_text())


@pytest.mark.parametrize("row", table.ELSEWHERE, ids=lambda row: f"{row.client} {row.shown}")
def test_other_tests_exist(row: table.Elsewhere) -> None:
    """The file that the table names."""
    assert (ROOT / row.test).is_file()
