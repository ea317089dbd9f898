"""Absence is confirmed: what answers 404 is asked for again, and its parent's list is asked too. Whoever can't see does not conclude."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hubtrust.azure import absence, errors, retry
from hubtrust.azure.certificates import Certificates
from hubtrust.azure.retry import RetryLimits
from hubtrust.azure.service import Service, service
from hubtrust.custody import key_vault
from hubtrust.devices import fleet_deletion
from hubtrust.devices.description import Scope
from hubtrust.devices.reconcile import Reconciliation
from tests.azure.test_registry import OWNER, SHOWN, registry
from tests.kit.scripted_azure import DPS, HUB, Reply, Script, scripted, shown

GROUP = "/subscriptions/s/resourceGroups/g"
DENIED: Reply = (403, {}, {"error": {"code": "AuthorizationFailed", "message": "It may not."}})


class World:
    """What Azure shows: each place has answers in order, of which the last one stays."""

    def __init__(self, script: Script, owner: Service) -> None:
        self.script, self.owner = script, owner
        kind = owner.id.rpartition("/")[0].rpartition("/")[2]
        named = {"id": owner.id, "name": owner.name}
        self.answers: dict[str, list[Reply]] = {
            owner.id: [(200, {}, named | {"properties": {}})],
            f"{owner.id}/certificates": [(200, {}, {"value": [shown(owner=owner.id)]})],
            f"{owner.id}/certificates/plant-a": [(200, {}, shown(owner=owner.id))],
            f"{GROUP}/providers/Microsoft.Devices/{kind}": [(200, {}, {"value": [named]})],
            f"/subscriptions/s/providers/Microsoft.Devices/{kind}": [(200, {}, {"value": [named]})],
            "/subscriptions/s/resourcegroups": [(200, {}, {"value": [{"id": GROUP, "name": "g"}]})],
        }
        self.in_group, self.in_subscription = list(self.answers)[3:5]

    def pop(self, _: int) -> Reply:
        """The answer to the last request."""
        found = self.answers[self.script.requests[-1].path.partition("?")[0]]
        return found.pop(0) if len(found) > 1 else found[0]

    def hide(self, path: str, *, times: int | None = None, code: str = "ResourceNotFound") -> None:
        """Answer 404 there, for ever or some times."""
        absent: Reply = (404, {}, {"error": {"code": code, "message": "It was not found."}})
        self.answers[path] = [absent] if times is None else [absent] * times + self.answers[path]

    def empty(self, *paths: str) -> None:
        """Lists that have nothing."""
        for path in paths:
            self.answers[path] = [(200, {}, {"value": []})]

    def delete_service(self) -> None:
        """The hub is really gone."""
        for path in (self.owner.id, f"{self.owner.id}/certificates", f"{self.owner.id}/certificates/plant-a"):
            self.hide(path)
        self.empty(self.in_group, self.in_subscription)


@contextmanager
def world(owner: str) -> Iterator[tuple[World, Certificates]]:
    """A world in which everything is there, and a client of it."""
    with scripted() as script:
        created = World(script, service(owner))
        script.replies = created  # type: ignore[assignment] # it answers by the request
        yield created, script.certificates(owner, deadline=20, not_found=0.0)


owners = pytest.mark.parametrize("owner", [HUB, DPS])


@owners
@pytest.mark.parametrize("times", [1, 3, 5])
def test_a_404_that_passes_is_not_believed(owner: str, times: int) -> None:
    """A certificate that answers 404 once, thrice or five times is there; a deletion that was answered so has to be sent again."""
    with world(owner) as (azure, certificates):
        azure.hide(f"{owner}/certificates/plant-a", times=times)
        assert certificates.find("plant-a")
        azure.hide(f"{owner}/certificates/plant-a", times=times)
        with pytest.raises(errors.EtagError, match="Azure answers 404 to its deletion, but it is there"):
            certificates.delete("plant-a", etag="e1")


@owners
def test_a_certificate_that_its_list_shows_is_there(owner: str) -> None:
    """A lasting 404 for a certificate that is in the list of all certificates concludes nothing, for a deletion either."""
    with world(owner) as (azure, certificates):
        azure.hide(f"{owner}/certificates/plant-a")
        with pytest.raises(
            errors.UnreachableError, match="Azure answers 404 for it, but the hub or service is there and lists it; run again"
        ):
            certificates.find("plant-a")
        with pytest.raises(errors.UnreachableError):
            certificates.delete("plant-a", etag="e1")
        azure.empty(f"{owner}/certificates")
        assert certificates.find("plant-a") is None
        certificates.delete("plant-a", etag="e1")


@owners
def test_what_is_there_costs_one_request(owner: str) -> None:
    """A certificate that is there is read with one request, and without a wait."""
    with world(owner) as (azure, certificates):
        assert certificates.find("plant-a")
        assert (len(azure.script.requests), azure.script.waits) == (1, [])


@owners
def test_a_deleted_service_is_confirmed_once(owner: str) -> None:
    """A service that is gone, and in no list, is gone with its certificates; each further certificate waits no more."""
    with world(owner) as (azure, certificates):
        azure.delete_service()
        assert certificates.find("plant-a") is None
        first = sum(azure.script.waits)
        assert 3 <= first <= 4
        assert certificates.find("plant-a") is None
        assert sum(azure.script.waits) == first
        assert absence.is_known_gone(service(owner))


@owners
def test_a_deleted_group_is_confirmed(owner: str) -> None:
    """A group that is gone takes its services along, if the list of the subscription's groups does not have it."""
    with world(owner) as (azure, certificates):
        azure.delete_service()
        azure.hide(azure.in_group, code="ResourceGroupNotFound")
        with pytest.raises(errors.UnreachableError, match="but resource group 'g' is in the list of the subscription"):
            certificates.find("plant-a")
        azure.empty("/subscriptions/s/resourcegroups")
        assert certificates.find("plant-a") is None


