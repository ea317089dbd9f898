"""The rule `enrollment-attestation` on whole fleets, in the form in which the components pack them."""

import base64
import json
import zlib
from typing import Any

import pytest

from hubtrust.enrollments.fleet_files import enrollments_from_list
from policies.rules.resource import UNKNOWN, NotKnownYetError, Resource
from tests.kit.device_certificates import Party
from tests.policies.judging import before

FLEET = "pulumi-python:dynamic/hubtrust:EnrollmentFleetEntries"
PRESS = Party("press-1", authority=False)
PACKED = enrollments_from_list([{"registrationId": "press-1", "certificate": PRESS.pem}]).pack()


def packed(certificates: Any, version: str = "c1") -> str:
    """A fleet of a version to come, which can have enrollments without certificates."""
    head = json.dumps({"ids": "", "steps": 0, "certificates": certificates}).encode()
    return f"{version}.{base64.b64encode(zlib.compress(head)).decode()}"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (PACKED, None),
        (enrollments_from_list([]).pack(), None),
        (packed([[500], [500, 480]]), None),
        (packed([[500], [], [0]]), "2 of the fleet's enrollments have no certificate"),
        (packed([[500]], "c2"), "'members' can't be read"),
        (packed("many"), "'members' can't be read"),
        ("c1.abc", "'members' can't be read"),
        ("", "'members' can't be read"),
    ],
)
def test_a_fleet_enrols_by_certificates_alone(members: str, message: str | None) -> None:
    """What can't be read is not passed."""
    found = before("enrollment-attestation", Resource(FLEET, {"members": members}))
    assert len(found) == (message is not None)
    assert all(str(message) in each for each in found)


def test_a_fleet_that_is_not_known_yet_is_judged_later() -> None:
    """In a preview."""
    with pytest.raises(NotKnownYetError):
        before("enrollment-attestation", Resource(FLEET, {"members": UNKNOWN}))
