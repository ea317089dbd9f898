"""What comes over the wire becomes what a constructor takes, by its annotations; what has the wrong form is told in one line."""

from collections.abc import Callable, Sequence
from typing import Any

import pulumi
import pytest

from hubtrust.authority import CertificateAuthority
from hubtrust.authority_keys import InKeyVault, InToken
from hubtrust.authority_source import Generate, Import
from hubtrust.devices.roster import RosterError
from hubtrust.devices.roster_files import from_ids, from_pattern
from hubtrust.enrollment_fleet import EnrollmentFleet
from hubtrust.enrollment_group import EnrollmentGroup
from hubtrust.fleet import TrustedFleet
from hubtrust.hub import TrustedHub
from hubtrust.hub_args import HubArgs
from hubtrust.plugin.annotations import component_arguments, component_outputs, type_of
from hubtrust.plugin.argument_types import ArgumentError, Reference, arguments
from hubtrust.plugin.rosters import DEVICES, packed
from hubtrust.provisioning_links import LinkedHub
from hubtrust.provisioning_service import ProvisioningService


class _Component(pulumi.Resource):
    """A component's reference, as it arrives: without an engine it can't be made."""

    def __init__(self) -> None:
        pass


def _resolve(kind: Reference, value: Any, what: str) -> Any:
    if not isinstance(value, pulumi.Resource):
        raise ArgumentError(what, "it is no component", f"give a {kind.component.__name__}")
    return kind.component.__name__


def _constructed(component: type[pulumi.ComponentResource], **given: Any) -> dict[str, Any]:
    return arguments(component_arguments(component), given, f"{component.__name__} 'plant'", _resolve)


CA = _Component()


@pytest.mark.parametrize(
    ("component", "given", "expected"),
    [
        (
            CertificateAuthority,
            {"source": {"generate": {"commonName": "Plant", "rootDays": 30.0, "intermediates": 2.0}}, "generation": 2.0},
            {"source": Generate(common_name="Plant", root_days=30, intermediates=2), "generation": 2},
        ),
        (
            CertificateAuthority,
            {"source": {"import": {"chain": "PEM", "custody": {"inToken": {"keys": ["pkcs11:object=a"], "pinVariable": "PIN"}}}}},
            {"source": Import(chain="PEM", custody=InToken(keys=["pkcs11:object=a"], pin_variable="PIN"))},
        ),
        (
            CertificateAuthority,
            {"source": {"generate": {"commonName": "Plant", "custody": {"inKeyVault": {"vault": CA, "hsm": True}}}}, "previous": None},
            {"source": Generate(common_name="Plant", custody=InKeyVault(vault="AuthorityVault", hsm=True))},
        ),
        (
            TrustedHub,
            {"authorities": [CA, CA], "hub": {"units": 2.0, "sku": {"name": "S1"}}, "dropGeneration": {"plant": 1.0}},
            {
                "authorities": ["CertificateAuthority"] * 2,
                "hub": HubArgs(units=2, sku={"name": "S1"}),
                "drop_generation": {"plant": 1},
            },
        ),
        (
            TrustedHub,
            {"authorities": [CA], "hub": "/subscriptions/x"},
            {"authorities": ["CertificateAuthority"], "hub": "/subscriptions/x"},
        ),
        (
            ProvisioningService,
            {"authorities": [CA], "hubs": [CA, {"hub": CA, "weight": 2.0}, "/subscriptions/x"]},
            {"authorities": ["CertificateAuthority"], "hubs": ["TrustedHub", LinkedHub(hub="TrustedHub", weight=2), "/subscriptions/x"]},
        ),
        (EnrollmentGroup, {"service": CA, "tags": {"line": 1.0}}, {"service": "ProvisioningService", "tags": {"line": 1.0}}),
        (
            TrustedFleet,
            {"hub": CA, "authority": CA, "roster": {"pattern": "p-{1..3}", "tags": {"a": "b"}}},
            {"hub": "TrustedHub", "authority": "CertificateAuthority", "roster": from_pattern("p-{1..3}", {"a": "b"})},
        ),
    ],
)
def test_values_become_arguments(component: type[pulumi.ComponentResource], given: dict[str, Any], expected: dict[str, Any]) -> None:
    """Objects become our own classes, references the live components; numbers are whole where Python's are."""
    assert _constructed(component, **given) == expected


