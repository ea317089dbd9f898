"""`python -m live` on two local Azures, of which one stands for Azure: what it finds, what it writes, and that nothing is left."""

import json
from pathlib import Path

import pytest

from live import __main__ as command
from live import places
from live.scenario import DESTROY, STEPS
from local_azure_iot.client_environment import environment
from tests.kit.local_azure import LocalAzure, local_azure
from tests.kit.samples import WHOLE
from tests.kit.warm_start import warm_engine


def test_a_run_on_azure_beside_one_on_local_azure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where both answer alike, no difference is told; one answer that differs is named with its step and its call. All is deleted.

    The first step and `destroy`, or all with HUBTRUST_SAMPLES=all.
    """
    faulty = STEPS[1].name if WHOLE else DESTROY
    folder, file = tmp_path / "live", tmp_path / "calls.json"
    monkeypatch.setattr(places, "EMBEDDED", tuple(warm_engine()))
    monkeypatch.setattr(command, "STEPS", STEPS if WHOLE else STEPS[:1])
    monkeypatch.setattr(places, "LOCAL_AZURE", (*places.LOCAL_AZURE, "--retry-after", "0"))
    with local_azure(tmp_path, "--retry-after", "0") as azure:
        for name, value in environment(azure.ready, {}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CI", "true")
        # The first step reads the certificate once, before it is there; the next one reads it again.
        azure.control("POST", "/faults", {"spec": "429:method=GET:path=*/certificates/*:nth=2;html:method=GET:path=*/certificates/*:nth=2"})
        asked = ("--subscription", azure.ready["subscription_id"], "--yes", "--engine", "embedded", "--folder", str(folder))
        code = command.main([*asked, "--output", str(file)])
        printed = capsys.readouterr().out
        groups = azure.ask("GET", f"/subscriptions/{azure.ready['subscription_id']}/resourceGroups").json()["value"]
    assert (code, groups) == (0, []), printed
    assert "about 1 US dollar" in printed.partition("local Azure: hub and proof")[0], "before anything is created"
    steps = {step["name"]: step for step in json.loads(file.read_text())["steps"]}
    assert steps["hub and proof"]["differences"] == []
    assert [call["status"] for call in steps["hub and proof"]["azure"]["calls"]] == [404, 200, 200, 200]
    told = steps[faulty]["differences"]
    assert told, steps[faulty]["azure"]["calls"]
    assert all(f"  {faulty}: {each}" in printed for each in told)
    assert any("certificates/{…}: status: local Azure 200, Azure 200 or 429" in each for each in told)
    assert any("certificates/{…}: answer of 200: local Azure object, Azure not JSON or object" in each for each in told)
    assert [name for name, step in steps.items() if step["differences"] and name != faulty] == []
    _nothing_of_the_stack_is_in(file.read_text(), azure)
    assert not (folder / "azure").exists(), "the state is not kept where nothing is left"


def _nothing_of_the_stack_is_in(text: str, azure: LocalAzure) -> None:
    facts = [str(azure.ready[name]) for name in ("subscription_id", "tenant_id", "client_id", "client_secret")]
    for word in (
        *facts,
        "hubtrust-live",
        "press-",
        "presses",
        "BEGIN",
        "Bearer ey",
        "westeurope",
    ):
        assert word not in text
