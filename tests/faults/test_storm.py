"""Random faults and wrong answers (a storm) during runs of the whole program, with its own hub and devices.

The storms run where the whole sweep does; the one in which a process is killed too, where the whole HTTP matrix does.
"""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local_azure_iot.installation import environment
from tests.faults import deaths
from tests.faults.extent import Extent
from tests.faults.fault import STORM
from tests.kit.device_registry import DeviceRegistry
from tests.kit.hub_client import HubClient
from tests.kit.program import Program, program

_ENDPOINTS = ({"path": "*/certificates/*"}, {"host": "*.azure-devices.net"})  # the calls that hubtrust makes, and not azure-native
_SHARE = 0.25 / len(STORM)  # of the calls, for each fault: one call in four fails, or gets a wrong answer


@pytest.mark.parametrize("number", range(3))
def test_after_a_storm_everything_is_as_declared(tmp_path: Path, extent: Extent, seed: int, number: int) -> None:
    """Up, rotation that keeps the previous CA, its end, and destroy: each succeeds in a storm, or the next run does what is left."""
    if number >= extent.storms:
        pytest.skip(f"storm {number + 1} of the fault sweep: this run has {extent.storms}; set HUBTRUST_FAULTS=all to run it")
    with program(tmp_path, "embedded") as stack:
        assert stack.sandbox("up", "--no-program") == 0, stack.printed
        run_in_storm(stack, "up", seed + number)
        assert (certificates(stack), devices(stack)) == (1, 25)
        stack.configure(caGeneration=2, caKeepPrevious=True)
        run_in_storm(stack, "up", seed + number)
        assert (certificates(stack), devices(stack)) == (2, 25)
        stack.configure(caGeneration=2, caKeepPrevious=False, caDropGeneration=1)
        run_in_storm(stack, "up", seed + number)
        assert (certificates(stack), devices(stack)) == (1, 25)
        run_in_storm(stack, "destroy", seed + number)
        with stack.azure() as azure:
            assert azure.ask("GET", f"/subscriptions/{stack.ready['subscription_id']}/resourceGroups").json()["value"] == []


def test_after_a_storm_in_which_a_process_dies_everything_is_as_declared(tmp_path: Path, extent: Extent, seed: int) -> None:
    """A rotation and its end, each in a storm: the engine is killed in the first, a provider in the second; a quiet run does the rest.

    Then a network that answers everything with its login page: an `up` fails, nothing is lost, and the next one has nothing to do.
    """
    if not extent.storms:
        pytest.skip("the storm with deaths of the fault sweep: this run has none; set HUBTRUST_FAULTS=http to run it")
    chance = random.Random(seed)  # noqa: S311 - a draw that can be repeated, no secret
    with program(tmp_path, "embedded") as stack:
        stack.up()
        stack.configure(caGeneration=2, caKeepPrevious=True)
        run_and_die(stack, "engine", chance)
        assert (certificates(stack), devices(stack)) == (2, 25)
        stack.configure(caGeneration=2, caKeepPrevious=False, caDropGeneration=1)
        run_and_die(stack, "provider", chance)
        assert (certificates(stack), devices(stack)) == (1, 25)
        before = resources(stack)
        stack.control("POST", "/faults", {"fault": "html"})
        assert stack.run("up") != 0, stack.printed
        stack.control("DELETE", "/faults")
        assert "Traceback" not in stack.printed, stack.printed
        assert resources(stack) == before
        stack.up()
        assert "Azure was not changed: everything is as declared" in stack.printed


def resources(stack: Program) -> list[Any]:
    """The resources in the state; a refresh leaves out empty lists of dependencies, as Pulumi does."""
    found = json.loads(stack.engine_says("stack", "export"))["deployment"]["resources"]
    return [{name: value for name, value in one.items() if name != "propertyDependencies"} for one in found]


def storm(stack: Program, seed: int) -> None:
    """Let a share of the calls fail from now on."""
    for index, (fault, endpoint) in enumerate((fault, endpoint) for fault in STORM for endpoint in _ENDPOINTS):
        rule = {"fault": fault.kind, "when": fault.when, "share": _SHARE, "seed": seed + index, **endpoint}
        rule |= {"retry_after": fault.retry_after} if fault.retry_after is not None else {}
        stack.control("POST", "/faults", rule)


def run_in_storm(stack: Program, verb: str, seed: int) -> None:
    """Run it in a storm. If it fails, run it once more without faults."""
    storm(stack, seed)
    code = stack.run(verb)
    stack.control("DELETE", "/faults")
    assert "Traceback" not in stack.printed, stack.printed
    if code:
        assert stack.run(verb) == 0, stack.printed


def run_and_die(stack: Program, victim: str, chance: random.Random) -> None:
    """An `up` in a storm in which the victim is killed, unless a fault ends the run before; then one without either."""
    committed, settings = stack.folder / "stacks" / "Pulumi.sandbox.yaml", stack.home / "Pulumi.sandbox.yaml"
    salt = stack.salt
    settings.write_text(committed.read_text() + salt)
    trap = {"log": str(stack.home / "calls.jsonl"), "call": chance.randint(5, 40), "when": chance.choice(("before", "after"))}
    storm(stack, chance.randrange(10**6))
    done = engine(stack, {**trap, "victim": victim}, "up", "--yes", "--skip-preview", "--config-file", str(settings))
    stack.control("DELETE", "/faults")
    printed = done.stdout + done.stderr
    assert done.returncode in ((1, -signal.SIGKILL) if victim == "engine" else (1,)), f"{trap}: {printed}"
    assert "Traceback" not in printed, printed
    if done.returncode == -signal.SIGKILL:
        cancelled = engine(stack, {"log": os.devnull}, "cancel", "--yes")
        assert cancelled.returncode == 0, cancelled.stderr
    stack.up()


def engine(stack: Program, trap: dict[str, Any], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the embedded engine with a trap, with the program's own state."""
    own = {
        "PULUMI_BACKEND_URL": f"file://{stack.home / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(stack.home / "passphrase"),
        "PULUMI_HOME": str(stack.home / "pulumi"),
    }
    return subprocess.run(
        [sys.executable, "-c", deaths.RUN, *arguments, "--stack", "sandbox", "--non-interactive"],
        cwd=stack.folder,
        env={**os.environ, **environment(stack.ready), **own, "NO_COLOR": "1", "TRAP": json.dumps(trap)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def certificates(stack: Program) -> int:
    """How many certificates the hub has; all are verified, and they are those in the stack's outputs."""
    with stack.azure() as azure:
        found = stack.hub(azure).verified()
    assert found == {trusted["name"]: True for trusted in stack.outputs()["trust"]}
    return len(found)


def devices(stack: Program) -> int:
    """How many devices the hub has."""
    form = {"grant_type": "client_credentials", "scope": "https://iothubs.azure.net/.default"}
    form |= {name: stack.ready[name] for name in ("client_id", "client_secret")}
    with stack.azure() as azure:
        answer = azure.http.post(f"/{stack.ready['tenant_id']}/oauth2/v2.0/token", data=form).raise_for_status()
        client = HubClient(azure, stack.hub(azure), authorization=f"Bearer {answer.json()['access_token']}")
        with client.http:
            return len(DeviceRegistry(azure, client).twins())
