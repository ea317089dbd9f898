"""Operations on CA certificates, the same for hubs and provisioning services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_azure_iot import shapes
from local_azure_iot.microsoft_devices import certificates, hubs, lifecycle, provisioning
from local_azure_iot.microsoft_devices.errors import Service
from local_azure_iot.microsoft_devices.versions import CERTIFICATES_SINCE, HUB_VERSIONS, PROVISIONING_VERSIONS, Operation, certificate_shape
from local_azure_iot.resource_manager.request_ids import resource_id
from local_azure_iot.routing import Evidence, Route, table
from local_azure_iot.wire import NO_BODY, MalformedJsonError, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.microsoft_devices.lifecycle import Kind
    from local_azure_iot.resource_manager.resource_ids import ResourceId
    from local_azure_iot.routing import Handler
    from local_azure_iot.wire import Request

    Document = dict[str, Any]
    RequireService = Callable[[Azure, ResourceId], Document]


class _CertificateHandlers:
    """The handlers of one service's certificate operations."""

    def __init__(self, kind: Kind, require_service: RequireService) -> None:
        self._kind, self._require_service = kind, require_service

    def list(self, azure: Azure, request: Request) -> Reply:
        parent = self._require_service(azure, resource_id(request))
        found = certificates.certificates_of(azure, self._store_key(request))
        return Reply(body={"value": [self._to_json(azure, request, parent, each, Operation.READ) for each in found]})

    def get(self, azure: Azure, request: Request) -> Reply:
        parent = self._require_service(azure, resource_id(request))
        found = certificates.require(azure, self._store_key(request), request.parameters["certificate"], self._kind.service)
        return Reply(body=self._to_json(azure, request, parent, found, Operation.READ))

    def put(self, azure: Azure, request: Request) -> Reply:
        parent = self._require_active(azure, request)
        body = request.json_object(shapes.CERTIFICATE)
        if certificate_shape(self._kind.service, request.api_version).wrapped:
            body = body.get("properties") or {}
        written = certificates.create_or_update(
            azure,
            self._store_key(request),
            request.parameters["certificate"],
            _certificate_text(body),
            attested=body.get("isVerified") is True,
            if_match=request.header("if-match"),
            service=self._kind.service,
        )
        return Reply(body=self._to_json(azure, request, parent, written, Operation.PUT))

    def generate(self, azure: Azure, request: Request) -> Reply:
        parent = self._require_active(azure, request)
        name, if_match = request.parameters["certificate"], request.header("if-match")
        found = certificates.generate_code(azure, self._store_key(request), name, if_match, self._kind.service)
        return Reply(body=self._to_json(azure, request, parent, found, Operation.GENERATE_CODE))

    def verify(self, azure: Azure, request: Request) -> Reply:
        parent = self._require_active(azure, request)
        name, if_match = request.parameters["certificate"], request.header("if-match")
        proof = _certificate_text(request.json_object(shapes.PROOF))
        found = certificates.verify(azure, self._store_key(request), name, proof, if_match, self._kind.service)
        return Reply(body=self._to_json(azure, request, parent, found, Operation.VERIFY))

    def delete(self, azure: Azure, request: Request) -> Reply:
        self._require_active(azure, request)
        name, if_match = request.parameters["certificate"], request.header("if-match")
        existed = certificates.delete(azure, self._store_key(request), name, if_match, self._kind.service)
        return Reply(status=200 if existed else 204, body=NO_BODY)

    def _require_active(self, azure: Azure, request: Request) -> Document:
        parent = self._require_service(azure, resource_id(request))
        lifecycle.require_active(parent, self._kind)
        return parent

    def _store_key(self, request: Request) -> str:
        return lifecycle.store_key(resource_id(request), self._kind)

    def _to_json(self, azure: Azure, request: Request, parent: Document, found: Document, operation: Operation) -> dict[str, Any]:
        return certificates.to_json(azure, parent, found, self._kind, request.api_version, operation)


def _certificate_text(body: dict[str, Any]) -> str:
    text = body.get("certificate")
    if not isinstance(text, str):
        raise MalformedJsonError("Required property 'certificate' not found in JSON")
    return text


def _routes(kind: Kind, require_service: RequireService, versions: tuple[str, ...]) -> list[Route]:
    operations = _CertificateHandlers(kind, require_service)
    prefix = "IotHub" if kind.service is Service.HUB else "Dps"  # of Azure's operation ids
    base = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/Microsoft.Devices/{kind.service}/{{name}}/certificates"
    one = f"{base}/{{certificate}}"
    action = f"Microsoft.Devices/{kind.service}/Certificates"
    rows: tuple[tuple[str, str, str, Handler, str, str], ...] = (
        ("List", "GET", base, operations.list, "read", ""),
        ("Get", "GET", one, operations.get, "read", "the 404's body is a guess"),
        ("CreateOrUpdate", "PUT", one, operations.put, "write", "guesses: a 26th certificate, a private key in the upload"),
        ("GenerateVerificationCode", "POST", f"{one}/generateVerificationCode", operations.generate, "generateVerificationCode/action", ""),
        ("Verify", "POST", f"{one}/verify", operations.verify, "verify/action", "guesses: CN is not the code, outside its dates, EC keys"),
        ("Delete", "DELETE", one, operations.delete, "delete", "guess: without If-Match it deletes too"),
    )
    return table(
        (
            (f"{prefix}Certificates_{name}", method, path, handler, Evidence.RECORDED, f"{action}/{verb}", note)
            for name, method, path, handler, verb, note in rows
        ),
        versions=tuple(version for version in versions if version >= CERTIFICATES_SINCE[kind.service]),
        resource_type=action,
    )


ROUTES = _routes(lifecycle.HUB, hubs.require, HUB_VERSIONS) + _routes(lifecycle.PROVISIONING, provisioning.require, PROVISIONING_VERSIONS)
