"""One call to local Azure's control port."""

import ssl
from collections.abc import Mapping
from typing import Any

import httpx

# The control port is plain HTTP. httpx prepares TLS for each call all the same, and reading its public roots takes longer than the call.
_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def control(ready: Mapping[str, Any], method: str, path: str, body: Any = None) -> httpx.Response:
    """Make a call to the control port of the local Azure that has these addresses; it may fail."""
    url = f"{ready['control']}{path}"
    return httpx.request(method, url, json=body, verify=_TRUSTS_NOBODY, trust_env=False, timeout=60)
