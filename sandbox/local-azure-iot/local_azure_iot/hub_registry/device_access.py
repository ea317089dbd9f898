"""Whether a device or module may use a hub, whichever protocol it speaks: by its signature, or by its certificates.

Both are checked against the registry and the hub's certificates of this moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from local_azure_iot.hub_registry import access, identities, modules
from local_azure_iot.judge import connection_check, upload
from local_azure_iot.messaging.addresses import address
from local_azure_iot.microsoft_devices import lifecycle

if TYPE_CHECKING:
    from OpenSSL import crypto

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

REFUSED = "device-refused"  # what `tell_refusal` tells


class DeviceRefusedError(Exception):
    """A device may not use the hub. The message is the reason, for the control port: Azure tells a device nothing.

    ``own_words``: the reason is in what the device says of itself, so that no change of the hub lets it in.
    """

    def __init__(self, reason: str, *, own_words: bool = False) -> None:
        super().__init__(reason)
        self.own_words = own_words


@dataclass(frozen=True)
class AdmittedIdentity:
    """A device or module that may use its hub."""

    host: str  # of the hub
    hub_key: str
    device: str
    module: str  # empty: the device itself
    generation: str  # differs for an identity that is created again with the same id
    method: str  # how it authenticated: `sas`, `selfSigned` or `certificateAuthority`
    expires: float | None = None  # seconds since 1970: the end of its token

    def authentication(self) -> str:
        """How it authenticated, as events have it: `iothub-connection-auth-method`."""
        scope = "module" if self.module else "device"
        kind, issuer = ("sas", "iothub") if self.method == "sas" else ("x509", "external")
        return f'{{"scope":"{scope}","type":"{kind}","issuer":"{issuer}","acceptingIpFilterRule":null}}'

    @property
    def store_key(self) -> str:
        """Its key in the store, and its address for messages."""
        return address(self.hub_key, self.device, self.module)

    @property
    def device_key(self) -> str:
        """The key of a module's device; empty for a device."""
        return address(self.hub_key, self.device) if self.module else ""


def admit(
    azure: Azure, hub_key: str, hub: Document, device_id: str, module_id: str, *, chain: list[crypto.X509], signature: str
) -> AdmittedIdentity:
    """Decide on a device, or on its module unless ``module_id`` is empty.

    ``chain`` has the certificates that it sent in TLS, its own first; ``signature`` is a shared access signature, or empty.

    Raises:
        DeviceRefusedError: It may not use the hub.
    """
    device = identities.find(azure, hub_key, device_id)
    if device is None:
        raise DeviceRefusedError(f"no device '{device_id}' is registered on this hub")
    if device["status"] != "enabled":
        raise DeviceRefusedError(f"device '{device_id}' is disabled{': ' + device['reason'] if device['reason'] else ''}")
    found, name = device, f"device '{device_id}'"
    if module_id:
        module = modules.find(azure, hub_key, device_id, module_id)
        if module is None:
            raise DeviceRefusedError(f"no module '{module_id}' is registered on device '{device_id}'")
        found, name = module, f"module '{module_id}' of device '{device_id}'"
    kind, expires = found["auth"]["type"], None
    if kind == "none":
        raise DeviceRefusedError(f"{name} has no credentials (authentication none)")
    if kind == "sas":
        path = f"devices/{device_id}/modules/{module_id}" if module_id else f"devices/{device_id}"
        expires = _by_signature(azure, hub, found["auth"], name, path, signature)
    elif signature:
        raise DeviceRefusedError(f"a password was sent, and {name} connects by certificate ({kind})", own_words=True)
    else:
        _by_certificate(azure, hub_key, found["auth"], f"{device_id}/{module_id}" if module_id else device_id, chain)
    return AdmittedIdentity(hub["hostName"], hub_key, device_id, module_id, found["generation"], kind, expires)


def revocation(azure: Azure, admitted: AdmittedIdentity) -> str | None:
    """Why one that was admitted may not stay connected, or None. Its credentials are not checked again."""
    device = identities.find(azure, admitted.hub_key, admitted.device) if lifecycle.find(azure, admitted.hub_key, lifecycle.HUB) else None
    if device is None:
        return "the device was deleted"
    if device["status"] != "enabled":
        return "the device was disabled"
    if not admitted.module:
        return None if device["generation"] == admitted.generation else "the device was deleted"
    module = modules.find(azure, admitted.hub_key, admitted.device, admitted.module)
    return None if module and module["generation"] == admitted.generation else "the module was deleted"


def tell_refusal(azure: Azure, host: str, chain: list[crypto.X509], client: str, device: str, refused: DeviceRefusedError) -> None:
    """Tell the control port's log of a device or module (`device/module`) that was refused by a protocol without sessions."""
    azure.listeners.tell(REFUSED, "", host, chain, client, device, refused)


def _by_certificate(azure: Azure, hub_key: str, auth: Document, common_name: str, chain: list[crypto.X509]) -> None:
    now = azure.clock.now()
    if auth["type"] == "selfSigned":
        refusal = connection_check.thumbprint_refusal(chain, auth["thumbprints"], now)
    else:
        refusal = connection_check.chain_refusal(chain, anchors(azure, hub_key), common_name, now, strict=azure.settings.strict)
    if refusal:
        raise DeviceRefusedError(str(refusal))


def anchors(azure: Azure, hub_key: str) -> tuple[bytes, ...]:
    """The certificates that are verified on the hub right now."""
    certificates = azure.store.list(lifecycle.CERTIFICATE, f"{hub_key}/")
    return tuple(_der(certificate["text"]) for certificate in certificates if certificate["verified"])


@lru_cache(maxsize=256)
def _der(text: str) -> bytes:
    return upload.read(text).certificate.encoded


def _by_signature(azure: Azure, hub: Document, auth: Document, name: str, path: str, text: str) -> float:
    if not access.accepts_signatures(hub) or hub["properties"].get("disableDeviceSAS") is True:
        raise DeviceRefusedError("this hub takes no shared access signatures from devices (disableLocalAuth or disableDeviceSAS)")
    try:
        signature = access.read_signature(text)
        keys: tuple[str | None, ...] = tuple(auth["keys"])
        if signature.policy:
            policy = access.policy_rights(hub, signature.policy)
            if policy is None or "DeviceConnect" not in policy[0]:
                raise DeviceRefusedError(f"the policy '{signature.policy}' does not exist or lacks DeviceConnect")
            keys = policy[1]
        signature.check(keys, f"{hub['hostName']}/{path}", azure.clock.timestamp())
    except access.SignatureError as error:
        raise DeviceRefusedError(f"{name} connects by key, and its password is invalid: {error}") from error
    return float(signature.expiry)
