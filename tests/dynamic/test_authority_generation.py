"""AuthorityGeneration over gRPC: invalid steps of a rotation are refused in the preview, before anything is created."""

import pytest

from hubtrust.dynamic.authority_generation import AuthorityGenerationProvider
from tests.kit.device_registry import OWNER, DeviceRegistry
from tests.kit.local_azure import LocalAzure
from tests.kit.provider_process import UNKNOWN, CallFailedError, Provider, ProviderProcess


@pytest.fixture(scope="module")
def provider(provider_process: ProviderProcess) -> Provider:
    return provider_process.of(AuthorityGenerationProvider)


def at(generation: float, *, keep: bool = False, authority: str = "plant") -> dict[str, object]:
    return {"authority": authority, "generation": generation, "keepPrevious": keep}


@pytest.mark.parametrize(
    ("olds", "news", "match"),
    [
        (at(2), at(1), "generation 1 is older than the current generation 2; use 3 for the next generation"),
        (at(2, keep=True), at(1), "generation 1 is older than the current generation 2"),
        ({}, at(1, keep=True), "this stack has none; run `pulumi up` with generation 1 first"),
        ({}, at(3, keep=True), "this stack has none; run `pulumi up` with generation 2 first"),
        (at(1, authority="mill"), at(2, keep=True), "this stack has none"),
        (at(1), at(3, keep=True), "generation 2 is to be kept, but the current one is 1; use 2: generations go up one at a time"),
        (at(2), at(2, keep=True), "generation 1 is to be kept, but it has been deleted"),
    ],
)
def test_invalid_rotation_steps_are_refused(provider: Provider, olds: dict[str, object], news: dict[str, object], match: str) -> None:
    """Each error is one line: the authority, its current generation, and what to write."""
    ((name, reason),) = provider.check(news, olds).failures
    assert match in reason
    assert reason.startswith("authority 'plant': ")
    assert name == ""


@pytest.mark.parametrize(
    ("olds", "news"),
    [
        ({}, at(1)),
        ({}, at(7)),
        (at(1), at(2)),
        (at(1), at(3)),
        (at(1), at(2.0, keep=True)),
        (at(2, keep=True), at(2, keep=True)),
        (at(2, keep=True), at(2)),
        (at(2, keep=True), at(3, keep=True)),
        (at(2), at(UNKNOWN)),  # type: ignore[arg-type]
    ],
)
def test_valid_rotation_steps_are_accepted(provider: Provider, olds: dict[str, object], news: dict[str, object]) -> None:
    """Valid steps: up by one with overlap, up by any number without, dropping the previous generation, and no step."""
    assert provider.check(news, olds).failures == []


def test_a_generation_is_created_read_and_updated(provider: Provider) -> None:
    """A generation is created, read unchanged, and updated in place."""
    created = provider.create(at(1))
    assert provider.up(created, at(1)).outs == created.outs
    assert provider.diff(created, at(2, keep=True)).replaces == []
    after = provider.update(created, at(2, keep=True))
    assert (after.id, after.outs) == ("plant", at(2, keep=True))
    assert provider.diff(created, at(1, authority="mill")).replaces == ["authority"]
    provider.delete(after)


def standing(registry: DeviceRegistry, generation: int, **changes: object) -> dict[str, object]:
    """The inputs of a generation on a hub whose devices are counted."""
    here = {"hubId": registry.client.hub.id, "hostName": registry.client.host, "devicesOf": OWNER["stack"]}
    return {**at(generation), **here, **changes}


def test_a_generation_with_devices_is_not_deleted(devices: Provider, named_process: ProviderProcess, registry: DeviceRegistry) -> None:
    """Enabled devices of this stack prevent the deletion of their generation; disabled or foreign devices, or explicit consent, do not."""
    watch = named_process.of(AuthorityGenerationProvider)
    created = watch.create(standing(registry, 1))
    both = watch.update(created, standing(registry, 2, keepPrevious=True))
    assert registry.calls() == [], "nothing goes, nobody is counted"
    devices.create(registry.device("press-001"))
    others = devices.create(registry.device("press-002", owner={**OWNER, "stack": "organization/tests/other"}))
    message = (
        "generation 1 is to be deleted: 1 enabled device of this stack may still use certificates of this generation; keep it until they"
    )
    with pytest.raises(CallFailedError, match=message):
        watch.update(both, standing(registry, 2))
    with pytest.raises(CallFailedError, match="authority 'plant': generation 1 is to be deleted"):
        watch.update(created, standing(registry, 2))
    assert watch.update(both, standing(registry, 2, dropPrevious=True)).outs["keepPrevious"] is False
    registry.disable("press-001", "retired")
    assert watch.update(both, standing(registry, 2)).outs["keepPrevious"] is False
    devices.delete(others)


def test_without_the_data_role_devices_are_not_counted(named_process: ProviderProcess, azure: LocalAzure) -> None:
    """Without the data role devices are not counted; a message says so, and the rotation is not refused."""
    hub = azure.hub()
    here = {"hubId": hub.id, "devicesOf": OWNER["stack"]}
    watch = named_process.of(AuthorityGenerationProvider)
    created = watch.create(at(1) | here)
    assert watch.update(created, at(2) | here).outs["generation"] == 2
