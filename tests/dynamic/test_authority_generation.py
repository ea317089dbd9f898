"""AuthorityGeneration over gRPC: invalid steps of a rotation are refused in the preview, before anything is created."""

import pytest

from hubtrust.devices.roster_files import from_pattern
from hubtrust.dynamic.authority_generation import AuthorityGenerationProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from local_azure_iot import installation
from tests.kit.device_registry import OWNER, DeviceRegistry
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.provider_process import UNKNOWN, CallFailedError, Provider, ProviderProcess
from tests.kit.root_authority import RootAuthority


@pytest.fixture(scope="module")
def provider(provider_process: ProviderProcess) -> Provider:
    return provider_process.of(AuthorityGenerationProvider)


def at(generation: float, *, keep: bool = False, authority: str = "plant", hub: bool = False) -> dict[str, object]:
    where = {"hubId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"} if hub else {}
    return {"authority": authority, "generation": generation, "keepPrevious": keep, **where}


@pytest.mark.parametrize(
    ("olds", "news", "match"),
    [
        (at(2), at(1), "generation 1 is older than the current generation 2; set it to 2, the current one; for a new generation 3"),
        (at(2, keep=True), at(1), "generation 1 is older than the current generation 2"),
        ({}, at(1, keep=True), "this stack has none; run `up` with generation 1 first"),
        ({}, at(3, keep=True), "this stack has none; run `up` with generation 2 first"),
        (at(1, authority="mill"), at(2, keep=True), "this stack has none"),
        (at(1), at(3, keep=True), "generation 2 is to be kept, but the current one is 1; use 2: generations go up one at a time"),
        (at(2, hub=True), at(2, keep=True, hub=True), "generation 1 is to be kept, but it has been deleted"),
        (at(2, keep=True), at(3), "generations 1 and 2 are to be deleted in one run; first run with generation 2 only"),
        (at(1), at(2) | {"dropPrevious": True}, "there is no such property; use dropGeneration, the number of the generation that may be"),
    ],
)
def test_invalid_rotation_steps_are_refused(provider: Provider, olds: dict[str, object], news: dict[str, object], match: str) -> None:
    """Each error is one line: the authority, its current generation, and what to write."""
    ((name, reason),) = provider.check(news, olds).failures
    assert match in reason
    assert reason.startswith(("authority 'plant': ", "dropPrevious: "))
    assert name in ("", "dropPrevious")


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
        # The hub's record refused to drop generation 1 in the last run: it still exists, although the authority's own record is ahead.
        (at(2), at(2, keep=True)),
        # Left by an earlier version.
        (at(2) | {"dropPrevious": True}, at(3)),
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
    message = "generation 1 is to be deleted: 1 enabled device of this stack may still use certificates of this generation; "
    remedy = r"set caKeepPrevious: true until they have moved, then caDropGeneration: 1 \(drop_generation of TrustedHub\)"
    with pytest.raises(CallFailedError, match=message + remedy):
        watch.update(both, standing(registry, 2))
    with pytest.raises(CallFailedError, match=f"{message}move them, then set caDropGeneration: 1"):
        watch.update(created, standing(registry, 3))
    with pytest.raises(CallFailedError, match=message):
        watch.update(both, standing(registry, 2, hubId=registry.client.hub.id.upper()))
    for other_one in (2, 3):  # consent left from another rotation
        with pytest.raises(CallFailedError, match=message):
            watch.update(both, standing(registry, 2, dropGeneration=other_one))
    assert watch.update(both, standing(registry, 2, dropGeneration=1)).outs == standing(registry, 2)
    registry.disable("press-001", "retired")
    assert watch.update(both, standing(registry, 2)).outs["keepPrevious"] is False
    devices.delete(others)


def test_the_devices_of_a_renamed_stack_count(devices: Provider, named_process: ProviderProcess, registry: DeviceRegistry) -> None:
    """Until the fleet is written later in the run, its devices have the stack's former name."""
    watch = named_process.of(AuthorityGenerationProvider)
    created = watch.create(standing(registry, 1))
    devices.create(registry.device())
    with pytest.raises(CallFailedError, match="1 enabled device of this stack may still use"):
        watch.update(created, standing(registry, 2, devicesOf="organization/tests/renamed"))


