"""Who may connect: a CONNECT's hub, device and credentials are checked against the registry and the hub's certificates at that moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from local_azure_iot import host_names
from local_azure_iot.hub_registry import access, entries, identities
from local_azure_iot.hub_registry.versions import VERSIONS
from local_azure_iot.judge import connection_check, upload
from local_azure_iot.microsoft_devices import lifecycle, network_rules

if TYPE_CHECKING:
    from OpenSSL import crypto

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.mqtt.packets import Connect
    from local_azure_iot.store import Document

BAD_LEVEL, NOT_AUTHORIZED = 1, 5  # return codes of MQTT 3.1.1, section 3.2.2.3
_MQTT_3_1_1 = 4


class RefusedError(Exception):
    """A refused CONNECT: the return code goes to the client, the reason only to the control port."""

    def __init__(self, reason: str, code: int = NOT_AUTHORIZED) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class Peer:
    """A client as TLS shows it."""

    server_name: str
    chain: list[crypto.X509]
    address: str = "127.0.0.1"


@dataclass(frozen=True)
class AdmittedDevice:
    """A device that was admitted."""

    host: str
    hub_key: str
    device: str
    generation: str  # differs for a device that is created again with the same id
    expires: float | None = None  # seconds since 1970: the end of its token

    @property
    def store_key(self) -> str:
        """The device's key in the store."""
        return entries.store_key(self.hub_key, self.device)


def admit(azure: Azure, connect: Connect, peer: Peer) -> AdmittedDevice:
    """Decide on a CONNECT.

    Raises:
        RefusedError: The device may not connect.
    """
    if connect.level != _MQTT_3_1_1:
        raise RefusedError(f"MQTT protocol level {connect.level}; only 4 (MQTT 3.1.1) is supported", BAD_LEVEL)
    hub_key, hub = _hub(azure, peer.server_name)
    refusal = network_rules.refusal(hub["properties"], azure.settings.client_address or peer.address)
    if refusal:
        raise RefusedError(f"the hub's network settings refuse this client: {refusal}")
    device = _device(connect, hub["hostName"])
    found = identities.find(azure, hub_key, device)
    if found is None:
        raise RefusedError(f"no device '{device}' is registered on this hub")
    if found["status"] != "enabled":
        raise RefusedError(f"device '{device}' is disabled{': ' + found['reason'] if found['reason'] else ''}")
    expires = None
    if found["auth"]["type"] == "sas":
        expires = _by_signature(azure, hub, found, connect.password)
    elif connect.password:
        raise RefusedError(f"a password was sent, and device '{device}' connects by certificate ({found['auth']['type']})")
    else:
        _by_certificate(azure, hub_key, found, peer)
    return AdmittedDevice(hub["hostName"], hub_key, device, found["generation"], expires)


def _hub(azure: Azure, server_name: str) -> tuple[str, Document]:
    destination = host_names.destination(server_name)
    if not server_name or destination is None or destination.endpoint is not host_names.Endpoint.HUB:
        raise RefusedError(f"TLS asked for '{server_name}' (SNI), which is not a hub's name")
    found = lifecycle.find_by_name(azure, destination.cloud.name, lifecycle.HUB, destination.name)
    if found is None or lifecycle.state(found[1])[0] == "Activating":
        raise RefusedError(f"there is no hub '{server_name}'")
    return found


def _device(connect: Connect, host: str) -> str:
    """The device's id out of the user name `{host}/{device}[/?api-version=…]`; the client id must be the same."""
    name, _, rest = connect.username.partition("/")
    device, _, query = rest.partition("/")
    if name.lower() != host.lower() or not device:
        raise RefusedError(f"the user name '{connect.username[:200]}' does not begin with '{host}/' and a device's id")
    if query and not query.startswith(("?", "api-version=")):
        raise RefusedError(f"'{query[:100]}' in the user name: modules can't connect to local Azure")
    version = dict(part.partition("=")[::2] for part in query.lstrip("?").split("&")).get("api-version", "")
    if version and version not in VERSIONS:
        raise RefusedError(f"the api-version '{version}' in the user name is not known")
    if connect.client_id != device:
        raise RefusedError(f"the client id '{connect.client_id[:200]}' is not the device's id '{device}'")
    return device


def _by_certificate(azure: Azure, hub_key: str, found: Document, peer: Peer) -> None:
    now = azure.clock.now()
    if found["auth"]["type"] == "selfSigned":
        refusal = connection_check.thumbprint_refusal(peer.chain, found["auth"]["thumbprints"], now)
    else:
        refusal = connection_check.chain_refusal(peer.chain, _anchors(azure, hub_key), found["id"], now, strict=azure.settings.strict)
    if refusal:
        raise RefusedError(str(refusal))


def _anchors(azure: Azure, hub_key: str) -> tuple[bytes, ...]:
    """The certificates that are verified on the hub right now."""
    certificates = azure.store.list(lifecycle.CERTIFICATE, f"{hub_key}/")
    return tuple(_der(certificate["text"]) for certificate in certificates if certificate["verified"])


@lru_cache(maxsize=256)
def _der(text: str) -> bytes:
    return upload.read(text).certificate.encoded


def _by_signature(azure: Azure, hub: Document, found: Document, password: str) -> float:
    if not access.accepts_signatures(hub) or hub["properties"].get("disableDeviceSAS") is True:
        raise RefusedError("this hub takes no shared access signatures from devices (disableLocalAuth or disableDeviceSAS)")
    try:
        signature = access.read_signature(password)
        keys: tuple[str | None, ...] = tuple(found["auth"]["keys"])
        if signature.policy:
            policy = access.policy_rights(hub, signature.policy)
            if policy is None or "DeviceConnect" not in policy[0]:
                raise RefusedError(f"the policy '{signature.policy}' does not exist or lacks DeviceConnect")
            keys = policy[1]
        signature.check(keys, f"{hub['hostName']}/devices/{found['id']}", azure.clock.timestamp())
    except access.SignatureError as error:
        raise RefusedError(f"device '{found['id']}' connects by key, and its password is invalid: {error}") from error
    return float(signature.expiry)
