"""A storm, drawn by the seed, over the whole program with a hub and devices of its own; run where the whole HTTP matrix is."""

from pathlib import Path

import httpx
import pytest

from tests.faults.extent import Extent
from tests.faults.fault import FAULTS
from tests.kit.device_registry import DeviceRegistry
from tests.kit.hub_client import HubClient
from tests.kit.program import Program, program

_DOORS = ({"path": "*/certificates/*"}, {"host": "*.azure-devices.net"})  # the calls that are ours and not azure-native's
_SHARE = 0.03  # of the calls for each fault: about one call in four goes wrong


@pytest.mark.parametrize("number", range(3))
def test_after_the_storm_all_is_as_declared(tmp_path: Path, extent: Extent, seed: int, number: int) -> None:
    """Up, rotation that keeps the previous, its end, and destroy: each goes through a storm, or the next run does what is left."""
    if number >= extent.storms:
        pytest.skip(f"this is storm {number + 1} of the fault sweep and {extent.storms} are run; HUBTRUST_FAULTS=all runs all")
    with program(tmp_path, "embedded") as stack:
        assert stack.sandbox("up", "--no-program") == 0, stack.said
        through(stack, "up", seed + number)
        assert (standing(stack), fleet(stack)) == (1, 25)
        stack.configure(caGeneration=2, caKeepPrevious=True)
        through(stack, "up", seed + number)
        assert (standing(stack), fleet(stack)) == (2, 25)
        stack.configure(caGeneration=2, caKeepPrevious=False, caDropPrevious=True)
        through(stack, "up", seed + number)
        assert (standing(stack), fleet(stack)) == (1, 25)
        through(stack, "destroy", seed + number)
        with stack.azure() as azure:
            assert azure.ask("GET", f"/subscriptions/{stack.ready['subscription_id']}/resourceGroups").json()["value"] == []


def through(stack: Program, verb: str, seed: int) -> None:
    """Run it in a storm, and, when that was too much for it, once more in calm weather."""
    faults = f"{stack.ready['control']}/faults"
    for index, (fault, door) in enumerate((fault, door) for fault in FAULTS for door in _DOORS):
        rule = {"fault": fault.kind, "when": fault.when, "share": _SHARE, "seed": seed + index, **door}
        httpx.post(faults, json=rule, trust_env=False).raise_for_status()
    code = stack.run(verb)
    stack.control("DELETE", "/faults")
    assert "Traceback" not in stack.said, stack.said
    if code:
        assert stack.run(verb) == 0, stack.said


def standing(stack: Program) -> int:
    """How many certificates the hub has: all verified, and those that the stack says."""
    with stack.azure() as azure:
        found = stack.hub(azure).verified()
    assert found == {trusted["name"]: True for trusted in stack.outputs()["trust"]}
    return len(found)


def fleet(stack: Program) -> int:
    """How many devices the hub has."""
    form = {"grant_type": "client_credentials", "scope": "https://iothubs.azure.net/.default"}
    form |= {name: stack.ready[name] for name in ("client_id", "client_secret")}
    with stack.azure() as azure:
        answer = azure.http.post(f"/{stack.ready['tenant_id']}/oauth2/v2.0/token", data=form).raise_for_status()
        door = HubClient(azure, stack.hub(azure), authorization=f"Bearer {answer.json()['access_token']}")
        with door.http:
            return len(DeviceRegistry(azure, door).twins())
