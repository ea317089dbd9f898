"""Random faults (a storm) during runs of the whole program, with its own hub and devices; runs where the whole HTTP matrix does."""

from pathlib import Path

import httpx
import pytest

from tests.faults.extent import Extent
from tests.faults.fault import FAULTS
from tests.kit.device_registry import DeviceRegistry
from tests.kit.hub_client import HubClient
from tests.kit.program import Program, program

_ENDPOINTS = ({"path": "*/certificates/*"}, {"host": "*.azure-devices.net"})  # the calls that hubtrust makes, and not azure-native
_SHARE = 0.03  # of the calls, for each fault: about one call in four fails


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


def run_in_storm(stack: Program, verb: str, seed: int) -> None:
    """Run it in a storm. If it fails, run it once more without faults."""
    faults = f"{stack.ready['control']}/faults"
    for index, (fault, endpoint) in enumerate((fault, endpoint) for fault in FAULTS for endpoint in _ENDPOINTS):
        rule = {"fault": fault.kind, "when": fault.when, "share": _SHARE, "seed": seed + index, **endpoint}
        httpx.post(faults, json=rule, trust_env=False).raise_for_status()
    code = stack.run(verb)
    stack.control("DELETE", "/faults")
    assert "Traceback" not in stack.printed, stack.printed
    if code:
        assert stack.run(verb) == 0, stack.printed


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
