"""Access to a hub's endpoint: by a shared access signature, or by an Entra token with a data-plane role."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from local_azure_iot.hub_registry import errors
from local_azure_iot.login.tokens import TokenError
from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.resource_manager import access as roles

if TYPE_CHECKING:
    from local_azure_iot.host_names import AzureCloud
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.login.tokens import Caller
    from local_azure_iot.store import Document

_SCHEME = "sharedaccesssignature"
# Tools write it behind the resource: `sr={host}%2Fdevices%2F{device}%2Fapi-version%3D2016-11-14`, as in
# https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub, "Using the Azure IoT Hub extension for Visual Studio Code".
_VERSION = re.compile(r"/?\??api-version=[^/]*$", re.IGNORECASE)
_EXPIRY = re.compile(r"[0-9]{1,15}")


class SignatureError(ValueError):
    """An invalid shared access signature; the message says why, for the control port's log."""


@dataclass(frozen=True)
class Signature:
    """The parts of a shared access signature `SharedAccessSignature sr=…&sig=…&se=…[&skn=…]`."""

    resource: str  # as sent, percent-encoded: that is what was signed
    signature: str
    expiry: str
    policy: str  # empty: signed by a device's own key

    def check(self, keys: tuple[str | None, ...], resource: str, now: float) -> None:
        """Check it against the keys that may have signed it and the resource that it must cover (`host` or `host/devices/id`).

        Raises:
            SignatureError: The signature covers another resource, has expired, or was not created with one of the keys.
        """
        if not _covers(unquote(self.resource), resource) and not _covers(unquote(unquote(self.resource)), resource):
            raise SignatureError(f"the signature covers '{unquote(self.resource)}', not '{resource}'")
        if not _EXPIRY.fullmatch(self.expiry):
            raise SignatureError(f"the signature's end is no time in seconds since 1970: se={self.expiry[:50]}")
        if int(self.expiry) <= now:
            raise SignatureError(f"the signature has expired: se={self.expiry}, and it is {int(now)}")
        sent = self.signature.encode("utf-8", "replace")
        if not any(key and hmac.compare_digest(_sign(key, f"{self.resource}\n{self.expiry}"), sent) for key in keys):
            raise SignatureError("the signature was not made with a valid key")


def _covers(covered: str, resource: str) -> bool:
    """Whether a signature for a resource, or for what is above it, covers another one.

    Clients encode ids twice that have other characters than letters and digits (github.com/Azure/iotedge/pull/759), or once.
    """
    covered, asked = without_version(covered.lower()).rstrip("/"), resource.lower()
    return asked == covered or asked.startswith(f"{covered}/")


def read_signature(text: str) -> Signature:
    """Read a signature from a header or an MQTT password.

    Raises:
        SignatureError: The text is not a shared access signature.
    """
    scheme, _, rest = text.strip().partition(" ")
    fields = dict(part.partition("=")[::2] for part in rest.strip().split("&"))
    if scheme.lower() != _SCHEME or not {"sr", "sig", "se"} <= fields.keys():
        raise SignatureError("not a shared access signature: it needs sr, sig and se")
    return Signature(fields["sr"], unquote(fields["sig"]), fields["se"], unquote(fields.get("skn", "")))


def without_version(resource: str) -> str:
    """A resource, not percent-encoded, without the api-version that some tools write behind it."""
    return _VERSION.sub("", resource)


def _sign(key: str, text: str) -> bytes:
    try:
        secret = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return base64.b64encode(hmac.new(secret, text.encode(), hashlib.sha256).digest())


def accepts_signatures(hub: Document) -> bool:
    """Whether the hub accepts shared access signatures (`disableLocalAuth` is not set)."""
    return hub["properties"].get("disableLocalAuth") is not True


def policy_rights(hub: Document, name: str) -> tuple[set[str], tuple[str, str]] | None:
    """The rights and both keys of a policy, or None."""
    for policy in hub["policies"]:
        if policy["keyName"].lower() == name.lower():
            rights = {right.strip() for right in policy["rights"].split(",")}
            if "RegistryWrite" in rights:
                rights.add("RegistryRead")
            return rights, (policy["primaryKey"], policy["secondaryKey"])
    return None


def require(azure: Azure, cloud: AzureCloud, hub: Document, authorization: str | None, *, right: str, action: str, path: str = "") -> None:
    """Check that the sender of a request for a ``path`` of a hub may send it: its policy must have `right`, or its role `action`.

    Raises:
        RegistryError: The token or signature is missing or invalid, or lacks the right: 401 for each, as hubs answer.
    """
    client = identify(azure, cloud, hub, authorization, path)
    if isinstance(client, frozenset):
        if right not in client:
            raise errors.unauthorized()
    elif azure.settings.role_checks and not roles.allowed(azure, client, action, lifecycle.identifier(hub, lifecycle.HUB), data=True):
        raise errors.unauthorized()


def identify(azure: Azure, cloud: AzureCloud, hub: Document, authorization: str | None, path: str = "") -> frozenset[str] | Caller:
    """Who sends a request for a ``path`` of a hub: the rights of the policy that signed it, or the caller of an Entra token.

    A signature may be for a part of the hub alone, such as `{host}/devices`
    (https://learn.microsoft.com/azure/iot-hub/authenticate-authorize-sas, "Use security tokens from service components").

    Raises:
        RegistryError: The token or signature is missing or invalid.
    """
    if not authorization:
        raise errors.unauthorized()
    if not authorization.lower().startswith("bearer "):
        return _rights_of_signature(azure, hub, authorization, path)
    scope = cloud.iot_hubs_scope
    try:
        return azure.tokens.caller(authorization, (scope, f"{scope}/"))
    except TokenError as error:
        raise errors.unauthorized() from error


def _rights_of_signature(azure: Azure, hub: Document, authorization: str, path: str) -> frozenset[str]:
    if not accepts_signatures(hub):
        raise errors.unauthorized()
    try:
        signature = read_signature(authorization)
        policy = policy_rights(hub, signature.policy)
        if policy is None:
            raise errors.unauthorized()
        rights, keys = policy
        signature.check(keys, f"{hub['hostName']}{path}", azure.clock.timestamp())
    except SignatureError as error:
        raise errors.unauthorized() from error
    return frozenset(rights)
