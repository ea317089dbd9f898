"""ModuleIdentity over gRPC: created with its tag, resumed, repaired, refused, adopted, deleted by etag."""

import json
import re

import pytest

from hubtrust.dynamic.authority_generation import AuthorityGenerationProvider
from tests.kit.device_registry import OWNER, DeviceRegistry
from tests.kit.provider_process import UNKNOWN, CallFailedError, Provider, ProviderProcess

DECLARED = {"tags": {"plant_line": "A", "floor": {"level": 2, "side": "n"}}, "desired": {"interval": 60}}
THUMBPRINT = "AB" * 20


@pytest.fixture(autouse=True)
def _device(registry: DeviceRegistry) -> None:
    registry.client.put("press-001")
    registry.clear()


def test_the_life_of_a_module(modules: Provider, registry: DeviceRegistry) -> None:
    """Created in two calls, read in two, changed in place: also parts of a tag that are left out; others' tags stay."""
    news = registry.module(**DECLARED)
    created = modules.create(news)
    assert registry.calls(writes=True) == ["PUT /devices/press-001/modules/camera", "PUT /twins/press-001/modules/camera"]
    twin = registry.module_twin()
    assert twin["tags"] == {**DECLARED["tags"], "hubtrust": OWNER}
    assert (twin["properties"]["desired"]["interval"], twin["authenticationType"]) == (60, "certificateAuthority")
    assert (created.id, created.outs["etag"]) == (f"{registry.client.host}/press-001/camera", twin["etag"])
    registry.clear()
    assert modules.up(created, news).outs == created.outs
    assert sorted(registry.calls()) == ["GET /devices/press-001/modules/camera", "GET /twins/press-001/modules/camera"]
    registry.tag_module(theirs="yes")
    less = registry.module(tags={"floor": {"level": 3}}, thumbprints=[THUMBPRINT.lower()])
    changed = modules.update(created, less)
    twin = registry.module_twin()
    assert twin["tags"] == {"floor": {"level": 3}, "theirs": "yes", "hubtrust": OWNER}
    assert ("interval" in twin["properties"]["desired"], changed.outs["authentication"]) == (False, "selfSigned")
    assert changed.outs["thumbprints"] == [THUMBPRINT]
    for other in ({"moduleId": "lamp"}, {"deviceId": "press-002"}, {"deviceId": UNKNOWN}):
        assert modules.diff(changed, {**less, **other}).replaces == list(other)
    modules.delete(changed)
    modules.delete(changed)
    assert registry.modules() == {}


def test_every_drift_is_found_and_repaired(modules: Provider, registry: DeviceRegistry) -> None:
    """Another way to authenticate, a changed tag, and a deletion of the module or of its device."""
    news = registry.module(**DECLARED)
    created = modules.create(news)
    registry.put_module(authentication={"type": "sas"})
    registry.tag_module(plant_line="B")
    drifted = modules.read(created)
    assert drifted is not None
    assert (drifted.outs["authentication"], json.loads(drifted.outs["tags"])["plant_line"]) == ("sas", "B")
    repaired = modules.up(drifted, news)
    assert (repaired.outs["authentication"], registry.module_twin()["tags"]["plant_line"]) == ("certificateAuthority", "A")
    registry.delete_module()
    assert modules.read(repaired) is None
    modules.create(news)
    registry.delete("press-001")
    assert modules.read(repaired) is None
    modules.delete(repaired)
    with pytest.raises(CallFailedError, match=r"module 'camera' of device 'press-001' on IoT hub '.*': Azure answers 404 DeviceNotFound"):
        modules.create(registry.module(deadline=2))


def test_a_module_of_others_is_refused_or_adopted(modules: Provider, registry: DeviceRegistry) -> None:
    """It is unchanged unless `adopt` names it; one that lost our tag is not ours to delete."""
    registry.put_module(managedBy="them")
    registry.tag_module(theirs="yes")
    match = (
        r"module 'camera' of device 'press-001' .*: it exists and is not managed by this resource \(without an owner tag\); .* set adopt: "
    )
    for adopt in (None, ["lamp"]):
        with pytest.raises(CallFailedError, match=match):
            modules.create(registry.module(adopt=adopt))
    created = modules.create(registry.module(adopt=["cam*", "camera"][1:]))
    assert registry.module_twin()["tags"] == {"theirs": "yes", "hubtrust": OWNER}
    assert registry.modules()["camera"]["managedBy"] == "them"
    registry.tag_module(hubtrust=None)
    drifted = modules.read(created)
    assert drifted is not None
    assert modules.diff(drifted, registry.module()).changes is True
    modules.delete(drifted)
    assert "camera" in registry.modules()


