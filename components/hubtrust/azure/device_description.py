"""A device in a hub's registry: its description, and its twin as the hub shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

OWNER_TAG: Final = "hubtrust"  # the twin tag that names the resource that manages the device: {stack, urn}

_NEVER = "0001-01-01"  # the day that Azure shows for what never was


@dataclass(frozen=True, slots=True)
class DeviceDescription:
    """What a registry stores of a device besides its id, as declared or as found."""

    enabled: bool = True
    reason: str | None = None  # of its status, at most 128 characters
    edge: bool = False
    thumbprints: tuple[str, ...] = ()  # one or two, upper-case hex, of self-signed certificates; none: authentication by CA
    tags: Mapping[str, Any] = field(default_factory=dict)
    desired: Mapping[str, Any] = field(default_factory=dict)
    parent: str | None = None  # the scope of the IoT Edge device above it; empty: none; None, declared: whatever it has

    @property
    def authentication(self) -> str:
        """Azure's name for its kind of authentication."""
        return "selfSigned" if self.thumbprints else "certificateAuthority"

    @property
    def owner(self) -> object:
        """The value of the owner tag; None if there is none. Anybody can write tags, so it may be of any JSON type."""
        return self.tags.get(OWNER_TAG)


@dataclass(frozen=True, slots=True)
class Twin:
    """A device as the hub shows it."""

    device_id: str
    description: DeviceDescription
    authentication: str  # sas, selfSigned, certificateAuthority or none
    etag: str  # of the tags and desired properties
    device_etag: str  # of the identity
    scopes: Mapping[str, Any] = field(default_factory=dict)  # `deviceScope` and `parentScopes`, those that there are
    was_active: bool = True  # whether it ever connected, as far as is known

    @property
    def depends_on_a_ca(self) -> bool:
        """Whether it may connect, and only with a certificate of a CA that the hub trusts."""
        return self.description.enabled and self.authentication == "certificateAuthority"


def twin_from(body: Mapping[str, Any]) -> Twin:
    """The twin in the wire's JSON."""
    desired = (body.get("properties") or {}).get("desired") or {}
    thumbprints = body.get("x509Thumbprint") or {}
    scopes = {name: body[name] for name in ("deviceScope", "parentScopes") if body.get(name)}
    description = DeviceDescription(
        enabled=body.get("status") != "disabled",
        reason=body.get("statusReason") or None,
        edge=(body.get("capabilities") or {}).get("iotEdge") is True,
        thumbprints=tuple(dict.fromkeys(str(one).upper() for one in thumbprints.values() if one)),
        tags=body.get("tags") or {},
        desired={name: value for name, value in desired.items() if not name.startswith("$")},
        parent=str(next(iter(scopes.get("parentScopes") or ()), "")),
    )
    etags = str(body.get("etag") or ""), str(body.get("deviceEtag") or "")
    active = not str(body.get("lastActivityTime")).startswith(_NEVER)
    return Twin(str(body.get("deviceId") or ""), description, str(body.get("authenticationType") or ""), *etags, scopes, active)