def test_devices_that_the_index_does_not_show_yet_count(
    fleets: Provider, devices: Provider, named_process: ProviderProcess, registry: DeviceRegistry
) -> None:
    """The fleet and the device of the state are read by id; if there are more than that allows, nobody knows, and the generation stays."""
    watch = named_process.of(AuthorityGenerationProvider)
    created = watch.create(standing(registry, 1))
    registry.clear(query_lag_seconds=3600)
    devices.create(registry.device(owner={**OWNER, "urn": f"{OWNER['urn']}-alone"}))
    with pytest.raises(CallFailedError, match="1 enabled device of this stack may still use"):
        watch.update(created, standing(registry, 2))
    fleet = fleets.create(registry.fleet(from_pattern("lathe-{01..25}")))
    with pytest.raises(CallFailedError, match="26 enabled devices of this stack may still use"):
        watch.update(created, standing(registry, 2))
    fleets.update(fleet, registry.fleet(from_pattern("lathe-{0001..1002}"), deleteDevices=25))
    for hundred in range(10):
        registry.delete(*(f"lathe-{100 * hundred + number:04}" for number in range(1, 101)))
    unknown = "is unknown, because the hub's query index does not show 3 devices of this stack yet; run again in some minutes; or, if no"
    with pytest.raises(CallFailedError, match=unknown):
        watch.update(created, standing(registry, 2))


@pytest.mark.parametrize(
    ("fault", "match"),
    [
        ("401:path=/devices/query", "Azure answers 401.*; give this identity the role 'IoT Hub Data Contributor' .*; or, if no device"),
        ("404:path=/devices/query", "Azure answers 404.*; or, if no device needs it any more, set caDropGeneration: 1"),
    ],
)
def test_whoever_cannot_see_refuses(named_process: ProviderProcess, registry: DeviceRegistry, fault: str, match: str) -> None:
    """No answer is not "no devices": the error has Azure's answer, what to correct, and the consent; consent for this generation passes."""
    watch = named_process.of(AuthorityGenerationProvider)
    created = watch.create(standing(registry, 1))
    registry.clear(fault)
    with pytest.raises(
        CallFailedError, match=rf"generation 1 is to be deleted: whether devices depend on it is unknown, because .*{match}"
    ):
        watch.update(created, standing(registry, 2))
    assert watch.update(created, standing(registry, 2, dropGeneration=1)).outs["generation"] == 2


def authority_on(hub: Hub, generation: int) -> dict[str, object]:
    """The inputs of the certificate of one generation."""
    ca = RootAuthority(f"Plant {generation}")
    signer = {"custody": "state", "privateKey": ca.private_pem}
    return {"serviceId": hub.id, "certificate": ca.pem, "name": "plant", "generation": generation, "signer": signer}


def test_what_was_not_given_up_is_not_deleted(devices: Provider, azure: LocalAzure, registry: DeviceRegistry) -> None:
    """With `--continue-on-error` the engine deletes after a refusal too: the certificate stays, and so do its keys. `destroy` deletes."""
    hub = registry.client.hub
    devices.create(registry.device())
    kept, alone = standing(registry, 2, keepPrevious=True), standing(registry, 2)
    inputs = {generation: authority_on(hub, generation) for generation in (1, 2)}
    with ProviderProcess(installation.environment(azure.ready)) as first:
        watch, certificates = first.of(AuthorityGenerationProvider), first.of(VerifiedCertificateProvider)
        both = watch.update(watch.create(standing(registry, 1)), kept)
        created = {generation: certificates.create(news) for generation, news in inputs.items()}
    with ProviderProcess(installation.environment(azure.ready)) as run:
        watch, certificates = run.of(AuthorityGenerationProvider), run.of(VerifiedCertificateProvider)
        watch.read(both)
        certificates.check(inputs[2], inputs[2])
        # The program runs: the authority's own record was checked, but the hub's was never reached, and then it refused.
        watch.check(at(2), at(2, keep=True))
        with pytest.raises(CallFailedError, match="generation 1 was not given up in this run, because an earlier step failed, so it is"):
            certificates.delete(created[1])
        with pytest.raises(CallFailedError, match="1 enabled device of this stack may still use"):
            watch.update(both, alone)
        with pytest.raises(CallFailedError, match="generation 1 was not given up in this run"):
            certificates.delete(created[1])
        assert len(hub.verified()) == 2
        watch.update(both, alone | {"dropGeneration": 1})
        certificates.delete(created[1])
        assert len(hub.verified()) == 1
    with ProviderProcess(installation.environment(azure.ready)) as destroy:
        destroy.of(AuthorityGenerationProvider).read(both)
        destroy.of(VerifiedCertificateProvider).delete(created[2])
    assert hub.verified() == {}


