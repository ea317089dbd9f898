"""A device without a client library that speaks HTTPS, in this process or through the proxy."""

from tests.kit.hub_client import signature

VERSION = "2021-04-12"


def device_signature(host: str, path: str, key: str, *, seconds: int = 300, now: float | None = None, policy: str = "") -> str:
    """A shared access signature for a part of a hub, such as `devices/press-001`, with the key of the device or of a policy."""
    return signature(f"{host}/{path}", policy, key, seconds=seconds, now=now)