@owners
@pytest.mark.parametrize("times", [1, 3, 5])
def test_a_service_that_is_back_is_not_gone(owner: str, times: int) -> None:
    """A whole hub that answers 404 for a moment, certificates and all, is there."""
    with world(owner) as (azure, certificates):
        for path in (owner, f"{owner}/certificates", f"{owner}/certificates/plant-a"):
            azure.hide(path, times=times)
        assert certificates.find("plant-a")
        assert not absence.is_known_gone(service(owner))


@owners
def test_a_service_in_a_list_is_not_gone(owner: str) -> None:
    """A lasting 404 for a service that its group, or only the subscription, lists concludes nothing."""
    with world(owner) as (azure, certificates):
        for path in (owner, f"{owner}/certificates", f"{owner}/certificates/plant-a"):
            azure.hide(path)
        with pytest.raises(errors.UnreachableError, match="Azure answers 404 for it, but it is in the list of its resource group"):
            certificates.find("plant-a")
        azure.empty(azure.in_group)
        with pytest.raises(errors.UnreachableError, match="but it is in the list"):
            certificates.find("plant-a")
        assert not absence.is_known_gone(service(owner))


@owners
def test_a_moved_service_is_not_gone(owner: str) -> None:
    """A service in another group answers 404 at its old id: the error says where it is."""
    with world(owner) as (azure, certificates):
        azure.delete_service()
        moved = {"id": owner.replace("/g/", "/elsewhere/"), "name": service(owner).name.upper()}
        azure.answers[azure.in_subscription] = [(200, {}, {"value": [moved]})]
        with pytest.raises(
            errors.RefusedError, match=r"it is now /subscriptions/s/resourceGroups/elsewhere/.*; move it back, or set the id"
        ):
            certificates.find("plant-a")


@owners
def test_who_cannot_see_does_not_conclude(owner: str) -> None:
    """Without the right to list the group nothing is concluded; the subscription's list is an extra that a login may lack."""
    with world(owner) as (azure, certificates):
        azure.delete_service()
        azure.answers[azure.in_group] = [DENIED]
        with pytest.raises(errors.DeniedError):
            certificates.find("plant-a")
        azure.empty(azure.in_group)
        azure.answers[azure.in_subscription] = [DENIED]
        assert certificates.find("plant-a") is None


@owners
def test_a_list_is_read_to_its_end(owner: str) -> None:
    """A service on the second page of its group's list is there; a next page that is elsewhere is not Azure's."""
    with world(owner) as (azure, certificates):
        azure.delete_service()
        listed: Reply = (200, {}, {"value": [{"id": owner, "name": service(owner).name}]})
        link = f"{azure.script.url}{azure.in_group}?page=2"
        azure.answers[azure.in_group] = [(200, {}, {"value": [], "nextLink": link}), listed]
        with pytest.raises(errors.UnreachableError, match="it is in the list of its resource group"):
            certificates.find("plant-a")
        azure.answers[azure.in_group] = [(200, {}, {"value": [], "nextLink": "https://evil.example/list"})]
        with pytest.raises(errors.UnreachableError, match="its next page is elsewhere"):
            certificates.find("plant-a")