def test_what_waits_stays_an_output() -> None:
    """A value that is unknown or secret, and one within an object, goes to the constructor as it is."""
    secret = pulumi.Output.secret("PEM")
    assert _constructed(CertificateAuthority, source={"import": {"chain": secret}})["source"].chain is secret
    assert _constructed(TrustedHub, authorities=[CA], hub=secret)["hub"] is secret


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "CertificateAuthority 'plant': source is missing; set it"),
        ({"source": {}}, "source of CertificateAuthority 'plant': none of generate, import, request is given; give exactly one of"),
        ({"source": {"generate": {"commonName": "a"}, "request": {"commonName": "a"}}}, "generate and request are given; give exactly one"),
        ({"source": "generate"}, "source of CertificateAuthority 'plant': it is a text; give an object with generate, import, request"),
        (
            {"source": pulumi.Output.secret({})},
            "it is a secret or not known yet, and decides which resources there are; give a plain object",
        ),
        ({"source": {"generate": {"name": "a"}}}, "generate of source of CertificateAuthority 'plant': it has no 'name'; use commonName"),
        ({"source": {"generate": {}}}, "generate of source of CertificateAuthority 'plant': commonName is missing; set it"),
        ({"source": {"generate": {"commonName": "a"}}, "settings": {}}, "CertificateAuthority 'plant': it has no 'settings'; use cloud,"),
    ],
)
def test_what_has_the_wrong_form_is_told_in_one_line(given: dict[str, Any], said: str) -> None:
    """What failed, what was found, and what to give."""
    with pytest.raises(ArgumentError) as raised:
        _constructed(CertificateAuthority, **given)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_component_of_another_provider_is_refused_where_it_is_given() -> None:
    """The error names the argument, also in a list."""
    with pytest.raises(ArgumentError, match="authorities of TrustedHub 'plant', item 1: it is no component"):
        _constructed(TrustedHub, authorities=["plant"])


@pytest.mark.parametrize(
    ("roster", "expected"), [({"ids": ["b", "a"]}, from_ids(["a", "b"])), ({"csv": "id\na\nb\n"}, from_ids(["a", "b"]))]
)
def test_a_roster_packs_to_the_text_of_a_state(roster: dict[str, Any], expected: Any) -> None:
    """A custom resource has it as one text, as from Python; a text stays as it is."""
    text = packed(DEVICES, roster)
    assert text == expected.pack() == packed(DEVICES, text)


@pytest.mark.parametrize(
    ("component", "roster", "said"),
    [
        (TrustedFleet, {"csv": "id\n\xe9\n"}, "csv"),
        (TrustedFleet, {"ids": "a"}, "ids of roster of TrustedFleet 'plant': it is a text; give a list"),
        (TrustedFleet, {"ids": {"a": 1}}, "it is an object; give a list"),
        (TrustedFleet, {"ids": pulumi.Output.secret(["a"])}, "it is a secret or not known yet"),
        (TrustedFleet, {"ids": ["a", pulumi.Output.secret("b")]}, "its id is of type Output; give a text"),
        (EnrollmentFleet, {"list": [{"registrationId": "a"}]}, "certificate"),
    ],
)
def test_a_roster_that_is_wrong_is_told_as_in_python(component: type[pulumi.ComponentResource], roster: dict[str, Any], said: str) -> None:
    """The functions that read rosters say what is wrong."""
    with pytest.raises((RosterError, ArgumentError), match=said):
        _constructed(component, hub=CA, authority=CA, roster=roster) if component is TrustedFleet else _constructed(
            component, service=CA, roster=roster
        )


def test_outputs_are_the_attributes_that_wait() -> None:
    """Those that may be missing are not required, and a key is a secret."""
    found = {one.name: (one.required, one.secret) for one in component_outputs(CertificateAuthority)}
    assert found["chain"] == (False, False)
    assert found["signer"] == (False, True)
    assert "anchor" not in found


@pytest.mark.parametrize("hint", [Callable[[], int], complex, Sequence[complex]])
def test_an_argument_that_no_other_language_has_is_refused(hint: Any) -> None:
    """A new kind of argument can't get into the schema unseen."""
    with pytest.raises(TypeError, match="other languages have no type"):
        type_of(hint, "new")
