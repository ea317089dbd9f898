"""Resources with the type tokens that the rules check; their provider returns the inputs as outputs, and those of the input `outs`."""

from typing import Any

from pulumi.dynamic import CreateResult, Resource, ResourceProvider, UpdateResult


class AsDeclared(ResourceProvider):
    """Creates anything."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Return the inputs as outputs."""
        return CreateResult("made", _outputs(props))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """As ``create``."""
        return UpdateResult(_outputs(news))


def _outputs(props: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in props.items() if name != "__provider"} | props.get("outs", {})


class VerifiedCertificate(Resource, module="hubtrust", name="VerifiedCertificate"):
    """A CA for a hub to trust."""


class IssuedCertificate(Resource, module="hubtrust", name="IssuedCertificate"):
    """A certificate to issue."""


class DeviceIdentity(Resource, module="hubtrust", name="DeviceIdentity"):
    """A device."""


class EnrollmentGroupEntry(Resource, module="hubtrust", name="EnrollmentGroupEntry"):
    """A group of devices that may enrol."""


class Note(Resource, module="elsewhere", name="Note"):
    """A resource unrelated to trust."""
