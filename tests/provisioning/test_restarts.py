"""A registration survives the end of local Azure at any point: it is carried out once, and hub and registration agree."""

import asyncio
from pathlib import Path

import pytest

from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.provisioning import registrations, under_way
from local_azure_iot.store import Store
from tests.kit.device_certificates import Party
from tests.local_azure.in_process import serving
from tests.provisioning.enrolling import Enrolling, by_reference
from tests.provisioning.service import Service


def test_what_a_restart_interrupts_goes_on(tmp_path: Path) -> None:
    """The device asks for its operation as before, and gets its hub."""
    store, loop, root = Store(tmp_path / "azure.sqlite"), asyncio.new_event_loop(), Party("root")
    first = serving(store, loop)
    enrolling = Enrolling(Service(first, first.hub(kind="provisioningServices")))
    enrolling.link(enrolling.hub("north"))
    enrolling.trust("ca", root)
    enrolling.put_group("press", by_reference("ca"))
    chain = [root.device("press-001"), root]
    first.azure.settings = first.azure.settings.changed({"registration_seconds": 60})
    operation = enrolling.register(chain).json()["operationId"]
    for task in first.azure.background.running():
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    store.close()

    store, loop = Store(tmp_path / "azure.sqlite"), asyncio.new_event_loop()
    second = serving(store, loop)
    again = Enrolling(Service(second, enrolling.service.path), enrolling.ending)

    async def resume() -> None:
        under_way.resume(second.azure)

    assert again.poll(chain, operation).status == 202
    loop.run_until_complete(resume())
    again.finish(operation)
    assert again.poll(chain, operation).json()["registrationState"]["assignedHub"] == again.host("north")
    assert again.device("north", "press-001")
    assert store.count(lifecycle.PENDING_REGISTRATION) == 0
    loop.close()
    store.close()


def test_an_error_between_hub_and_registration(enrolling: Enrolling, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is written: the registration fails in words of its own, and another one goes through."""
    root = Party("root")
    enrolling.link(enrolling.hub("north"))
    enrolling.trust("ca", root)
    enrolling.put_group("press", by_reference("ca"))
    put, failures = registrations.put, [OSError("the disk is full")]

    def failing(*arguments: object) -> object:
        if failures:
            raise failures.pop()
        return put(*arguments)  # type: ignore[arg-type] - the true one's own

    monkeypatch.setattr(registrations, "put", failing)
    found = enrolling.outcome([root.device("press-001"), root])
    assert (found["status"], found["registrationState"]["errorCode"]) == ("failed", 500001)
    assert "OSError" in found["registrationState"]["errorMessage"]
    assert enrolling.device("north", "press-001") is None
    assert enrolling.assigned([root.device("press-001"), root])["substatus"] == "initialAssignment"
