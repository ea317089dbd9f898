"""Errors of the Microsoft.Devices resource provider, in its own envelope: one constructor for each.

`{"code": 412001, "httpStatusCode": 412, "message": "… If you contact a support representative please include this correlation
identifier: …, timestamp: …, errorcode: IH412001."}`. Hubs write the status as a number, provisioning services as a name.
"""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus

from local_azure_iot.wire import Moment, Reply, ServiceError

MAX_CERTIFICATES = 25  # of one hub or provisioning service
_STATUS_NAMES = {
    400: "BadRequest", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 412: "PreconditionFailed", 429: "TooManyRequests",
    500: "InternalServerError", 503: "ServiceUnavailable",
}  # fmt: skip


class Service(StrEnum):
    """The two services of this provider."""

    HUB = "IotHubs"
    PROVISIONING = "provisioningServices"


class DevicesError(ServiceError):
    """An error answer of the provider. `code` is its own number, `status` the HTTP status."""

    def __init__(self, status: int, code: int, message: str, service: Service, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.service, self.headers = status, code, message, service, headers or {}

    def reply(self, moment: Moment) -> Reply:
        """The HTTP answer."""
        tail = (
            "If you contact a support representative please include this correlation identifier: "
            f"{moment.correlation}, timestamp: {moment.now:%Y-%m-%d %H:%M:%SZ}, errorcode: IH{self.code}."
        )
        if self.service is Service.PROVISIONING:
            status: int | str = _STATUS_NAMES.get(self.status) or HTTPStatus(self.status).name
        else:
            status = self.status
        body = {"code": self.code, "httpStatusCode": status, "message": f"{self.message.removesuffix('.')}. {tail}"}
        content_type = "application/json" if self.service is Service.HUB else "application/json; charset=utf-8"
        return Reply(status=self.status, body=body, content_type=content_type, headers=dict(self.headers))


def etag_invalid(service: Service) -> DevicesError:
    """The If-Match of a request for a certificate is missing or stale."""
    return DevicesError(412, 412001, "Invalid ETag supplied.", service)


def hub_etag_invalid(service: Service) -> DevicesError:
    """A hub's If-Match is stale."""
    return DevicesError(412, 412001, "Either bad ETag was supplied or IotHub description was changed.", service)


def proof_failed(issuer: str, service: Service) -> DevicesError:
    """The proof was not signed by this certificate's key."""
    message = f"Proof-Of-Possession failed. Issuer certificate '{issuer}' cannot be found in the certificate chain."
    return DevicesError(400, 400053, message, service)


def proof_of_another_code(service: Service) -> DevicesError:
    """The proof's CN is not the newest code. Guess: no recording shows Azure's message."""
    return DevicesError(
        400, 400053, "Proof-Of-Possession failed. The subject of the verification certificate is not the verification code.", service
    )


def proof_outside_dates(service: Service) -> DevicesError:
    """The proof has expired or is not valid yet. Guess: no recording shows Azure's message."""
    return DevicesError(400, 400053, "Proof-Of-Possession failed. The verification certificate is not within its validity period.", service)


def proof_of_unusable_authority(reason: str, service: Service) -> DevicesError:
    """The proof is for a CA below which no device could connect. Guess: no recording shows what Azure does with such a certificate."""
    return DevicesError(400, 400053, f"Proof-Of-Possession failed. No device of this CA could connect: {reason}.", service)


def internal(service: Service) -> DevicesError:
    """Azure's answer to an upload that is not a certificate."""
    return DevicesError(500, 500019, "Internal Error.", service)


def private_key_uploaded(service: Service) -> DevicesError:
    """The upload contains a private key. Guess."""
    return DevicesError(400, 400050, "The certificate must not contain a private key.", service)


def unusable_authority(reason: str, service: Service) -> DevicesError:
    """`isVerified` for a CA below which no device could connect. Guess: no recording shows what Azure does with such a certificate."""
    return DevicesError(
        400, 400054, f"The certificate can't be marked as verified, because no device of it could connect: {reason}.", service
    )


def certificate_not_found(name: str, service: Service) -> DevicesError:
    """The certificate does not exist. A guess, based on the data plane's 404008 CertificateNotFound."""
    return DevicesError(404, 404008, f"Certificate '{name}' not found.", service)


def certificate_name_invalid(name: str, service: Service) -> DevicesError:
    """Names: 1 to 64 letters, digits, dot, dash, underscore. The pattern is documented, the answer a guess."""
    return DevicesError(400, 400051, f"Certificate name '{name}' is invalid: it must match ^[A-Za-z0-9-._]{{1,64}}$.", service)


def too_many_certificates(service: Service) -> DevicesError:
    """One certificate more than MAX_CERTIFICATES. The limit is documented, the answer a guess."""
    return DevicesError(400, 400052, f"The maximum number of certificates ({MAX_CERTIFICATES}) has been reached.", service)


def too_many_services(most: int) -> DevicesError:
    """One provisioning service more than a subscription may have. Azure's limit, 10, is documented, the answer a guess."""
    message = f"The maximum number of Provisioning Services ({most}) in the subscription has been reached."
    return DevicesError(400, 400311, message, Service.PROVISIONING)


def hub_not_found(name: str, group: str, subscription: str) -> DevicesError:
    """The hub does not exist."""
    return DevicesError(
        404, 404002, f"IotHub '{name}' not found under ResourceGroup '{group}' and Subscription '{subscription}'.", Service.HUB
    )


def provisioning_not_found(name: str, group: str, subscription: str) -> DevicesError:
    """The provisioning service does not exist."""
    message = f"ProvisioningService '{name}' not found under ResourceGroup '{group}' and Subscription '{subscription}'."
    return DevicesError(404, 404002, message, Service.PROVISIONING)


def not_active(service: Service) -> DevicesError:
    """The service is being created, changed or deleted; the request succeeds afterwards."""
    service_name = "Iot hub" if service is Service.HUB else "Provisioning Service"
    return DevicesError(
        409, 409002, f"<{service_name}> is not currently in Active state. Try the request again after it is in Active state.", service
    )


def name_taken(name: str, service: Service) -> DevicesError:
    """Names of hubs and of provisioning services are unique in the whole cloud. Guess: not recorded on a PUT."""
    service_name = "IotHub" if service is Service.HUB else "Provisioning Service"
    return DevicesError(409, 409001, f"{service_name} name '{name}' is not available.", service)


def hub_name_invalid(name: str) -> DevicesError:
    """3 to 50 letters, digits and hyphens, no hyphen at the end. The rule is documented, the answer a guess."""
    message = f"IotHub name '{name}' can contain only alphanumeric and hyphen and must not end with hyphen. Should be 3 to 50 chars long."
    return DevicesError(400, 400306, message, Service.HUB)


def provisioning_name_invalid() -> DevicesError:
    """The rule for names of provisioning services."""
    message = (
        "Provisioning Service name can contain only alphanumeric and hyphen and must start/end with alphanumeric. "
        "Should be 3 to 50 chars long. Name 'global' not allowed."
    )
    return DevicesError(400, 400305, message, Service.PROVISIONING)


def body_invalid(reason: str, service: Service) -> DevicesError:
    """A member of the body is not what it can be. The number is recorded for another reason; the words are a guess."""
    return DevicesError(400, 400059, f"Request body validation failed. {reason}", service)


def value_invalid(message: str, service: Service, code: int = 400016) -> DevicesError:
    """A property outside its range."""
    return DevicesError(400, code, message, service)


def route_endpoint_undefined(route: str, endpoint: str) -> DevicesError:
    """A route names an endpoint that the hub does not have. Guess: recorded for an enrichment, not for a route."""
    return DevicesError(400, 400131, f"Route has an undefined endpoint, Route Name:{route}, EndpointName:{endpoint}.", Service.HUB)


def key_name_not_found(name: str, service: Service) -> DevicesError:
    """The shared access policy does not exist."""
    return DevicesError(404, 404001, f"Key name not found: {name}.", service)


def event_hub_endpoint_not_found(name: str) -> DevicesError:
    """The hub has no such built-in endpoint: `events` is the only one. Guess."""
    return DevicesError(404, 404010, f"Event hub endpoint '{name}' not found.", Service.HUB)


def consumer_group_not_found(name: str) -> DevicesError:
    """The consumer group does not exist. Guess."""
    return DevicesError(404, 404010, f"Consumer group '{name}' not found.", Service.HUB)


def private_link_not_found(name: str, service: Service) -> DevicesError:
    """The private link's resource or connection does not exist. Guess."""
    return DevicesError(404, 404012, f"Private link '{name}' not found.", service)


def failover_region_invalid(region: str, wanted: str) -> DevicesError:
    """A failover to another region than the hub's secondary one. Documented, the answer a guess."""
    message = f"Invalid failover region '{region}' - value must be '{wanted}', the paired region of this IotHub."
    return DevicesError(400, 400022, message, Service.HUB)


def job_not_found(job: str) -> DevicesError:
    """The job does not exist: local Azure runs no jobs."""
    return DevicesError(404, 404011, f"Job not found with ID '{job}'.", Service.HUB)


def throttled(service: Service) -> DevicesError:
    """Too many requests. The status is documented, the message is a guess."""
    return DevicesError(429, 429001, "The request is being throttled.", service)


def unavailable(service: Service) -> DevicesError:
    """The service is temporarily unavailable."""
    return DevicesError(503, 503001, "Service temporarily unavailable, please retry the request.", service)


def refused_by_strict(reason: str, service: Service) -> DevicesError:
    """A request that Azure accepts and the setting `strict` refuses."""
    return DevicesError(400, 400000, f"Refused by the sandbox's --strict, Azure itself would not: {reason}", service)
