"""The model that a device announces, and what the registry shows of a connected module."""

from pathlib import Path

from tests.kit.hub_client import HubClient, signature
from tests.kit.mqtt_device import API, Device, connect, until


def test_a_device_and_a_module_announce_models(registry: HubClient, tmp_path: Path) -> None:
    """`model-id` in the user name becomes `modelId` of the twin, until a connection announces none; a module is shown as connected."""
    device = registry.put("fan", authentication={"type": "sas"})["authentication"]["symmetricKey"]["primaryKey"]
    body = {"deviceId": "fan", "moduleId": "m", "authentication": {"type": "sas"}}
    module = registry.ask("PUT", "/devices/fan/modules/m", json=body).json()["authentication"]["symmetricKey"]["primaryKey"]
    cases = (("fan", device, "/twins/fan"), ("fan/m", module, "/twins/fan/modules/m"))
    for identity, key, place in cases:
        for model, expected in (("&model-id=dtmi%3Acom%3Aexample%3AFan%3B1", "dtmi:com:example:Fan;1"), ("", "")):
            password = signature(f"{registry.host}/devices/{identity.replace('/', '/modules/')}", "", key)
            with Device(registry, None, tmp_path) as line:
                line.send(connect(identity, f"{registry.host}/{identity}/{API}{model}", password))
                answer = line.receive()
                assert answer is not None
                assert answer.body[1] == 0
                twin = registry.ask("GET", place).json()
                assert (twin["modelId"], twin["connectionState"]) == (expected, "Connected")
    shown = registry.ask("GET", "/devices/fan/modules/m").json()
    assert shown["lastActivityTime"] > "2020"
    until(lambda: registry.ask("GET", "/devices/fan/modules/m").json()["connectionState"] == "Disconnected")
    assert registry.query("SELECT deviceId FROM devices WHERE modelId = ''")[0][0] == {"deviceId": "fan"}
