"""CA certificates on the wire: the same operations on hubs and on provisioning services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.azure import shapes
from sandbox.azure.microsoft_devices import certificates, hubs, lifecycle, provisioning
from sandbox.azure.microsoft_devices.errors import Service
from sandbox.azure.microsoft_devices.versions import CERTIFICATES_SINCE, HUB_VERSIONS, PROVISIONING_VERSIONS, Shown, certificate_shape
from sandbox.azure.resource_manager.request_ids import resource_id
from sandbox.azure.routing import Evidence, Route, table
from sandbox.azure.wire import NO_BODY, MalformedJsonError, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.azure.local_azure import Azure
    from sandbox.azure.microsoft_devices.lifecycle import Kind
    from sandbox.azure.resource_manager.resource_ids import ResourceId
    from sandbox.azure.routing import Handler
    from sandbox.azure.wire import Request

    Document = dict[str, Any]
    Find = Callable[[Azure, ResourceId], Document]


class _Certificates:
    """The operations on one service's certificates."""

    def __init__(self, kind: Kind, find: Find) -> None:
        self._kind, self._find = kind, find

    def list(self, azure: Azure, request: Request) -> Reply:
        parent = self._find(azure, resource_id(request))
        found = certificates.listed(azure, self._key(request))
        return Reply(body={"value": [self._shown(azure, request, parent, each, None) for each in found]})

    def get(self, azure: Azure, request: Request) -> Reply:
        parent = self._find(azure, resource_id(request))
        found = certificates.need(azure, self._key(request), request.parameters["certificate"], self._kind.service)
        return Reply(body=self._shown(azure, request, parent, found, None))

    def put(self, azure: Azure, request: Request) -> Reply:
        parent = self._active(azure, request)
        body = request.json_object(shapes.CERTIFICATE)
        if certificate_shape(self._kind.service, request.api_version).wrapped:
            body = body.get("properties") or {}
        written = certificates.write(
            azure,
            self._key(request),
            request.parameters["certificate"],
            _text(body),
            attested=body.get("isVerified") is True,
            condition=request.header("if-match"),
            service=self._kind.service,
        )
        return Reply(body=self._shown(azure, request, parent, written, Shown.PUT))

    def generate(self, azure: Azure, request: Request) -> Reply:
        parent = self._active(azure, request)
        name, condition = request.parameters["certificate"], request.header("if-match")
        found = certificates.generate_code(azure, self._key(request), name, condition, self._kind.service)
        return Reply(body=self._shown(azure, request, parent, found, Shown.GENERATE))

    def verify(self, azure: Azure, request: Request) -> Reply:
        parent = self._active(azure, request)
        name, condition = request.parameters["certificate"], request.header("if-match")
        proof = _text(request.json_object(shapes.PROOF))
        found = certificates.verify(azure, self._key(request), name, proof, condition, self._kind.service)
        return Reply(body=self._shown(azure, request, parent, found, None))

    def delete(self, azure: Azure, request: Request) -> Reply:
        self._active(azure, request)
        name, condition = request.parameters["certificate"], request.header("if-match")
        there = certificates.delete(azure, self._key(request), name, condition, self._kind.service)
        return Reply(status=200 if there else 204, body=NO_BODY)

    def _active(self, azure: Azure, request: Request) -> Document:
        parent = self._find(azure, resource_id(request))
        lifecycle.need_active(parent, self._kind)
        return parent

    def _key(self, request: Request) -> str:
        return lifecycle.key(resource_id(request), self._kind)

    def _shown(self, azure: Azure, request: Request, parent: Document, found: Document, operation: Shown | None) -> dict[str, Any]:
        return certificates.shown(azure, parent, found, self._kind, request.api_version, operation)


def _text(body: dict[str, Any]) -> str:
    text = body.get("certificate")
    if not isinstance(text, str):
        raise MalformedJsonError("Required property 'certificate' not found in JSON")
    return text


def _routes(kind: Kind, find: Find, versions: tuple[str, ...]) -> list[Route]:
    operations = _Certificates(kind, find)
    service = "IotHub" if kind.service is Service.HUB else "Dps"
    base = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/Microsoft.Devices/{kind.service}/{{name}}/certificates"
    one = f"{base}/{{certificate}}"
    action = f"Microsoft.Devices/{kind.service}/Certificates"
    rows: tuple[tuple[str, str, str, Handler, str, str], ...] = (
        ("List", "GET", base, operations.list, "read", ""),
        ("Get", "GET", one, operations.get, "read", "the 404's body is a guess"),
        ("CreateOrUpdate", "PUT", one, operations.put, "write", "guesses: a 26th certificate, a private key in the upload"),
        ("GenerateVerificationCode", "POST", f"{one}/generateVerificationCode", operations.generate, "generateVerificationCode/action", ""),
        ("Verify", "POST", f"{one}/verify", operations.verify, "verify/action", "guesses: CN is not the code, outside its dates, EC keys"),
        ("Delete", "DELETE", one, operations.delete, "delete", ""),
    )
    return table(
        (
            (f"{service}Certificates_{name}", method, path, handler, Evidence.RECORDED, f"{action}/{verb}", note)
            for name, method, path, handler, verb, note in rows
        ),
        versions=tuple(version for version in versions if version >= CERTIFICATES_SINCE[kind.service]),
        resource_type=action,
    )


ROUTES = _routes(lifecycle.HUB, hubs.need, HUB_VERSIONS) + _routes(lifecycle.PROVISIONING, provisioning.need, PROVISIONING_VERSIONS)
