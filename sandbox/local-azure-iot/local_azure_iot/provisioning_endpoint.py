"""The endpoints of provisioning services: they say which of Azure's operations was asked for, and that none of them is here.

`<service>.azure-devices-provisioning.net` takes signatures of the service's policies and Entra tokens, and refuses others first. No
enrollment can exist, so no device can prove who it is at `global.azure-devices-provisioning.net`: there, any credentials are enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.host_names import Endpoint
from local_azure_iot.hub_registry import access
from local_azure_iot.login.tokens import TokenError
from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.routing import Router, known_operations
from local_azure_iot.wire import Moment, Reply, ServiceError

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request

# Names and paths of az CLI's extension, github.com/Azure/azure-iot-cli-extension, azext_iot/sdk/dps.
KNOWN = known_operations("""
EnrollmentGroup_Query POST /enrollmentGroups/query
EnrollmentGroup_RunBulkOperation POST /enrollmentGroups
EnrollmentGroup_Get GET /enrollmentGroups/{id}
EnrollmentGroup_CreateOrUpdate PUT /enrollmentGroups/{id}
EnrollmentGroup_Delete DELETE /enrollmentGroups/{id}
EnrollmentGroup_GetAttestationMechanism POST /enrollmentGroups/{id}/attestationmechanism
IndividualEnrollment_Query POST /enrollments/query
IndividualEnrollment_RunBulkOperation POST /enrollments
IndividualEnrollment_Get GET /enrollments/{id}
IndividualEnrollment_CreateOrUpdate PUT /enrollments/{id}
IndividualEnrollment_Delete DELETE /enrollments/{id}
IndividualEnrollment_GetAttestationMechanism POST /enrollments/{id}/attestationmechanism
DeviceRegistrationState_Get GET /registrations/{id}
DeviceRegistrationState_Delete DELETE /registrations/{id}
DeviceRegistrationState_Query POST /registrations/{id}/query
""")
KNOWN_BY_DEVICES = known_operations("""
RuntimeRegistration_RegisterDevice PUT /{id_scope}/registrations/{id}/register
RuntimeRegistration_OperationStatusLookup GET /{id_scope}/registrations/{id}/operations/{operation}
RuntimeRegistration_DeviceRegistrationStatusLookup POST /{id_scope}/registrations/{id}
""")
_SERVICE, _DEVICES = Router(KNOWN), Router(KNOWN_BY_DEVICES)


class ProvisioningError(ServiceError):
    """An error answer in a provisioning service's envelope: `{errorCode, trackingId, message, timestampUtc}`."""

    def __init__(self, status: int, number: int, message: str) -> None:
        super().__init__(message)
        self.status, self.number, self.message = status, number, message

    def reply(self, moment: Moment) -> Reply:
        """The HTTP answer."""
        body = {
            "errorCode": self.number,
            "trackingId": moment.correlation,
            "message": self.message,
            "timestampUtc": f"{moment.now:%Y-%m-%dT%H:%M:%S.%f}Z",
        }
        return Reply(status=self.status, body=body)


def answer(azure: Azure, request: Request) -> Reply:
    """Answer one request at a provisioning service's host name, or at the name that all devices use.

    Raises:
        ProvisioningError: Always: 401 without valid credentials, 501 for Azure's operations, 404 for what is none.
    """
    by_service = request.destination.endpoint is Endpoint.PROVISIONING
    if not (_authenticated(azure, request) if by_service else request.header("authorization")):
        raise ProvisioningError(401, 401002, "Unauthorized")
    line = f"{request.intended_method} {request.path}"
    known = (_SERVICE if by_service else _DEVICES).find(request.intended_method, request.path)
    if known is None:
        raise ProvisioningError(404, 404000, f"{line} is no operation of a provisioning service.")
    raise ProvisioningError(501, 501000, f"{known.route.operation} ({line}) is an operation of Azure's that local Azure does not have.")


def _authenticated(azure: Azure, request: Request) -> bool:
    """Whether a policy of the service signed the request, or an Entra token for provisioning services came with it."""
    cloud, authorization = request.destination.cloud, request.header("authorization") or ""
    found = lifecycle.find_by_name(azure, cloud.name, lifecycle.PROVISIONING, request.destination.name)
    if found is None:
        return False
    try:
        if authorization.lower().startswith("bearer "):
            resource = f"https://{cloud.provisioning_suffix}"
            azure.tokens.caller(authorization, (resource, f"{resource}/"))
            return True
        signature = access.read_signature(authorization)
        policy = access.policy_rights(found[1], signature.policy)
        if policy is None:
            return False
        signature.check(policy[1], f"{request.destination.name}.{cloud.provisioning_suffix}{request.path}", azure.clock.timestamp())
    except (TokenError, access.SignatureError):
        return False
    return True
