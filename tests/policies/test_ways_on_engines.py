"""Every way to declare something, in an `up` of both engines: what one rule would miss is not created."""

import shlex
from typing import Any

import pytest

from tests.kit.warm_start import warm_script
from tests.policies.conftest import PROGRAMS, HandMade
from tests.policies.declared_ways import CERTIFICATES, GROUPS, HUBS, ROLES, SERVICES
from tests.policies.opaque_ways import OPAQUE
from tests.policies.test_ways import GOOD_CA, GOOD_HUB, GOOD_SERVICE, NO_DEVICE_KEYS_INPUT, ROLE, SETTINGS, TAGS, Declared

SEEN = {"required_tags": SETTINGS["required-tags"], "public_access": "mandatory", "network_exposure": "mandatory"}


@pytest.fixture
def any_plugin(hand_made: HandMade) -> HandMade:
    """A project in which each provider's plugin takes every type."""
    folder = hand_made.folder / "plugins"
    folder.mkdir()
    packages = {each.type.partition(":")[0] for each in (*_declared(), *(row[1] for row in OPAQUE))}
    for package in packages:
        plugin = folder / f"pulumi-resource-{package}"
        start = shlex.join(warm_script(PROGRAMS / "accepting_plugin.py"))
        plugin.write_text(f'#!/bin/sh\nFOUND_VERIFIED="{folder}/found-verified" exec {start} "$@"\n')
        plugin.chmod(0o755)
    hand_made.plugins = folder
    return hand_made


def _declared(**changed: Any) -> list[Declared]:
    """One of each kind, in every way that can comply, or with something changed."""
    hubs = {way: write({**GOOD_HUB, **changed}) for way, write in HUBS.items() if way not in NO_DEVICE_KEYS_INPUT}
    services = {way: write({**GOOD_SERVICE, **changed}) for way, write in SERVICES.items()}
    groups = {way: write({"tags": changed.get("tags", TAGS)}) for way, write in GROUPS.items()}
    every = {"hub": hubs, "service": services, "group": groups}
    return [Declared(*found, name=f"{kind}-{way}") for kind, ways in every.items() for way, found in ways.items()]


def _planned(declared: Declared, **options: Any) -> dict[str, Any]:
    return {"noun": declared.type, "name": declared.name, "properties": dict(declared.properties), "options": options}


def test_what_complies_is_created_in_every_way(any_plugin: HandMade) -> None:
    """Without this the next test would prove nothing: the plugins work, and no rule refuses a declaration for its type alone.

    Then somebody marks the certificate as verified in Azure: no input says it, and the next run that asks Azure fails.
    """
    declared = [*_declared(), Declared(*CERTIFICATES["native"](GOOD_CA), name="ca")]
    any_plugin.configure(**SEEN)
    any_plugin.plan([_planned(each, protect=True) for each in declared])
    assert any_plugin.run("up", "--yes")["mandatory"] == set(), any_plugin.printed
    assert any_plugin.code == 0, any_plugin.printed
    assert any_plugin.resources() == sorted(each.name for each in declared)
    (any_plugin.folder / "plugins/found-verified").touch()
    assert any_plugin.run("up", "--yes", "--refresh", "--skip-preview")["mandatory"] == {"proof-required"}
    assert any_plugin.code != 0
    assert any_plugin.printed.count("nothing here proves possession") == 1


def test_what_breaks_a_rule_is_created_in_no_way(any_plugin: HandMade) -> None:
    """Tags of another environment, keys, TLS 1.0 and a public endpoint, unprotected; a CA that is called verified; a role; a script."""
    loose = {"minTlsVersion": "1.0", "disableLocalAuth": "false", "publicNetworkAccess": "Enabled", "tags": {"environment": "dev"}}
    expected = {each.name: {"hub-protected", "required-tags"} for each in _declared()}
    for name in expected:
        if not name.startswith("group-"):
            expected[name] |= {"public-access", "network-exposure"}
        if name.startswith("hub-"):
            expected[name] |= {"tls-minimum", "shared-keys-off"}
    plan = [_planned(each) for each in _declared(**loose)]
    certificates = [Declared(*write({**GOOD_CA, "isVerified": "true"}), name=f"certificate-{way}") for way, write in CERTIFICATES.items()]
    roles = [Declared(*write(ROLE), name=f"role-{way}") for way, write in ROLES.items()]
    opaque = [Declared(each.type, each.properties, name=f"opaque-{name}") for name, each, refused in OPAQUE if refused]
    opaque = [each for each in opaque if not each.type.startswith("elsewhere:")]  # only a setting refuses that one
    expected |= {each.name: {"proof-required"} for each in certificates}
    expected |= {each.name: {"enrollment-holders"} for each in roles}
    expected |= {each.name: {"opaque-declarations"} for each in opaque}
    any_plugin.configure(**SEEN)
    any_plugin.plan([*plan, *(_planned(each, protect=True) for each in (*certificates, *roles, *opaque))])
    any_plugin.run("up", "--yes")
    assert any_plugin.code != 0
    found = {name: any_plugin.violations.get(name, set()) & set().union(*expected.values()) for name in expected}
    strict = {name: policies for name, policies in expected.items() if not name.startswith("opaque-")}
    assert {name: found[name] for name in strict} == strict
    assert [name for name in expected if name.startswith("opaque-") and "opaque-declarations" not in found[name]] == []
    assert any_plugin.resources() == []
