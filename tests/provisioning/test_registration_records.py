"""Registrations as the service API shows them, and what becomes of them with their enrollment."""

import asyncio
from typing import Any

import pytest

from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.provisioning import errors, registrations
from tests.provisioning.service import Service, by_key, individual
from tests.provisioning.test_many import _pages


def _register(service: Service, name: str, group: str | None = "line-7", **members: Any) -> dict[str, Any]:
    """What the device API writes of a device that registered."""
    state = {"assignedHub": "h.azure-devices.net", "deviceId": name, "status": "assigned", "substatus": "initialAssignment"}
    sent = {"registrationId": name, "group": group, "thumbprint": "AB", **state, **members}
    return registrations.put(service.azure.azure, service.key, sent)


def test_a_registration_of_an_individual_enrollment(service: Service) -> None:
    """Its enrollment shows it too, but not in PUT's answer or a query's; after its deletion the enrollment is unassigned again."""
    service.must("PUT", "/enrollments/Press-1", individual("Press-1"))
    assert service.refused("GET", "/registrations/press-1") == (404, 404201)
    _register(service, "press-1", None)
    found = service.must("GET", "/registrations/PRESS-1")
    assert list(found) == [
        "registrationId", "createdDateTimeUtc", "assignedHub", "deviceId", "status", "substatus", "lastUpdatedDateTimeUtc", "etag",
    ]  # fmt: skip
    assert service.must("GET", "/enrollments/press-1")["registrationState"] == found
    assert "registrationState" not in service.must("PUT", "/enrollments/press-1", individual("press-1"), if_match="*")
    assert service.must("GET", "/registrations/press-1") == found  # an update of the enrollment keeps it
    assert service.refused("DELETE", "/registrations/press-1", if_match="AAAA") == (412, 412001)
    assert service.ask("DELETE", "/registrations/press-1", if_match=f'"{found["etag"]}"').status == 204
    assert service.refused("DELETE", "/registrations/press-1") == (404, 404201)
    assert service.must("GET", "/enrollments/press-1")["registrationState"]["status"] == "unassigned"


def test_a_failed_registration_shows_why(service: Service) -> None:
    """Code and message; it may have no hub and no device."""
    service.must("PUT", "/enrollments/a", individual("a"))
    sent = {"status": "failed", "errorCode": 400207, "errorMessage": "Custom allocation failed with status code: 400"}
    registrations.put(service.azure.azure, service.key, {"registrationId": "a", "group": None, "thumbprint": None, **sent})
    found = service.must("GET", "/registrations/a")
    assert {name: found[name] for name in sent} == sent
    assert {"assignedHub", "deviceId", "substatus", "payload"} & set(found) == set()


def test_registering_again_keeps_the_beginning(service: Service) -> None:
    """The date of creation stays, etag and last update move."""
    service.must("PUT", "/enrollmentGroups/line-7", by_key("line-7"))
    first, second = _register(service, "a"), _register(service, "A", substatus="reprovisionedToInitialAssignment")
    assert second["createdDateTimeUtc"] == first["createdDateTimeUtc"] < second["lastUpdatedDateTimeUtc"]
    assert second["etag"] != first["etag"]
    assert len(service.must("POST", "/registrations/line-7/query")) == 1


def test_the_registrations_of_a_group(service: Service) -> None:
    """Page by page, of this group alone; an empty group has none, and no group is 404."""
    for name in ("line-7", "line-8"):
        service.must("PUT", f"/enrollmentGroups/{name}", by_key(name))
    answer = service.ask("POST", "/registrations/line-7/query")
    assert (answer.json(), answer.headers["x-ms-item-type"]) == ([], "DeviceRegistration")
    for number in range(25):
        _register(service, f"press-{number:02}", "line-7" if number % 5 else "line-8")
    pages = list(_pages(service, "/registrations/LINE-7/query", x_ms_max_item_count="8"))
    assert [len(page) for page in pages] == [8, 8, 4]
    assert [each["registrationId"] for page in pages for each in page] == [f"press-{number:02}" for number in range(25) if number % 5]
    assert len(list(registrations.of_group(service.azure.azure, service.key, "line-8"))) == 5
    token = service.ask("POST", "/registrations/line-7/query", x_ms_max_item_count="8").headers["x-ms-continuation"]
    assert service.refused("POST", "/registrations/line-8/query", x_ms_continuation=token) == (400, 400004)
    assert service.refused("POST", "/registrations/press-01/query") == (404, 404202)
    service.must("DELETE", "/registrations/press-01")
    assert len(service.must("POST", "/registrations/line-7/query")) == 19


