"""An Azure that keeps resources: the smallest ARM that supports create, read, update and delete."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.plugins.scripted_azure import Asked, ScriptedAzure

LONG_RUNNING = re.compile(r".*/(resourcegroups|iothubs|provisioningservices)/[^/]+", re.IGNORECASE)
CERTIFICATE = re.compile(r".*/certificates/[^/]+", re.IGNORECASE)
OPERATION = "/operations/1"


@dataclass
class KeepingAzure(ScriptedAzure):
    """Scripted answers take precedence. Resources are kept by lower-case path; replacing a certificate needs an etag, as in Azure."""

    kept: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        """ARM's answer to a request."""
        identity = re.sub("/+", "/", unquote(asked.path))
        scripted = super().answer(asked)
        if scripted[0] != 404 or asked.path == OPERATION:
            return scripted if asked.path != OPERATION else (200, {"status": "Succeeded"}, {})
        there = self.kept.get(identity.lower())
        if asked.method == "PUT":
            return self._put(identity, asked, there)
        if there is None:
            return scripted if asked.method == "GET" else (204, None, {})
        if asked.method == "DELETE":
            for path in [path for path in self.kept if f"{path}/".startswith(f"{identity.lower()}/")]:
                del self.kept[path]
            return (202, None, {"Location": OPERATION}) if LONG_RUNNING.fullmatch(identity) else (200, None, {})
        return 200, there, {}

    def _put(self, identity: str, asked: Asked, there: dict[str, Any] | None) -> tuple[int, Any, dict[str, str]]:
        if there and CERTIFICATE.fullmatch(identity) and "if-match" not in asked.headers:
            return 412, {"code": 412001, "httpStatusCode": 412, "message": "Invalid ETag supplied."}, {}
        own = {"provisioningState": "Succeeded"} if LONG_RUNNING.fullmatch(identity) else {}
        properties = {**(asked.body.get("properties") or {}), **own}
        named = {"id": identity.replace("resourcegroups", "resourceGroups"), "name": identity.rsplit("/", 1)[1], "type": "of a test"}
        self.kept[identity.lower()] = {**asked.body, **named, "etag": str(len(self.asked)), "properties": properties}
        polled = {"Azure-AsyncOperation": f"URL{OPERATION}"} if "/providers/" in identity and own else {}
        return 201, self.kept[identity.lower()], polled
