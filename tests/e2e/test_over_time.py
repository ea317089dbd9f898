"""A deployed stack over time: drift, which a nightly preview finds and `up` repairs, and rotation with overlap."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kit.authorities import hierarchy
from tests.kit.authorities import pem_of as pem
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.program import Program, pem_of
from tests.kit.repository import ROOT

_NIGHTLY = ("--", "--refresh", "--expect-no-changes")


def test_every_drift_is_found_by_a_preview_and_repaired_by_a_plain_up(stack: Program) -> None:
    """Verification lost, certificate deleted, another in its place, a setting of the hub changed, the hub deleted."""
    stack.configure(devices="", canary="", operators=[])  # drift of devices has tests of its own
    stack.up()
    name, hub_name = stack.outputs()["trust"][0]["name"], stack.outputs()["hubName"]
    with stack.azure() as azure:
        for damages, found in (
            ((_unverify, _loosen), ("VerifiedCertificate", "IotHubResource")),
            ((_delete,), ("VerifiedCertificate",)),
            ((_replace,), ()),
            ((_vanish,), ()),
        ):
            for damage in damages:
                damage(azure, stack.hub(azure), name)
            if found:
                assert stack.run("preview", *_NIGHTLY) != 0, damages
                assert "no changes were expected" in stack.printed
                assert all(kind in stack.printed for kind in found), stack.printed
            stack.up()
            assert stack.hub(azure).verified() == {name: True}, damages
            assert stack.outputs()["trust"][0]["proof"] == "possession"
            assert azure.ask("GET", stack.hub(azure).id).json()["properties"]["disableLocalAuth"] is True
        assert stack.outputs()["hubName"] == hub_name
        assert f"IoT hub '{hub_name}' is not in Azure; where it is created again, it has the same name" in stack.printed


def test_rotation_with_overlap(stack: Program) -> None:
    """Generation 2 is proven while 1 exists, then 1 is dropped; an older generation is refused; some CA is verified at every moment."""
    few = {"devices": "press-{1..3}", "canary": ""}
    stack.configure(**few)
    stack.up()
    first = stack.outputs()["trust"][0]["name"]
    with stack.azure() as azure, _sampled(stack.hub(azure)) as samples:
        stack.configure(**few, caGeneration=2, caKeepPrevious=True)
        stack.up()
        second, kept = stack.outputs()["trust"]
        assert (second["proof"], kept["name"], kept["proof"]) == ("possession", first, "possession")
        assert stack.hub(azure).verified() == {first: True, second["name"]: True}
        assert stack.run("preview", *_NIGHTLY) == 0, stack.printed

        stack.configure(**few, caGeneration=2)
        assert stack.run("up", "--", "--continue-on-error") != 0
        assert "generation 1 is to be deleted: 3 enabled devices of this stack may still use certificates of this" in stack.printed
        if stack.engine == "embedded":  # it goes on to its deletions; with Pulumi's CLI the program ends at the refusal
            assert "generation 1 was not given up in this run" in stack.printed
        stack.configure(**few, caGeneration=2, caKeepPrevious=True)
        stack.up()
        assert stack.outputs()["trust"][1]["thumbprint"] == kept["thumbprint"], "its keys are still there"
        assert stack.hub(azure).verified() == {first: True, second["name"]: True}

        stack.configure(**few, caGeneration=2, caDropGeneration=1)
        stack.control("DELETE", "/requests")
        stack.up()
        assert [one["name"] for one in stack.outputs()["trust"]] == [second["name"]]
        changes = [(call["method"], call["path"].rpartition("/")[2]) for call in stack.control("GET", "/requests?mutating=1")]
        assert changes == [("DELETE", first)]

        stack.configure(**few, caGeneration=1)
        assert stack.run("up") != 0
        assert "generation 1 is older than the current generation 2; set it to 2, the current one; for a new generation 3" in stack.printed
        assert stack.hub(azure).verified() == {second["name"]: True}

        stack.configure(**few, caGeneration=3, caDropGeneration=2)
        stack.control("DELETE", "/requests")
        stack.up()
        third = stack.outputs()["trust"][0]["name"]
        changes = [(call["method"], call["path"].rpartition("/")[2]) for call in stack.control("GET", "/requests?mutating=1")]
        assert changes.index(("POST", "verify")) < changes.index(("DELETE", second["name"])), (
            "without overlap, the new one must be verified before the old one is deleted"
        )
        assert stack.hub(azure).verified() == {third: True}
    assert samples
    assert all(True in verified.values() for verified in samples), "at some moment no CA was trusted"


def test_the_rotation_demo_refuses_no_device(tmp_path: Path) -> None:
    """Ten devices connect continuously during the rotation from generation 1 to 2, and after 1 is deleted."""
    command = [sys.executable, str(ROOT / "examples" / "rotation" / "demo.py")]
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"  # without an installed Pulumi
    environment = {"PATH": path, "HOME": str(tmp_path), "DEMO_HOME": str(tmp_path / "demo"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ connections \(\d+ under generation 1, \d+ under generation 2\), 0 refused", done.stdout), done.stdout


@contextmanager
def _sampled(hub: Hub) -> Iterator[list[dict[str, bool]]]:
    """The hub's verified certificates, sampled until the block ends."""
    over, seen = threading.Event(), list[dict[str, bool]]()

    def look() -> None:
        while not over.wait(0.05):
            seen.append(hub.verified())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def _unverify(_azure: LocalAzure, hub: Hub, name: str) -> None:
    hub.put(name, pem_of(hub.certificates()[name]))


def _delete(_azure: LocalAzure, hub: Hub, name: str) -> None:
    hub.delete(name)


def _replace(_azure: LocalAzure, hub: Hub, name: str) -> None:
    hub.put(name, _another())


def _loosen(azure: LocalAzure, hub: Hub, _name: str) -> None:
    """Allow shared access keys again, as the portal does: it sends the whole hub with one member changed."""
    found = azure.ask("GET", hub.id).json()
    body = {name: found[name] for name in ("location", "tags", "sku")}
    azure.ask("PUT", hub.id, json={**body, "properties": {**found["properties"], "disableLocalAuth": False}})


def _vanish(azure: LocalAzure, hub: Hub, _name: str) -> None:
    azure.ask("DELETE", hub.id)


def _another() -> str:
    return pem(hierarchy(depth=1).up[-1])
