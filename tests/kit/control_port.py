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
    content = {} if body is None and method in {"POST", "PUT", "PATCH"} else body
    return httpx.request(method, url, json=content, headers=authorization(ready), verify=_TRUSTS_NOBODY, trust_env=False, timeout=60)


def control_client(ready: Mapping[str, Any]) -> httpx.Client:
    """A client for many calls."""
    return httpx.Client(base_url=ready["control"], headers=authorization(ready), verify=_TRUSTS_NOBODY, trust_env=False, timeout=60)


def authorization(ready: Mapping[str, Any]) -> dict[str, str]:
    """The header that the control port wants."""
    return {"Authorization": f"Bearer {ready['control_token']}"}
