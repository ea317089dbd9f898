"""Every argument of every component with values of every wrong form: it is constructed, or refused in one line that blames nobody else."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from hubtrust.plugin.annotations import component_arguments
from hubtrust.plugin.components import COMPONENTS, component_of
from tests.kit.remembering_engine import HUB
from tests.plugin.test_construct import Run, output, plugin  # noqa: F401 - the fixture `plugin` is used by its name

_WRONG: dict[str, Any] = {
    "a text": "mark",
    "an empty text": "",
    "a number": 7.5,
    "a truth value": True,
    "a list": [7],
    "a list of nothing": [None],
    "an object": {"a": {"b": 7}},
    "not known yet": output(),
    "a number that is known later": output(7.5, depends=("urn:pulumi:dev::plant::a:b:C::c",)),
    "an object that is known later": output({"a": 7}),
    "a secret": output("mark", secret=True),
    "a list of secrets": [output("mark", secret=True)],
}


@pytest.fixture(scope="module")
def run(plugin: Any) -> Iterator[Run]:  # noqa: F811 - a fixture's parameter has its name
    """A run with a component of each kind that others are given."""
    found = Run(plugin, preview=True)
    yield found
    found.monitor.close()


@pytest.fixture(scope="module")
def valid(run: Run) -> dict[str, dict[str, Any]]:
    """The arguments that each component needs."""
    authority = run.component("CertificateAuthority", "ca", source={"generate": {"commonName": "P"}})
    hub = run.component("TrustedHub", "hub", authorities=[authority], hub=HUB)
    service = run.component("ProvisioningService", "dps", authorities=[authority])
    device = run.component("TrustedDevice", "device", hub=hub, authority=authority, makeKey=True)
    return {
        "AuthorityVault": {},
        "CertificateAuthority": {"source": {"generate": {"commonName": "P"}}},
        "EnrollmentCanary": {"service": service, "hubs": [hub], "authority": authority, "deviceId": "canary"},
        "EnrollmentFleet": {"service": service},
        "EnrollmentGroup": {"service": service, "authorities": [authority]},
        "EvidenceLog": {"hubs": [hub], "services": [service]},
        "IndividualEnrollment": {"service": service, "certificates": ["c"]},
        "ProvisioningService": {"authorities": [authority]},
        "TrustedDevice": {"hub": hub, "authority": authority, "makeKey": True},
        "TrustedFleet": {"hub": hub, "authority": authority},
        "TrustedHub": {"authorities": [authority]},
        "TrustedModule": {"device": device, "makeKey": True},
    }


@pytest.mark.parametrize("kind", COMPONENTS)
def test_a_wrong_form_is_one_line(run: Run, valid: dict[str, dict[str, Any]], kind: str) -> None:
    """No argument's wrong form is taken for a fault of this package, and none hangs."""
    beside = {"another component": valid["TrustedModule"]["device"], "components": [valid["TrustedModule"]["device"]]}
    faults = []
    for argument in component_arguments(component_of(f"hubtrust:index:{kind}")):
        for form, value in {**_WRONG, **beside}.items():
            try:
                run.construct(kind, f"{argument.wire} {form}".replace(" ", "-"), {**valid[kind], argument.wire: value})
            except grpc.RpcError as refused:
                line = str(refused.details())
                hangs = refused.code() is grpc.StatusCode.DEADLINE_EXCEEDED
                if hangs or "fault of hubtrust" in line or "\n" in line or "Output object" in line:
                    faults.append(f"{argument.wire}, {form}: {line}")
    assert faults == []
