"""A device without a client library that speaks HTTPS, in this process or through the proxy."""

import base64
import hashlib
import hmac
import time
from urllib.parse import quote

VERSION = "2021-04-12"


def device_signature(host: str, path: str, key: str, *, seconds: int = 300, now: float | None = None, policy: str = "") -> str:
    """A shared access signature for a part of a hub, such as `devices/press-001`, with the key of the device or of a policy."""
    resource, expiry = quote(f"{host}/{path}", safe=""), str(int(time.time() if now is None else now) + seconds)
    digest = hmac.new(base64.b64decode(key), f"{resource}\n{expiry}".encode(), hashlib.sha256).digest()
    name = f"&skn={policy}" if policy else ""
    return f"SharedAccessSignature sr={resource}&sig={quote(base64.b64encode(digest), safe='')}&se={expiry}{name}"
