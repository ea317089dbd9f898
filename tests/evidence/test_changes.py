"""What is recorded of a change: each kind of event, and nothing where nothing happened."""

from typing import Any

import pytest

from hubtrust.evidence.changes import Event, Fact, events, same
from hubtrust.evidence.log import Log
from hubtrust.evidence.statement import Subject
from hubtrust.pki.certificate import Certificate
from tests.kit.root_authority import RootAuthority

HUB = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"
DPS = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/dps-7"
FIRST, SECOND = RootAuthority("Plant g1"), RootAuthority("Plant g2")
CODE = "A1" * 24


def proof(code: str = CODE, **more: Any) -> dict[str, Any]:
    """A proof as the output `proofs` has it."""
    ids = {"requestId": "R", "correlationId": "C", "deployedBy": {"objectId": "O", "tenantId": "T"}, "commit": "0" * 40}
    return {"code": code, "proof": "PEM", "etag": "E1", "acceptedAt": "2026-11-24T03:19:06Z", **ids, **more}


def certificate(authority: RootAuthority = FIRST, generation: int = 1, **more: Any) -> dict[str, Any]:
    """A proven certificate on a hub."""
    known = {"service": HUB, "certificateName": f"plant-g{generation}-1", "authority": "plant", "generation": generation}
    shown = {"certificate": authority.pem, "state": "verified", "proof": "possession", "etag": "E1", "proofs": [proof()]}
    return {"kind": "certificate", **known, **shown, **more}


def group(status: str | None = "enabled", **more: Any) -> dict[str, Any]:
    """An enrollment group."""
    return {"kind": "enrollment", "service": DPS, "form": "group", "id": "line-1", "status": status, **more}


def fleet(*exceptions: str, kind: str = "devices", **more: Any) -> dict[str, Any]:
    """A fleet of devices, of which these are disabled."""
    place = {"hub": HUB} if kind == "devices" else {"service": DPS}
    return {"kind": kind, **place, "fleet": "plant", "disabled": len(exceptions), "exceptions": list(exceptions), **more}


def kinds(before: list[Any], after: list[Any]) -> list[str]:
    """The kinds of the events between these facts."""
    return [str(one.kind) for one in events(before, after)]


def the_event(before: list[Any], after: list[Any]) -> Event:
    """The only event between these facts."""
    (found,) = events(before, after)
    return found


@pytest.mark.parametrize(
    "fact", [certificate(), group("disabled"), fleet("press-1: disabled"), {"kind": "hub", "id": HUB, "adopted": True}]
)
def test_the_same_facts_are_no_event(fact: Fact) -> None:
    """Whatever they are. What was consented to, and the letter case of a resource id, is no change."""
    other = {name: value.upper() if name in ("service", "hub") else value for name, value in fact.items()}
    consent = {"kind": "consent", "service": HUB, "authority": "plant", "dropGeneration": 7}
    assert (events([fact], [fact]), events([fact], [other]), events([fact], [consent, fact])) == ([], [], [])
    assert (same([fact], [consent, fact]), same([fact], [])) == (True, False)


def test_each_proof_is_one_event() -> None:
    """Its predicate has all that was kept of it; a second proof of the same certificate is one more."""
    first = the_event([], [certificate()])
    assert (first.kind, isinstance(first.subject, Certificate)) == ("proof", True)
    about = {"service": HUB, "certificateName": "plant-g1-1", "authority": "plant", "generation": 1}
    assert first.predicate == about | proof()
    again = certificate(etag="E2", proofs=[proof(), proof("B2" * 24, etag="E2")])
    assert the_event([certificate()], [again]).predicate["code"] == "B2" * 24


@pytest.mark.parametrize(("word", "kind"), [("attestation", "attestation"), ("found", "observation"), ("key-held", "observation")])
def test_a_certificate_that_is_verified_without_a_proof(word: str, kind: str) -> None:
    """Once for each etag: with each change on Azure somebody has called it verified again."""
    fact = certificate(proof=word, proofs=None)
    found = the_event([], [fact])
    assert (found.kind, found.predicate["proof"], found.predicate["etag"]) == (kind, word, "E1")
    assert kinds([fact], [{**fact, "etag": "E2"}]) == [kind]
    assert kinds([], [{**fact, "state": "waiting", "proof": None}]) == []


def test_an_earlier_versions_word_without_a_proof_is_an_observation() -> None:
    """There is nothing that shows it."""
    assert kinds([], [certificate(proofs=None)]) == ["observation"]


def test_a_proof_that_no_longer_holds_and_one_that_holds_again() -> None:
    """It was attested by hand, then Azure showed the proven etag again; or it is proven anew."""
    by_hand = certificate(proof="key-held", etag="E2")
    lost, seen = events([certificate()], [by_hand])
    assert (lost.kind, lost.predicate["provenEtag"], lost.predicate["etag"]) == ("lost", "E1", "E2")
    assert seen.kind == "observation"
    assert kinds([certificate()], [certificate(state="replaced", proof=None, etag="E3")]) == ["lost"]
    assert kinds([by_hand], [certificate()]) == ["restoration"]
    assert kinds([by_hand], [certificate(etag="E4", proofs=[proof(), proof("B2" * 24, etag="E4")])]) == ["proof"]


