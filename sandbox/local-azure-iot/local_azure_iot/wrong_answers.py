"""Answers that are not Azure's: what a login page, a broken proxy or a malicious server sends instead.

`WRONG_ANSWERS` is the table of kinds. Each function takes the request, the true answer (None where the fault comes before the effect)
and a number that is one higher each time, and returns a reply.
"""

from __future__ import annotations

import json
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local_azure_iot.host_names import Endpoint
from local_azure_iot.wire import NO_BODY, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable

PORTAL = "/captive-portal"  # the path that `redirect` leads to; the path of the request follows
_DEPTH = 100_000
_PIECE = b" " * (16 * 1024 * 1024)  # of a bomb, before compression
_PIECES = 16  # 256 MiB that fit in 255 KiB
_HTML = "text/html; charset=utf-8"
_LOGIN_PAGE = b"""<!DOCTYPE html>
<html><head><title>Sign in to the network</title></head>
<body><form method="post" action="/login"><input name="user"><input name="password" type="password"><button>Sign in</button></form></body>
</html>
"""


def _html(_request: Request, _true: Reply | None, _number: int) -> Reply:
    return Reply(body=_LOGIN_PAGE, content_type=_HTML)


def _empty(_request: Request, _true: Reply | None, _number: int) -> Reply:
    return Reply(body=NO_BODY)


def _redirect(request: Request, _true: Reply | None, _number: int) -> Reply:
    page = b"<html><body>The document has moved.</body></html>\n"
    return Reply(status=302, body=page, content_type=_HTML, headers={"location": f"{request.base_url}{PORTAL}{quote(request.path)}"})


def _foreign(request: Request, _true: Reply | None, number: int) -> Reply:
    other = _OTHER_RESOURCE.get(request.destination.endpoint, _other_resource)(request)
    kinds = [other, *_OF_ANOTHER_KIND]
    return Reply(body=json.dumps(kinds[number % len(kinds)]).encode())


def _truncated(request: Request, true: Reply | None, _number: int) -> Reply:
    whole = true.encoded() if true is not None else b""
    whole = whole or _foreign(request, None, 0).encoded()
    return Reply(body=whole[: len(whole) // 2])


def _deep(_request: Request, _true: Reply | None, _number: int) -> Reply:
    return Reply(body=b'{"value":' + b"[" * _DEPTH + b"]" * _DEPTH + b"}")


def _bomb(_request: Request, _true: Reply | None, _number: int) -> Reply:
    return Reply(body=_compressed_spaces(), headers={"content-encoding": "gzip"})


@cache
def _compressed_spaces() -> bytes:
    """An empty JSON object after many spaces, as one gzip member. One piece is compressed, and its blocks are repeated."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    piece = compressor.compress(_PIECE) + compressor.flush(zlib.Z_FULL_FLUSH)  # ends at a byte, and refers to nothing before it
    last = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    end = last.compress(b"{}") + last.flush()
    checksum, length = 0, len(_PIECE) * _PIECES + 2
    for _ in range(_PIECES):
        checksum = zlib.crc32(_PIECE, checksum)
    checksum = zlib.crc32(b"{}", checksum)
    return b"\x1f\x8b\x08" + bytes(7) + piece * _PIECES + end + checksum.to_bytes(4, "little") + length.to_bytes(4, "little")


WRONG_ANSWERS: dict[str, Callable[[Request, Reply | None, int], Reply]] = {
    "html": _html,
    "empty": _empty,
    "foreign": _foreign,
    "truncated": _truncated,
    "deep": _deep,
    "redirect": _redirect,
    "bomb": _bomb,
}


def _other_resource(request: Request) -> dict[str, Any]:
    """Another resource of the type that the path names, as Resource Manager shows it."""
    parts = request.path.strip("/").split("/")
    provider = len(parts) - parts[::-1].index("providers") if "providers" in parts else 0  # the index of the namespace
    named = parts[: len(parts) - (len(parts) - provider + (1 if provider else 0)) % 2]  # without a verb such as `verify`
    types = "/".join(["Microsoft.Resources", *named[0::2]] if not provider else [named[provider], *named[provider + 1 :: 2]])
    return {
        "id": "/" + "/".join([*named[:-1], "another"]),
        "name": "another",
        "type": types,
        "location": "westus",
        "etag": "AAAADEfOREIgn=",
        "properties": {
            "provisioningState": "Succeeded",
            "state": "Active",
            "hostName": "another.azure-devices.net",
            "subject": "another",
            "thumbprint": "0123456789ABCDEF0123456789ABCDEF01234567",
            "isVerified": True,
            "verificationCode": "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
        },
    }


def _other_device(_request: Request) -> dict[str, Any]:
    thumbprints = {"primaryThumbprint": None, "secondaryThumbprint": None}
    return {
        "deviceId": "another",
        "generationId": "638000000000000000",
        "etag": "Rk9SRUlHTg==",
        "status": "enabled",
        "connectionState": "Connected",
        "authentication": {"type": "certificateAuthority", "x509Thumbprint": thumbprints},
    }


def _other_enrollment(request: Request) -> dict[str, Any]:
    """Another enrollment of the kind that the path names, or another registration."""
    dates = dict.fromkeys(("createdDateTimeUtc", "lastUpdatedDateTimeUtc"), "2023-05-19T23:10:35.7799084Z")
    common = {"etag": "IjBhMDA5ZjQxLTAwMDAtMDgwMC0wMDAwLTY0NjgwMWViMDAwMCI=", **dates}
    if request.path.lower().startswith("/registrations/"):
        return {
            "registrationId": "another",
            "assignedHub": "another.azure-devices.net",
            "deviceId": "another",
            "status": "assigned",
            **common,
        }
    named = "enrollmentGroupId" if request.path.lower().startswith("/enrollmentgroups") else "registrationId"
    return {named: "another", "attestation": {"type": "symmetricKey"}, "provisioningStatus": "enabled", **common}


def _other_key(request: Request) -> dict[str, Any]:
    kid = f"{request.base_url}/keys/another/0123456789abcdef0123456789abcdef"
    return {"key": {"kid": kid, "kty": "oct", "key_ops": []}, "attributes": {"enabled": True}, "value": "AA", "kid": kid}


def _other_login(_request: Request) -> dict[str, Any]:
    return {"status": "ok", "session": "0123456789abcdef"}


_OTHER_RESOURCE = {
    Endpoint.HUB: _other_device, Endpoint.KEY_VAULT: _other_key, Endpoint.LOGIN: _other_login, Endpoint.PROVISIONING: _other_enrollment,
}  # fmt: skip
_OF_ANOTHER_KIND: tuple[Any, ...] = (
    {
        "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/another",
        "name": "another",
        "type": "Microsoft.Storage/storageAccounts",
        "sku": {"name": "Standard_LRS"},
        "properties": {},
    },
    {"error": {"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer or PoP token."}},
    {},
    None,
    [{"id": 1, "login": "another"}],
    {"value": [{"id": 1, "login": "another"}]},
    "OK",
    True,
    42,
)
