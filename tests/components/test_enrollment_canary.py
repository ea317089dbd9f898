"""The canary that enrols: what its check is given, what it comes after, and what is refused."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from hubtrust.authority import CertificateAuthority, Generate
from hubtrust.enrollment_canary import EnrollmentCanary, EnrollmentCanaryError
from hubtrust.hub import TrustedHub
from hubtrust.hub_args import HubArgs
from hubtrust.provisioning_service import ProvisioningService
from tests.kit.remembering_engine import HUB, SERVICE, Engine

CHECK = "pulumi-python:dynamic/hubtrust:ConnectionCheck"
_Program = Callable[[ProvisioningService, TrustedHub, CertificateAuthority], Any]


def run(program: _Program, **hub: Any) -> None:
    """Run a program that has a service, a hub and a CA that is proven at the service alone."""

    @pulumi.runtime.test
    def whole() -> None:
        authority = CertificateAuthority("plant", source=Generate(common_name="Plant"))
        linked = TrustedHub("plant", authorities=[], **{"hub": HubArgs(disable_local_auth=False), **hub})
        service = ProvisioningService("plant", authorities=[authority], hubs=[linked])
        program(service, linked, authority)

    whole()


@pytest.mark.parametrize("check", [None, True, False])
def test_a_device_without_an_entry_is_checked_after_its_enrollments(engine: Engine, check: bool | None) -> None:
    """It comes by the service to the hub, with the CA that is proven at the service; an entry is declared for it nowhere."""

    def program(service: ProvisioningService, hub: TrustedHub, authority: CertificateAuthority) -> None:
        enrollment = service.certificates["plant"][0]  # any resource with an etag
        EnrollmentCanary(
            "new", service=service, hubs=[hub], authority=authority, device_id="press-101", enrollments=[enrollment], check=check
        )

    run(program)
    given, sent = engine.inputs(CHECK, "new"), engine.request(CHECK, "new")
    assert (given["deviceId"], given["serviceId"], given["hubId"]) == ("press-101", SERVICE, HUB)
    assert (given["idScope"], given["deviceHost"]) == ("0ne00CAF894", "global.azure-devices-provisioning.net")
    assert given["assignedHubs"] == ["hub-7.azure-devices.net"]
    assert [one["verified"] for one in given["trust"]] == [True]
    assert (given["enabled"], given["device"]) == (check is not False, "E1")
    assert sent.parent.endswith("hubtrust:index:EnrollmentCanary::new")
    assert any("VerifiedCertificate" in urn for urn in sent.dependencies)
    assert not {kind for kind in engine.registered if kind.endswith((":DeviceIdentity", ":DeviceFleet"))}


def test_a_private_hub_is_not_connected_to(engine: Engine) -> None:
    """Unless the program says so: the check says why."""

    def program(service: ProvisioningService, hub: TrustedHub, authority: CertificateAuthority) -> None:
        hub.public_network_access = pulumi.Output.from_input("Disabled")
        for name, check in (("a", None), ("b", True)):
            EnrollmentCanary(name, service=service, hubs=[hub], authority=authority, device_id=f"press-{name}", check=check)

    run(program)
    assert "public network access is disabled" in engine.inputs(CHECK, "a")["skip"]
    assert engine.inputs(CHECK, "b").get("skip") is None


def test_a_revoked_group_admits_nobody(engine: Engine) -> None:
    """So nothing is checked, and the run that revokes does not fail; one enabled group is enough."""

    def program(service: ProvisioningService, hub: TrustedHub, authority: CertificateAuthority) -> None:
        enabled, disabled = _Enrollment("enabled"), _Enrollment("disabled")
        for name, enrollments in (("a", [disabled, disabled]), ("b", [disabled, enabled])):
            given: dict[str, Any] = {"device_id": f"press-{name}", "enrollments": enrollments, "check": True}
            EnrollmentCanary(name, service=service, hubs=[hub], authority=authority, **given)

    run(program)
    assert engine.inputs(CHECK, "a")["skip"] == "every enrollment by which it could enrol is disabled"
    assert engine.inputs(CHECK, "b").get("skip") is None


class _Enrollment(pulumi.ComponentResource):
    """As much of an enrollment as is asked for."""

    def __init__(self, status: str) -> None:
        super().__init__("test:index:Enrollment", status)
        self.status = pulumi.Output.from_input(status)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"service": SERVICE}, "canary 'new': its service is a text; give a ProvisioningService"),
    ({"authority": "plant"}, "its authority is a text; give a CertificateAuthority"),
    ({"hubs": []}, "its hubs are a list; give a list of at least one TrustedHub"),
    ({"hubs": [HUB]}, "its hubs are a list; give a list of at least one TrustedHub"),
    ({"enrollments": ["presses"]}, "its enrollments are a list; give a list of EnrollmentGroup"),
    ({"check": "no"}, "check of canary 'new': it is a text; use True or False"),
    ({"device_id": "press 1"}, "device 'press 1': its id has the character ' '"),
    ({"device_id": "x" * 65}, "can't be the registration id of a device that enrols; use at most 64"),
    ({"hubs": pulumi.Output.from_input([])}, "hubs of canary 'new': it is an Output"),
]


@pytest.mark.usefixtures("engine")
def test_what_is_wrong_is_one_line() -> None:
    """Before anything of the component is declared."""

    def program(service: ProvisioningService, hub: TrustedHub, authority: CertificateAuthority) -> None:
        good: dict[str, Any] = {"service": service, "hubs": [hub], "authority": authority, "device_id": "press-101"}
        for wrong, message in WRONG:
            with pytest.raises(EnrollmentCanaryError, match=message) as raised:
                EnrollmentCanary("new", **{**good, **wrong})
            assert "\n" not in str(raised.value)
        other = CertificateAuthority("other", source=Generate(common_name="Other"))
        with pytest.raises(EnrollmentCanaryError, match="the authority 'other' is not proven at its service, so none of its devices could"):
            EnrollmentCanary("new", **{**good, "authority": other})

    run(program)