def test_a_rotation_and_the_drop_that_follows() -> None:
    """Two runs: the next generation beside the old one, then the old one goes; or both in one run."""
    old, new = certificate(), certificate(SECOND, 2, proofs=[proof("B2" * 24)])
    proven, rotated = events([old], [new, old])
    assert (proven.kind, rotated.kind) == ("proof", "rotation")
    assert (rotated.predicate["previousGeneration"], rotated.predicate["generation"]) == (1, 2)
    assert rotated.predicate["previousCertificate"] == Subject.of(FIRST.certificate).sha256
    dropped = the_event([new, old], [new])
    assert (dropped.kind, dropped.predicate["generation"], dropped.predicate["consent"]) == ("drop", 1, None)
    assert kinds([old], [new]) == ["proof", "rotation", "drop"]


@pytest.mark.parametrize(("given", "kept"), [(1, {"dropGeneration": 1}), (2, None)])
def test_a_drop_names_the_consent_that_was_for_it(given: int, kept: object) -> None:
    """Consent for another generation was not for this one."""
    consent = {"kind": "consent", "service": HUB.upper(), "authority": "plant", "dropGeneration": given}
    assert the_event([certificate()], [consent]).predicate["consent"] == kept


def test_another_certificate_under_a_fixed_name() -> None:
    """It is a rotation within the generation, and the service trusts the old one no more."""
    new = certificate(SECOND, proofs=[proof("B2" * 24)])
    assert kinds([certificate()], [new]) == ["proof", "rotation", "drop"]


def test_what_was_taken_over() -> None:
    """A certificate that another one replaced, a hub, an enrollment, a device, and many devices with their count and digest."""
    found = events([], [certificate(adopted=["AB" * 20])])
    assert [str(one.kind) for one in found] == ["adoption", "proof"]
    assert found[0].predicate["replaced"] == ["AB" * 20]
    for fact in (
        {"kind": "hub", "id": HUB, "adopted": True},
        group(adopted=True),
        {"kind": "device", "hub": HUB, "id": "p", "adopted": True},
    ):
        assert kinds([{**fact, "adopted": None}], [fact]) == kinds([], [fact]) == ["adoption"]
    many = the_event([fleet()], [fleet(adopted={"count": 30_000, "digest": "ab" * 32})])
    assert (many.kind, many.predicate["count"], many.predicate["digest"]) == ("adoption", 30_000, "ab" * 32)


def test_an_enrollment_that_is_disabled_and_enabled_again() -> None:
    """With how many devices are disabled with it; again when there are more. One that no run has written has no status."""
    found = the_event([group()], [group("disabled", revoked=3, left=1)])
    assert (found.kind, found.predicate["devicesDisabled"], found.predicate["devicesLeft"]) == ("revocation", 3, 1)
    assert kinds([group("disabled", revoked=3)], [group("disabled", revoked=4)]) == ["revocation"]
    assert kinds([group("disabled", revoked=3)], [group()]) == ["restoration"]
    assert kinds([], [group(None)]) == kinds([group(None)], [group()]) == []
    assert kinds([group()], []) == ["drop"]


@pytest.mark.parametrize("kind", ["devices", "enrollments"])
def test_devices_of_a_fleet_that_are_disabled(kind: str) -> None:
    """By name while there are few; by number where the list ends before them."""
    found = the_event([fleet(kind=kind)], [fleet("press-1: disabled (stolen)", kind=kind)])
    assert (found.kind, found.predicate["named"], found.predicate["disabled"]) == ("revocation", ["press-1: disabled (stolen)"], 1)
    assert kinds([fleet("a", kind=kind)], [fleet("b", kind=kind)]) == ["revocation", "restoration"]
    hundred = [f"d-{number}" for number in range(100)]
    more = the_event([fleet(*hundred, kind=kind)], [fleet("a", *hundred[:99], kind=kind, disabled=101)])
    assert (more.kind, more.predicate["named"], more.predicate["disabled"]) == ("revocation", [], 101)


def test_every_event_can_be_recorded() -> None:
    """Predicates are JSON without fractions, and a key that somebody gave as a reason is not repeated."""
    key = FIRST.private_pem
    before = [certificate(), group(), fleet()]
    after = [
        certificate(SECOND, 2, adopted=["AB" * 20]),
        group("disabled"),
        fleet(f"press-1: disabled ({key})", adopted={"count": 1, "digest": "ab" * 32}),
        fleet("x", kind="enrollments"),
        {"kind": "dps", "id": DPS, "adopted": True},
    ]
    log = Log.empty("o/p/s")
    for event in events(before, after):
        log = log.append(event.kind, event.subject, event.predicate)
    assert log.size == len(events(before, after)) > 7
    assert key.splitlines()[1] not in log.text
    assert Log.read(log.text) == log
