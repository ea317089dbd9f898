"""What the client of a connection has proven, by SASL or by tokens that it put to $cbs, and which links that allows.

Tokens are kept as they came and checked at each use, so that a key that was replaced, a role that was taken away and a time that is over
count at once. https://learn.microsoft.com/azure/iot-hub/iot-hub-amqp-support;
https://docs.oasis-open.org/amqp/amqp-cbs/v1.0/amqp-cbs-v1.0.html.
"""

from __future__ import annotations

import base64
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

import jwt

from local_azure_iot import host_names
from local_azure_iot.amqp.link_errors import NOT_FOUND, UNAUTHORIZED, LinkError
from local_azure_iot.host_names import Endpoint
from local_azure_iot.hub_registry import access, device_access
from local_azure_iot.hub_registry.errors import RegistryError
from local_azure_iot.login.tokens import TokenError
from local_azure_iot.microsoft_devices import lifecycle, network_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.amqp.sasl import Credentials
    from local_azure_iot.hub_registry.device_access import AdmittedIdentity
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document
    from local_azure_iot.tls_transport import Peer

RIGHT = "ServiceConnect"
_IDENTITY = re.compile(r"/devices/([^/]+)(?:/modules/([^/]+))?/?", re.IGNORECASE)
_MOST_TOKENS = 1000  # of one connection; a gateway puts one for each of its devices


@dataclass
class Claims:
    """The tokens of one connection to a hub, or to its event-hub-compatible endpoint, by the audience that they were put for."""

    azure: Azure
    peer: Peer
    hub_key: str
    cloud: host_names.AzureCloud
    event_hub: bool
    log: Callable[..., None]  # for the control port: a device, and why it was refused (`LogAttempt` without the client)
    tokens: dict[str, str] = field(default_factory=dict)
    plain: Credentials | None = None  # user and password of SASL PLAIN

    def require_hub(self) -> Document:
        """The hub, which must exist and take this client's address.

        Raises:
            LinkError: It does not.
        """
        hub = lifecycle.find(self.azure, self.hub_key, lifecycle.HUB)
        if hub is None or lifecycle.state(hub)[0] == "Activating":
            raise LinkError(NOT_FOUND, "the hub was deleted")
        refusal = network_rules.refusal(
            hub["properties"], self.azure.settings.client_address or self.peer.address, event_hub=self.event_hub
        )
        if refusal:
            self.log("", f"the hub's network settings refuse this client: {refusal}")  # the rule is for the control port alone
            raise LinkError(UNAUTHORIZED, f"Unauthorized access to '{hub['hostName']}'")
        return hub

    def put(self, audience: str, token: str, kind: str) -> float | None:
        """Take a token, which must be valid for something. Returns when it ends, in seconds since 1970.

        Raises:
            LinkError: It is not valid, or there are too many.
        """
        if kind != "servicebus.windows.net:sastoken" and not _is_bearer(token):
            token = f"Bearer {token}"
        self._check_any(token, audience)
        if audience not in self.tokens and len(self.tokens) >= _MOST_TOKENS:
            raise LinkError(UNAUTHORIZED, f"this connection has {_MOST_TOKENS} tokens already")
        self.tokens[audience] = token
        return _end(token)

    def accepts(self, credentials: Credentials) -> bool:
        """Whether user and password of SASL PLAIN are right: `{policy}@sas.root.{hub}` and a token, or a policy and its key."""
        if self.event_hub:
            policy = access.policy_rights(self.require_hub(), credentials.user)
            known = policy is not None and RIGHT in policy[0] and credentials.password in policy[1]
            self.plain = credentials if known else None
            return known
        user, _, scope = credentials.user.rpartition("@sas.")
        root, _, name = scope.rpartition(".")
        hub = self.require_hub()
        if not user or name.lower() != hub["name"].lower() or root not in {"root", ""}:
            return False
        audience = hub["hostName"] if root else f"{hub['hostName']}/devices/{user}"
        with suppress(LinkError):
            self.put(audience, credentials.password, "servicebus.windows.net:sastoken")
            return True
        return False

    def require_service(self, action: str, path: str = "") -> None:
        """Check that the client may use a link of the service's side: a policy with ServiceConnect, or a role with the data ``action``.

        ``path`` is what the link reads or writes, for signatures of a part of the hub alone; it begins with a slash.

        Raises:
            LinkError: It may not.
        """
        hub = self.require_hub()
        if self.event_hub:
            self._require_event_hub(hub, path)
            return
        for token in self.tokens.values():
            with suppress(RegistryError):
                access.require(self.azure, self.cloud, hub, token, right=RIGHT, action=action, path=path)
                return
        raise LinkError(UNAUTHORIZED, f"Unauthorized access: no valid token of this connection has {RIGHT} on '{hub['hostName']}'")

    def _require_event_hub(self, hub: Document, path: str) -> None:
        if self.plain and self.accepts(self.plain):
            return
        resource = resource_of(f"{host_names.event_hub(hub['cloud'], hub['namespace'])}/{path.strip('/')}")
        if any(self._signed_by_policy(hub, token, resource) for token in self.tokens.values()):
            return
        raise LinkError(UNAUTHORIZED, f"Unauthorized access. 'Listen' claim(s) are required to perform this operation on '{resource}'")

    def require_device(self, device: str, module: str) -> AdmittedIdentity:
        """Check that the client is this device, or this module of it: by its token, or by its certificate where it has put none.

        Raises:
            LinkError: It is not. The reason is for the control port alone, as with other protocols.
        """
        hub = self.require_hub()
        path = f"{hub['hostName']}/devices/{device}/modules/{module}" if module else f"{hub['hostName']}/devices/{device}"
        token = next((text for audience, text in reversed(self.tokens.items()) if _covers(audience, path)), "")
        try:
            return device_access.admit(
                self.azure, self.hub_key, hub, device, module, chain=self.peer.chain, signature="" if _is_bearer(token) else token
            )
        except device_access.DeviceRefusedError as refused:
            self.log(f"{device}/{module}" if module else device, str(refused), own_words=refused.own_words)
            raise LinkError(UNAUTHORIZED, f"Unauthorized access to '{path}'") from refused

    def _check_any(self, token: str, audience: str) -> None:
        resource = resource_of(audience)
        hub = self.require_hub()
        if _is_bearer(token):
            if self.event_hub:  # "built-in endpoint": shared access policies are the documented way in, and no role's action reads events
                raise LinkError(UNAUTHORIZED, "the event-hub-compatible endpoint of a hub takes shared access signatures, no other token")
            scope = self.cloud.iot_hubs_scope
            try:
                self.azure.tokens.caller(token, (scope, f"{scope}/"))
            except TokenError as error:
                raise LinkError(UNAUTHORIZED, f"the token is not valid: {error}") from error
            return
        found = None if self.event_hub else _IDENTITY.fullmatch(_uri(audience).path)
        if found:
            try:
                ids = unquote(found[1]), unquote(found[2] or "")
                device_access.admit(self.azure, self.hub_key, hub, *ids, chain=[], signature=token)
            except device_access.DeviceRefusedError as refused:
                self.log("/".join(each for each in ids if each), str(refused), own_words=refused.own_words)
                raise LinkError(UNAUTHORIZED, f"the shared access signature is not valid for '{resource}'") from refused
            return
        if not self._signed_by_policy(hub, token, resource):
            raise LinkError(UNAUTHORIZED, f"the shared access signature is not valid for '{resource}'")

    def _signed_by_policy(self, hub: Document, token: str, resource: str) -> bool:
        """Whether a policy signed it. For event hubs clients sign with the key's text, for hubs with the octets that it is base64 of."""
        if not access.accepts_signatures(hub):
            return False
        with suppress(access.SignatureError):
            signature = access.read_signature(token)
            policy = access.policy_rights(hub, signature.policy)
            if policy is None or (self.event_hub and RIGHT not in policy[0]):
                return False
            signed = unquote(signature.resource)
            keys = tuple(base64.b64encode(key.encode()).decode() for key in policy[1]) if self.event_hub else policy[1]
            signature.check(keys, signed.rstrip("/"), self.azure.clock.timestamp())
            covered = resource_of(signed)
            return resource == covered or resource.startswith(f"{covered}/")
        return False