def test_what_an_interrupted_run_left_is_continued(modules: Provider, registry: DeviceRegistry) -> None:
    """A module without a twin of ours, with what its creator wrote; that of another owner is refused; a lost answer is no difference."""
    modules.create(registry.module())
    mark = registry.modules()["camera"]["managedBy"]
    registry.delete_module()
    registry.put_module(managedBy=mark)
    with pytest.raises(CallFailedError, match="is not managed by this resource"):
        modules.create(registry.module(owner={**OWNER, "urn": "urn:another"}))
    assert registry.module_twin()["tags"] == {}
    modules.create(registry.module())
    assert registry.module_twin()["tags"] == {"hubtrust": OWNER}
    for place in ("/devices/*", "/twins/*"):
        registry.delete_module()
        registry.clear(f"drop:method=PUT:path={place}:nth=1:when=after")
        assert modules.create(registry.module()).outs["authentication"] == "certificateAuthority"
        registry.clear()
    renamed = {**OWNER, "urn": "urn:renamed"}
    state = modules.create(registry.module())
    assert modules.up(state, registry.module(owner=renamed)).outs["owner"] == renamed


def test_each_invalid_input_is_reported(modules: Provider, registry: DeviceRegistry) -> None:
    """In one line with the property, the fact and the remedy."""
    for changes, match in (
        ({"moduleId": "a/b"}, "moduleId: module 'a/b': its id has the character '/'"),
        ({"moduleId": ""}, "the module: its id is empty"),
        ({"moduleId": "$edgeHub"}, "module '.edgeHub': it is one of those that Azure creates with an IoT Edge device .*; use another id"),
        ({"thumbprints": ["AB"]}, "it has 2 hex digits"),
        ({"tags": {"hubtrust": 1}}, "'hubtrust' is reserved"),
        ({"tags": {"a": "x" * 4090, "b": "x" * 4090}}, "module 'camera': its tags have 8[0-9]{3} bytes by Azure's count, together"),
        ({"adopt": "camera"}, "adopt: it is 'camera'; list the ids or patterns of the modules"),
        ({"deviceId": None}, "deviceId: it is missing"),
    ):
        ((_, told),) = modules.check(
            registry.module(**{"module_id": changes.pop("moduleId")} if "moduleId" in changes else {}, **changes)
        ).failures
        assert re.search(match, told), told
        assert "\n" not in told


def test_the_basic_tier_has_no_modules(modules: Provider, registry: DeviceRegistry) -> None:
    """Told at once, and as what it is: no role would help."""
    azure, hub = registry.azure, registry.client.hub
    azure.ask("PUT", hub.id, json={"location": "westus", "sku": {"name": "B1", "capacity": 1}, "properties": {}}).raise_for_status()
    azure.until(lambda: azure.ask("GET", hub.id).json()["properties"].get("state") == "Active")
    with pytest.raises(CallFailedError, match=r"403 OperationNotAllowedInCurrentTier: .*; use a hub of the standard or free tier"):
        modules.create(registry.module())


def test_a_generation_stays_while_a_module_depends_on_it(
    modules: Provider, named_process: ProviderProcess, registry: DeviceRegistry
) -> None:
    """Also where its device authenticates in another way; not once the device is disabled, or the module has thumbprints."""
    by_thumbprint = {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": THUMBPRINT}}
    registry.client.put("press-002", authentication=by_thumbprint)
    watch = named_process.of(AuthorityGenerationProvider)
    where = {"hubId": registry.client.hub.id, "hostName": registry.client.host, "devicesOf": OWNER["stack"]}
    given = {"authority": "plant", "keepPrevious": False, **where}
    first = watch.create(given | {"generation": 1})
    both = watch.update(first, given | {"generation": 2, "keepPrevious": True})
    state = modules.create(registry.module(deviceId="press-002"))
    with pytest.raises(CallFailedError, match="1 enabled device of this stack may still use certificates of this generation"):
        watch.update(both, given | {"generation": 2})
    modules.update(state, registry.module(deviceId="press-002", thumbprints=[THUMBPRINT]))
    watch.update(both, given | {"generation": 2})
