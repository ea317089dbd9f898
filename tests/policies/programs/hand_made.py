"""Resources under the tokens that the rules know, with a provider that asks nobody: what is declared is what comes out."""

from typing import Any

from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class AsDeclared(ResourceProvider):
    """Makes anything."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """It is there."""
        return CreateResult("made", {name: value for name, value in props.items() if name != "__provider"})


class VerifiedCertificate(Resource, module="hubtrust", name="VerifiedCertificate"):
    """A CA that a hub is to trust."""


class IssuedCertificate(Resource, module="hubtrust", name="IssuedCertificate"):
    """A certificate that is to be signed."""


class DeviceIdentity(Resource, module="hubtrust", name="DeviceIdentity"):
    """A device."""


class Note(Resource, module="elsewhere", name="Note"):
    """Something that has nothing to do with trust."""