def test_a_registration_goes_with_its_enrollment(service: Service) -> None:
    """With the individual enrollment or the group by which it came, and with no other; a device can come by another one later."""
    service.must("PUT", "/enrollmentGroups/line-7", by_key("line-7"))
    service.must("PUT", "/enrollments/a", individual("a"))
    _register(service, "a", None)
    service.must("DELETE", "/enrollments/a")
    assert service.refused("GET", "/registrations/a") == (404, 404201)
    _register(service, "a")
    service.must("PUT", "/enrollments/a", individual("a"))
    assert service.must("GET", "/enrollments/a")["registrationState"]["status"] == "unassigned"  # it came by the group
    service.must("DELETE", "/enrollments/a")
    assert service.must("GET", "/registrations/a")["status"] == "assigned"
    _register(service, "b")
    service.must("PUT", "/enrollments/b", individual("b"))
    _register(service, "b", None)
    service.must("DELETE", "/enrollmentGroups/line-7")
    assert service.refused("GET", "/registrations/a") == (404, 404201)
    assert service.must("GET", "/registrations/b")["status"] == "assigned"
    with pytest.raises(errors.ProvisioningError, match="EnrollmentGroup not found"):
        _register(service, "a")
    with pytest.raises(errors.ProvisioningError, match="Enrollment not found"):
        _register(service, "a", None)


def _left(service: Service) -> int:
    kinds = (lifecycle.REGISTRATION, lifecycle.REGISTRATION_IN_GROUP, lifecycle.FORGOTTEN_GROUP)
    return sum(service.azure.azure.store.count(kind, f"{service.key}/") for kind in kinds)


def _rest(service: Service) -> None:
    while tasks := service.azure.azure.background.running():
        service.azure.loop.run_until_complete(asyncio.wait(tasks))


@pytest.mark.parametrize("killed", [False, True], ids=["running", "killed"])
def test_a_group_with_many_registrations(service: Service, monkeypatch: pytest.MonkeyPatch, killed: bool) -> None:
    """They are gone at once, also for a group of the same id; they are deleted in the background, and a restart goes on with it."""
    monkeypatch.setattr(lifecycle, "CHUNK", 3)
    service.must("PUT", "/enrollmentGroups/line-7", by_key("line-7"))
    for number in range(60):
        _register(service, f"press-{number:02}")
    service.must("DELETE", "/enrollmentGroups/line-7")
    assert service.azure.azure.background.running()
    assert service.refused("GET", "/registrations/press-59") == (404, 404201)
    service.must("PUT", "/enrollmentGroups/line-7", by_key("line-7"))
    assert service.must("POST", "/registrations/line-7/query") == []
    again = _register(service, "press-59")
    if killed:
        for task in service.azure.azure.background.running():
            task.cancel()
        _rest(service)
        assert _left(service) > 2

        async def resume() -> None:
            registrations.resume(service.azure.azure)

        service.azure.loop.run_until_complete(resume())
    _rest(service)
    assert _left(service) == 2
    assert service.must("GET", "/registrations/press-59")["etag"] == again["etag"]
    service.must("DELETE", "/enrollmentGroups/line-7")
    assert _left(service) == 0


def test_a_service_is_deleted_with_what_it_has(service: Service) -> None:
    """A new service of the same name has none of it."""
    service.must("PUT", "/enrollmentGroups/line-7", by_key("line-7"))
    service.must("PUT", "/enrollments/b", individual("b"))
    _register(service, "a")
    url = f"{service.path}?api-version=2021-10-15"
    service.azure.must("DELETE", url)
    service.azure.hub(service.path.partition("/providers/")[0], kind="provisioningServices", name=service.name)
    service.authorization = service.signed("provisioningserviceowner")
    for path in ("/enrollmentGroups/query", "/enrollments/query"):
        assert service.must("POST", path, {"query": "SELECT *"}) == []
    store = service.azure.azure.store
    assert [store.count(kind, f"{service.key}/") for kind in lifecycle.PROVISIONING.children] == [0] * len(lifecycle.PROVISIONING.children)