@owners
def test_a_service_that_this_run_creates_again_is_not_gone(owner: str) -> None:
    """After a certificate was written there, the next 404 is confirmed anew."""
    with world(owner) as (azure, certificates):
        before = {path: list(replies) for path, replies in azure.answers.items()}
        azure.delete_service()
        assert certificates.find("plant-a") is None
        azure.answers.update(before)
        certificates.put("plant-a", "PEM", etag=None)
        assert not absence.is_known_gone(service(owner))


@pytest.mark.parametrize("times", [0, 1, 3, 4])
def test_a_device_that_answers_404_for_a_moment_is_there(times: int) -> None:
    """A device's 404 is asked again over some seconds: only one that lasts, and that its identity has too, is believed."""
    absent: Any = (404, {"iothub-errorcode": "DeviceNotFound"}, {"Message": "ErrorCode:DeviceNotFound;no"})
    with registry(*[absent] * times, absent if times == 4 else (200, {}, SHOWN)) as (found, script):
        assert (found.find("press-001") is None) is (times == 4)
        assert len(script.requests) == times + 1


def test_a_device_whose_identity_is_there_is_not_gone() -> None:
    """The twin answers 404 for as long as it is asked, and the identity is there: nothing is concluded."""
    absent: Any = (404, {"iothub-errorcode": "DeviceNotFound"}, {"Message": "ErrorCode:DeviceNotFound;no"})
    there: Any = (200, {}, {"deviceId": "press-001", "etag": "MQ=="})
    with registry(*[absent] * 4, there) as (found, _), pytest.raises(errors.UnreachableError, match="but the device is there"):
        found.find("press-001")


def test_a_deletion_of_a_device_that_answers_not_found_is_confirmed() -> None:
    """A bulk call says that a device does not exist, although it does: it is read again and deleted; one that is gone stays gone."""
    answers: list[Any] = [(400, {}, {"isSuccessful": False, "errors": [{"deviceId": "press-001", "errorCode": "DeviceNotFound"}]})]
    absent: Any = (404, {"iothub-errorcode": "DeviceNotFound"}, {"Message": "ErrorCode:DeviceNotFound;no"})
    done: Any = (200, {}, {"isSuccessful": True, "errors": []})
    for after, writes in (([(200, {}, SHOWN), done], 2), ([absent] * 5, 1)):
        with registry((200, {}, SHOWN), *answers, *after) as (found, script):
            reconciliation = Reconciliation(found, "fleet", OWNER, Scope((), ()), lambda _: None, report=script.messages.append)
            reconciliation.read(["press-001"])
            reconciliation.apply()
            assert [request.method for request in script.requests].count("POST") == writes
            assert not script.replies


@pytest.mark.parametrize(("deadline", "shortest", "longest"), [(300.0, 3.5, 3.5), (4.0, 1.0, 2.0), (1.0, 1.0, 1.0)])
def test_a_short_deadline_shortens_the_confirmation(deadline: float, shortest: float, longest: float) -> None:
    """The confirmation takes at most half of what is left of a shared deadline, and a second in any case: no deadline is a dead end."""
    waits = RetryLimits(deadline, clock=lambda: 7.0).starting_now().absence_waits()
    assert shortest <= sum(waits) <= longest
    assert len(waits) == 3
    assert RetryLimits(deadline).absence_waits() == [0.5, 1.0, 2.0], "without a shared deadline it is not shortened"


def test_the_whole_waits_of_a_run() -> None:
    """Many tests shorten these waits to a fifth (`tests/kit/quick_waits.py`); here are the ones that a run has, where they are used."""
    assert retry.ABSENCE_WAITS == (0.5, 1.0, 2.0), "a certificate, hub, group or device that answers 404: asked three times more"
    assert fleet_deletion.INDEX_WAITS == (1.0, 2.0, 4.0), "new devices that the query index does not show yet"
    assert key_vault.VAULT_ABSENCE_WAITS == (0.5, 1.0), "a key in a vault, before it is created"
