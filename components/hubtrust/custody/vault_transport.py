"""The transport of azure-keyvault-keys: with limits, and only a vault's own answers pass. Loaded with the first key in a vault."""

import re
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import ServiceResponseError

from hubtrust.azure.addresses import address_parts
from hubtrust.azure.json_body import ForeignAnswerError, content
from hubtrust.azure.transport import LimitedTransport

_FIRST_FAILURE, _UNAUTHORIZED = 300, 401
_BASE64 = re.compile(r"[A-Za-z0-9_-]+=*")
_NUMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}  # members of a JSON web key (RFC 7518 6)


class VaultTransport(LimitedTransport):
    """Sends requests to one vault."""

    def send(self, request: Any, **options: Any) -> Any:
        """Send, and read the answer.

        Raises:
            CoreError: there is no answer, or it is not the vault's.
        """
        response = super().send(request, **options)
        try:
            fault = _fault(content(response), response.status_code, urlsplit(request.url).path)
        except ForeignAnswerError as error:
            raise ServiceResponseError(str(error)) from None
        if fault is not None:
            raise ServiceResponseError(f"the answer is not Key Vault's ({fault})")
        return response


def _fault(body: Any, status: int, path: str) -> str | None:
    """What is wrong with the answer to a request for ``path``: `/keys/<name>`, with a version, `create` or `sign` after it.

    A deleted key is at `/deletedkeys/<name>`; its `kid` is that of the key.
    """
    if status == _UNAUTHORIZED:
        return None  # the challenge is in a header
    if not isinstance(body, dict):
        return "it is empty" if body is None else "it is JSON, but not an object"
    if status >= _FIRST_FAILURE:
        return None if isinstance(body.get("error"), dict) else f"status {status} without one of its error messages"
    key = body.get("key")
    address = body.get("kid") if path.endswith("/sign") else key.get("kid") if isinstance(key, dict) else None
    named = address_parts(address) if isinstance(address, str) else None
    if named is None or _name(named.path) != _name(path):
        return "it is another key"
    if path.endswith("/sign"):
        return None if _is_base64(body.get("value")) else "it has no signature"
    kind = str(key.get("kty")).removesuffix("-HSM") if isinstance(key, dict) else ""
    members = [key.get(name) for name in _NUMBERS.get(kind, ())] if isinstance(key, dict) else []
    return None if all(isinstance(one, str) and one for one in members) else "it has no public key"


def _name(path: str) -> list[str]:
    return path.lower().strip("/").removeprefix("deleted").split("/")[:2]


def _is_base64(value: object) -> bool:
    return isinstance(value, str) and _BASE64.fullmatch(value) is not None
