"""Validates the tls provider's only configuration, a proxy. No resource here uses the network."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from sandbox.plugins.property_values import Unknown, plain

SCHEMES = ("http", "https", "socks5")


def proxy_faults(configured: Any) -> list[str]:
    """What is wrong with the configured `proxy`: an object, or the JSON text of one, which SDKs send."""
    proxy = plain(configured)
    if proxy is None or isinstance(proxy, Unknown):
        return []
    if isinstance(proxy, str):
        try:
            proxy = json.loads(proxy)
        except ValueError:
            return ["could not validate provider configuration: proxy is not a JSON object. Check `pulumi config get tls:proxy`."]
    if not isinstance(proxy, dict):
        return ["could not validate provider configuration: proxy is not an object. Check `pulumi config get tls:proxy`."]
    return [f"could not validate provider configuration: {fault}. Check `pulumi config get tls:proxy`." for fault in _faults(proxy)]


def _faults(proxy: dict[str, Any]) -> list[str]:
    faults = []
    url = proxy.get("url")
    if isinstance(url, str) and urlsplit(url).scheme not in SCHEMES:
        faults.append(f'Invalid URL scheme: "{url}" must have one of the schemes {", ".join(SCHEMES)}')
    if proxy.get("username") is not None and url is None:
        faults.append('Invalid Attribute Combination: "username" needs "url"')
    if proxy.get("password") is not None and proxy.get("username") is None:
        faults.append('Invalid Attribute Combination: "password" needs "username"')
    if proxy.get("fromEnv") is not None and any(proxy.get(key) is not None for key in ("url", "username", "password")):
        faults.append('Invalid Attribute Combination: "fromEnv" goes with no other setting of the proxy')
    return faults
