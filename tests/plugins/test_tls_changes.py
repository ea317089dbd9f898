"""How resources of the tls stand-in change: diff, update, renewal."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.plugins.property_values import UNKNOWN, plain
from sandbox.plugins.resource import State
from sandbox.plugins.tls import times
from sandbox.plugins.tls.plugin import plugin
from tests.plugins.chains import CA, KEY, NOW, ROOT, key, operation, parsed

INPUTS = {"algorithm": "ECDSA", "ecdsaCurve": "P256"}


def test_a_changed_key_replaces_and_every_output_becomes_unknown(tls: Any) -> None:
    """Another algorithm generates another key: every computed value differs, only the algorithm replaces."""
    id_, outputs = tls.create(KEY, "k", INPUTS)
    answer = tls.diff(KEY, {**outputs, "id": id_}, INPUTS, {"algorithm": "ED25519"})
    computed = [
        "id",
        "privateKeyOpenssh",
        "privateKeyPem",
        "privateKeyPemPkcs8",
        *sorted(name for name in outputs if name.startswith("publicKey")),
    ]
    expected = {"changes": "DIFF_SOME", "replaces": ["algorithm", "ecdsaCurve"], "diffs": sorted(["algorithm", "ecdsaCurve", *computed])}
    assert answer == expected


@pytest.mark.parametrize(
    ("change", "differs", "replaces"),
    [
        ({}, [], []),
        ({"validityPeriodHours": 49}, ["validityPeriodHours"], ["validityPeriodHours"]),
        ({"allowedUses": ["cert_signing"]}, ["allowedUses"], ["allowedUses"]),
        ({"subject": {"commonName": "Another"}}, ["subject"], ["subject"]),
        ({"dnsNames": ["a"]}, ["dnsNames"], ["dnsNames"]),
        ({"maxPathLength": 1}, ["maxPathLength"], ["maxPathLength"]),
        ({"earlyRenewalHours": 1}, ["earlyRenewalHours"], []),
        ({"earlyRenewalHours": 48}, ["earlyRenewalHours", "readyForRenewal"], ["readyForRenewal"]),
        ({"privateKeyPem": UNKNOWN}, ["privateKeyPem"], ["privateKeyPem"]),
        ({"privateKeyPem": "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"}, ["privateKeyPem"], ["privateKeyPem"]),
        ({"isCaCertificate": None}, ["isCaCertificate"], ["isCaCertificate"]),
        ({"setSubjectKeyId": False}, [], []),
    ],
    ids=str,
)
def test_the_changes_that_replace_a_certificate(tls: Any, change: dict[str, Any], differs: list[str], replaces: list[str]) -> None:
    """Everything except earlyRenewalHours replaces the certificate; setting a default explicitly is not a change."""
    inputs = {**CA, "privateKeyPem": key(tls)}
    _, outputs = tls.create(ROOT, "root", inputs)
    answer = tls.diff(ROOT, outputs, inputs, {**inputs, **change})
    assert (answer.get("diffs", []), answer.get("replaces", []), "detailedDiff" in answer) == (differs, replaces, False)


def test_an_update_keeps_the_certificate(tls: Any) -> None:
    """EarlyRenewalHours is updated in place: the certificate stays the same, in a preview too."""
    inputs = {**CA, "privateKeyPem": key(tls)}
    id_, outputs = tls.create(ROOT, "root", inputs)
    expected = {**plain(outputs), "earlyRenewalHours": 5}
    assert plain(tls.update(ROOT, (id_, outputs), inputs, {**inputs, "earlyRenewalHours": 5})) == expected
    previewed = plain(tls.update(ROOT, (id_, outputs), inputs, {**inputs, "earlyRenewalHours": 5}, preview=True))
    assert {name: expected[name] for name in previewed} == previewed


def test_ignored_changes_make_no_difference(tls: Any) -> None:
    """An ignored property keeps its old value."""
    inputs = {**CA, "privateKeyPem": key(tls)}
    _, outputs = tls.create(ROOT, "root", inputs)
    news = {**inputs, "validityPeriodHours": 1, "subject": {"commonName": "x"}}
    assert tls.diff(ROOT, outputs, inputs, news, ignoreChanges=["validityPeriodHours", "subject.commonName"]) == {"changes": "DIFF_NONE"}


@pytest.mark.parametrize(("hours_later", "ready"), [(0, False), (37, False), (38, True), (47, True), (49, True)])
def test_a_certificate_in_its_renewal_window_is_replaced(hours_later: int, ready: bool) -> None:
    """From earlyRenewalHours before its end a plain diff replaces it, and a refresh sets readyForRenewal."""
    clock = [NOW]
    tls = plugin(None, clock=lambda: clock[0])
    resource = tls.resources[ROOT]
    pem = tls.resources[KEY].create(INPUTS, operation()).outputs["privateKeyPem"].value
    inputs = {**CA, "privateKeyPem": pem, "earlyRenewalHours": 10}
    state = resource.create(inputs, operation())
    assert plain(state.outputs)["validityEndTime"] == times.to_text(NOW + 48 * times.HOUR)
    clock[0] += hours_later * times.HOUR
    state = State(state.id, state.outputs, inputs)
    found = resource.diff(state, inputs, ignored=[])
    assert (found.changed, found.replaces) == (ready, ["readyForRenewal"] if ready else [])
    refreshed = resource.read(state, operation())
    assert refreshed is not None
    assert (refreshed.outputs["readyForRenewal"], plain(refreshed.inputs)) == (ready, inputs)


def test_clock_and_random_source_are_arguments() -> None:
    """The plugin's clock and random source alone determine validity and serial number."""
    tls = plugin(None, clock=lambda: NOW + 123_000_000, random_below=lambda limit: limit - 1)
    pem = tls.resources[KEY].create(INPUTS, operation()).outputs["privateKeyPem"].value
    created = tls.resources[ROOT].create({**CA, "privateKeyPem": pem}, operation())
    certificate = parsed(created.outputs["certPem"])
    assert (created.id, certificate.serial_number) == (str(2**128 - 1), 2**128 - 1)
    assert times.from_text(created.outputs["validityStartTime"]) == NOW + 123_000_000
    assert int(certificate.not_valid_before_utc.timestamp()) * times.SECOND == NOW


@pytest.mark.parametrize("text", ["2026-11-23T15:43:50.973204833Z", "2026-11-23T15:43:50Z", "2026-11-23T16:43:50.5+01:00"])
def test_times_are_read_as_they_are_written(text: str) -> None:
    """RFC 3339 with any number of decimals and any zone."""
    assert times.from_text(times.to_text(times.from_text(text))) == times.from_text(text)