def resource_of(uri: str) -> str:
    """The resource of an audience or an `sr`, which may be a whole URI: the host without its port, and the path; in lower case."""
    parts = _uri(uri)
    return f"{parts.hostname or ''}{parts.path}".lower().rstrip("/")


def _uri(text: str) -> SplitResult:
    """An audience: a URI, or one without its scheme; some clients percent-encode all of it."""
    text = access.without_version(unquote(text) if "/" not in text else text)
    return urlsplit(text if "://" in text else f"//{text}")


def _covers(audience: str, path: str) -> bool:
    covered, asked = resource_of(audience), path.lower()
    return asked == covered or asked.startswith(f"{covered}/")


def _is_bearer(token: str) -> bool:
    return token.lower().startswith("bearer ")


def _end(token: str) -> float | None:
    if _is_bearer(token):
        with suppress(jwt.PyJWTError, KeyError, ValueError):
            return float(jwt.decode(token[7:], options={"verify_signature": False})["exp"])
        return None
    return float(access.read_signature(token).expiry)


def find_hub(azure: Azure, host: str) -> tuple[str, host_names.AzureCloud, bool] | None:
    """The key of the hub that a host name leads to, its cloud, and whether the name is that of its event-hub-compatible endpoint."""
    destination = host_names.destination(host)
    if destination is None:
        return None
    if destination.endpoint is Endpoint.HUB:
        found = lifecycle.find_by_name(azure, destination.cloud.name, lifecycle.HUB, destination.name)
        return (found[0], destination.cloud, False) if found else None
    if destination.endpoint is Endpoint.EVENT_HUB:
        for hub in azure.store.list(lifecycle.HUB.document):
            if hub["cloud"] == destination.cloud.name and hub["namespace"].lower() == destination.name:
                found = lifecycle.find_by_name(azure, hub["cloud"], lifecycle.HUB, hub["name"])
                return (found[0], destination.cloud, True) if found else None
    return None