def test_a_generation_that_gets_another_key_keeps_the_old_one_for_its_devices(
    devices: Provider, azure: LocalAzure, registry: DeviceRegistry
) -> None:
    """Another custody or algorithm inside a generation is another key: the new one is trusted too, and the old one while devices use it."""
    hub = registry.client.hub
    press = devices.create(registry.device())
    inputs, others = authority_on(hub, 1), authority_on(hub, 1)
    with ProviderProcess(installation.environment(azure.ready)) as first:
        record = first.of(AuthorityGenerationProvider).create(standing(registry, 1))
        old = first.of(VerifiedCertificateProvider).create(inputs)
    with ProviderProcess(installation.environment(azure.ready)) as run:
        watch, certificates = run.of(AuthorityGenerationProvider), run.of(VerifiedCertificateProvider)
        watch.read(record)
        watch.check(at(1), at(1))
        certificates.check(others, inputs)
        assert certificates.diff(old, others).replaces
        new = certificates.create(others)
        with pytest.raises(CallFailedError, match="was not asked, because an earlier step failed; correct that, then run again"):
            certificates.delete(old)
        watch.check(standing(registry, 1), standing(registry, 1))
        with pytest.raises(
            CallFailedError, match=r"1 enabled device of this stack may still use .*caGeneration: 2, .* caDropGeneration: 1"
        ):
            certificates.delete(old)
        assert len(hub.verified()) == 2
        watch.check(standing(registry, 1, dropGeneration=1), standing(registry, 1))
        certificates.delete(old)
        assert len(hub.verified()) == 1
    devices.delete(press)
    with ProviderProcess(installation.environment(azure.ready)) as run:
        watch, certificates = run.of(AuthorityGenerationProvider), run.of(VerifiedCertificateProvider)
        watch.check(standing(registry, 1), standing(registry, 1))
        certificates.check(inputs, others)
        certificates.create(inputs)
        certificates.delete(new)  # no device is left that could depend on it
    assert len(hub.verified()) == 1


def test_an_authority_that_leaves_a_hub_is_counted_too(devices: Provider, azure: LocalAzure, registry: DeviceRegistry) -> None:
    """It was renamed or removed, and the hub stays: as a generation that is dropped. `destroy` asks nothing."""
    devices.create(registry.device())
    with ProviderProcess(installation.environment(azure.ready)) as run:
        watch = run.of(AuthorityGenerationProvider)
        old = watch.create(standing(registry, 1))
        new = standing(registry, 1, authority="mill")
        watch.create(new)
        with pytest.raises(
            CallFailedError, match=r"authority 'plant': generation 1 is to be deleted: 1 enabled device .* set caDropGeneration: 1"
        ):
            watch.delete(old)
        watch.check(new | {"dropGeneration": 1}, new)
        watch.delete(old)
    with ProviderProcess(installation.environment(azure.ready)) as destroy:
        destroy.of(AuthorityGenerationProvider).read(old)
        destroy.of(AuthorityGenerationProvider).delete(old)


def test_without_the_data_role_or_the_hub_a_generation_stays(named_process: ProviderProcess, azure: LocalAzure) -> None:
    """A login without the data role, a hub that is gone, and one whose name can't be found: the generation is not deleted."""
    watch, hub = named_process.of(AuthorityGenerationProvider), azure.hub()
    here = {"hubId": hub.id, "devicesOf": OWNER["stack"]}
    created = watch.create(at(1) | here)
    with pytest.raises(CallFailedError, match=r"is unknown, because .*: Azure answers 40[13].*give this identity the role"):
        watch.update(created, at(2) | here)
    hub.delete_hub()
    with pytest.raises(
        CallFailedError, match=r"is unknown, because .*: it does not exist; check its resource id.*; or, if no device needs"
    ):
        watch.update(created, at(2) | here)
    assert watch.update(created, at(2) | here | {"dropGeneration": 1}).outs["generation"] == 2
