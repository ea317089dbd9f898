"""Error answers of provisioning services, in their own envelope: one constructor for each.

The first three digits of a code are the HTTP status. Codes and texts of which it is not said that they are guesses were seen in Azure's
answers: in recordings, or in issues of Microsoft's clients.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from local_azure_iot.wire import Moment, Reply, ServiceError

if TYPE_CHECKING:
    from datetime import datetime

    from local_azure_iot.hub_registry.errors import RegistryError

MAX_BULK = 10
MAX_ID = 128
MAX_GROUPS = 100  # with certificates, and as many with symmetric keys


class ProvisioningError(ServiceError):
    """An error answer in a provisioning service's envelope: `{errorCode, trackingId, message, timestampUtc}`."""

    def __init__(self, status: int, number: int, message: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.number, self.message = status, number, message
        self.headers = headers or {}

    def reply(self, moment: Moment) -> Reply:
        """The HTTP answer."""
        headers = {"x-ms-error-code": str(self.number), **self.headers}
        return Reply(status=self.status, body=self.envelope(moment.now, moment.correlation), headers=headers)

    def envelope(self, now: datetime, tracking_id: str) -> dict[str, Any]:
        """The body, which devices get by MQTT too."""
        return {
            "errorCode": self.number,
            "trackingId": tracking_id,
            "message": self.message,
            "timestampUtc": f"{now:%Y-%m-%dT%H:%M:%S.%f}Z",
        }


def unauthorized(reason: str = "Unauthorized") -> ProvisioningError:
    """The caller is nobody, or may not do this, which the answer does not tell."""
    return ProvisioningError(401, 401002, reason)


def registration_id_invalid() -> ProvisioningError:
    """The id of an individual enrollment or of a device that registers is none."""
    return ProvisioningError(400, 400004, "Invalid RegistrationId")


def group_id_invalid() -> ProvisioningError:
    """The id of an enrollment group is none. Code and message are guesses after that of a registration id."""
    return ProvisioningError(400, 400004, "Invalid EnrollmentGroupId")


def attestation_required() -> ProvisioningError:
    """An enrollment does not say how its devices prove who they are. The code is a guess."""
    return ProvisioningError(400, 400004, "TPM or X509 attestation is required.")


def argument_invalid(reason: str) -> ProvisioningError:
    """A member or a header is invalid. Code and message are guesses."""
    return ProvisioningError(400, 400004, reason)


def json_invalid(reason: str) -> ProvisioningError:
    """The body is not the JSON that was expected. Code and message are guesses."""
    return ProvisioningError(400, 400006, f"Cannot deserialize the request's body: {reason}")


def version_invalid(version: str) -> ProvisioningError:
    """The api-version is missing or unknown. Code and message are guesses."""
    return ProvisioningError(400, 400001, f"The api-version '{version[:50]}' is invalid.")


def too_many_groups(kind: str) -> ProvisioningError:
    """The service has as many enrollment groups of a kind as it may. The limit is documented, code and message are guesses."""
    return ProvisioningError(400, 400211, f"The service has {MAX_GROUPS} {kind} enrollment groups, the most that are allowed.")


def too_many_entries(count: int) -> ProvisioningError:
    """More than MAX_BULK entries in one call. The limit is documented, code and message are guesses."""
    return ProvisioningError(400, 400212, f"{count} entries in one bulk operation; at most {MAX_BULK} are allowed.")


def enrollment_not_found() -> ProvisioningError:
    """The individual enrollment does not exist. The message is a guess."""
    return ProvisioningError(404, 404201, "Enrollment not found.")


def group_not_found() -> ProvisioningError:
    """The enrollment group does not exist. The message is a guess."""
    return ProvisioningError(404, 404202, "EnrollmentGroup not found.")


def registration_not_found() -> ProvisioningError:
    """The device has not registered. Code and message are guesses."""
    return ProvisioningError(404, 404201, "Registration not found.")


def enrollment_exists() -> ProvisioningError:
    """The individual enrollment exists: a PUT without If-Match only creates."""
    return ProvisioningError(409, 409201, "Enrollment already exists.")


def group_exists() -> ProvisioningError:
    """The enrollment group exists: a PUT without If-Match only creates."""
    return ProvisioningError(409, 409202, "EnrollmentGroup already exists.")


def registering_twice() -> ProvisioningError:
    """The device registers while an earlier registration of it is under way (azure-iot-sdk-c, common_prov_e2e.c)."""
    return ProvisioningError(409, 409203, "Precondition failed.")


def operation_not_found(operation: str) -> ProvisioningError:
    """The device asks for an operation that is none of its last ones. Code and message are guesses."""
    return ProvisioningError(404, 404203, f"There is no operation '{operation[:200]}' of this device.")


def id_scope_unknown(scope: str) -> ProvisioningError:
    """No service has this id scope, or not the service whose own name the device uses. Status, code and message are guesses."""
    return ProvisioningError(404, 404204, f"There is no provisioning service with the id scope '{scope[:100]}' here.")


def of_hub(error: RegistryError, now: datetime) -> str:
    """What a registration says where a hub refused the service: the hub's own answer (github.com/Azure/azure-iot-sdk-c/issues/1789)."""
    return json.dumps(error.reply(Moment(now, str(uuid.uuid4()))).body)


def etag_invalid() -> ProvisioningError:
    """If-Match is stale. The status is documented, code and message are guesses."""
    return ProvisioningError(412, 412001, "Precondition failed: the etag is not the current one.")


def content_too_large() -> ProvisioningError:
    """The body is larger than local Azure reads. That there is a limit, code and message are guesses."""
    return ProvisioningError(413, 413001, "The request's body is too large.")


def throttled() -> ProvisioningError:
    """More requests than the service takes in a minute. Code and message are guesses, and that there is no Retry-After."""
    return ProvisioningError(429, 429001, "Operations are being throttled for the tenant.")


def internal() -> ProvisioningError:
    """The service failed. Code and message are guesses."""
    return ProvisioningError(500, 500001, "An internal server error occurred.")


def unavailable() -> ProvisioningError:
    """The service can't answer now. Code and message are guesses."""
    return ProvisioningError(503, 503001, "The service is unavailable.")


def no_route(line: str) -> ProvisioningError:
    """No operation has this method and path. Code and message are guesses."""
    return ProvisioningError(404, 404000, f"{line[:300]} is no operation of a provisioning service.")


def not_implemented(operation: str, line: str) -> ProvisioningError:
    """An operation of Azure's that local Azure does not have."""
    return ProvisioningError(501, 501000, f"{operation} ({line[:300]}) is an operation of Azure's that local Azure does not have.")
