"""Sessions are told what changed in their desired properties."""

from typing import Any

import pytest

from local_azure_iot.hub_registry import identities, modules
from local_azure_iot.messaging import twin_notifications
from tests.messaging.conftest import HubState


@pytest.fixture
def told(hub: HubState) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    twin_notifications.subscribe(hub.azure, hub.key, "press-001", "", found.append)
    return found


def change(hub: HubState, body: dict[str, Any], *, replace: bool = False) -> None:
    with hub.azure.store.transaction():
        device = identities.require(hub.azure, hub.key, "press-001")
        identities.change_twin(hub.azure, hub.key, device, body, replace=replace)


def test_a_patch_is_told_as_it_was_sent(hub: HubState, told: list[dict[str, Any]]) -> None:
    change(hub, {"properties": {"desired": {"a": {"b": 1}, "c": 2, "$version": 77}}})
    change(hub, {"properties": {"desired": {"c": None}}})
    change(hub, {"tags": {"site": "x"}})
    assert told == [{"a": {"b": 1}, "c": 2, "$version": 2}, {"c": None, "$version": 3}]


def test_a_replacement_is_told_as_its_difference(hub: HubState, told: list[dict[str, Any]]) -> None:
    change(hub, {"properties": {"desired": {"a": {"b": 1, "x": 0}, "c": 2, "same": [1]}}})
    change(hub, {"properties": {"desired": {"a": {"b": True, "x": 0}, "d": 3, "same": [1]}}}, replace=True)
    assert told[1] == {"a": {"b": True}, "c": None, "d": 3, "$version": 3}


def test_a_modules_twin_is_its_own(hub: HubState, told: list[dict[str, Any]]) -> None:
    of_module: list[dict[str, Any]] = []
    twin_notifications.subscribe(hub.azure, hub.key, "press-001", "m", of_module.append)
    with hub.azure.store.transaction():
        module = modules.create(hub.azure, hub.key, "press-001", {"moduleId": "m"})
        modules.change_twin(hub.azure, hub.key, module, {"properties": {"desired": {"a": 1}}}, replace=False)
    assert (told, of_module) == ([], [{"a": 1, "$version": 2}])
