"""Errors of a hub's data plane: one constructor for each, in the hub's envelope, with the header `iothub-errorcode`.

`{"Message": "ErrorCode:<name>;<text>", "ExceptionMessage": "Tracking ID:…-TimeStamp:…"}`; Azure also has an older form, with a number.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_azure_iot import shapes
from local_azure_iot.wire import Moment, Reply, ServiceError

if TYPE_CHECKING:
    from datetime import datetime

MAX_BULK = 100
MAX_ID = 128


class RegistryError(ServiceError):
    """An error answer of a hub. `number` is the documented error code, `name` is the name of that code."""

    def __init__(self, status: int, number: int, name: str, message: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.number, self.name, self.message = status, number, name, message
        self.headers = headers or {}

    def reply(self, moment: Moment) -> Reply:
        """The HTTP answer."""
        stamp = _stamp(moment.now)
        tracking = f"{moment.correlation.replace('-', '').upper()}-G2:-TimeStamp:{stamp}"
        body = {"Message": f"ErrorCode:{self.name};{self.message}", "ExceptionMessage": f"Tracking ID:{tracking}"}
        return Reply(status=self.status, body=body, headers={"iothub-errorcode": self.name, **self.headers})


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def unauthorized(reason: str = "Unauthorized") -> RegistryError:
    """The caller may not do this, or not from this address, which the answer does not tell: a hub answers 401 where ARM answers 403."""
    return RegistryError(401, 401002, "IotHubUnauthorizedAccess", reason)


def hub_not_found() -> RegistryError:
    """The host name leads to no hub."""
    return RegistryError(401, 401001, "IotHubNotFound", "Unauthorized")


def device_not_found(device: str) -> RegistryError:
    """The device does not exist. Status and code are recorded, the message is a guess."""
    return RegistryError(404, 404001, "DeviceNotFound", f"Device '{device}' not registered.")


def device_exists(device: str) -> RegistryError:
    """The device exists: a PUT without If-Match only creates."""
    return RegistryError(409, 409001, "DeviceAlreadyExists", f"A device with ID '{device}' is already registered.")


def hub_full(most: int) -> RegistryError:
    """The hub has as many devices as it may. The name is documented, number and message are guesses."""
    message = f"Total number of devices on IotHub exceeded the allocated quota. Max allowed device count: '{most}'"
    return RegistryError(403, 403002, "IotHubQuotaExceeded", message)


def module_not_found(device: str, module: str) -> RegistryError:
    """The module does not exist. The code is documented, the message is a guess."""
    return RegistryError(404, 404010, "ModuleNotFound", f"Module '{module}' on device '{device}' not registered.")


def module_exists(device: str, module: str) -> RegistryError:
    """The module exists: a PUT without If-Match only creates. The code is documented, the message is a guess."""
    return RegistryError(409, 409301, "ModuleAlreadyExistsOnDevice", f"Module '{module}' already exists on device '{device}'.")


def too_many_modules(device: str, most: int) -> RegistryError:
    """The device has as many modules as it may. The code is documented, the message is a guess."""
    return RegistryError(413, 413003, "TooManyModulesOnDevice", f"Device '{device}' has {most} modules, the most that are allowed.")


def configuration_not_found(configuration: str) -> RegistryError:
    """The configuration does not exist. The name is documented, number and message are guesses."""
    return RegistryError(404, 404012, "ConfigurationNotFound", f"Configuration '{configuration}' does not exist.")


def configuration_exists(configuration: str) -> RegistryError:
    """The configuration exists: a PUT without If-Match only creates. The name is documented, number and message are guesses."""
    return RegistryError(409, 409003, "ConfigurationAlreadyExists", f"Configuration '{configuration}' already exists.")


def too_many_configurations(most: int) -> RegistryError:
    """The hub has as many configurations as it may. The name is documented, number and message are guesses."""
    return RegistryError(403, 403009, "ConfigurationCountLimitExceeded", f"The hub has {most} configurations, the most that are allowed.")


def configuration_content_invalid(reason: str) -> RegistryError:
    """A configuration sets what can't be set. The name is documented, number and message are guesses."""
    return RegistryError(400, 400004, "InvalidConfigurationContent", reason)


def configuration_content_immutable(configuration: str) -> RegistryError:
    """A configuration's content can't be changed. The name is documented, number and message are guesses."""
    message = f"The content of the configuration '{configuration}' can't be changed: create another configuration."
    return RegistryError(400, 400004, "CannotModifyImmutableConfigurationContent", message)


def target_condition_invalid(reason: str) -> RegistryError:
    """A configuration's target condition is invalid. The name is documented, number and message are guesses."""
    return RegistryError(400, 400004, "InvalidConfigurationTargetCondition", reason)


def metric_query_invalid(reason: str) -> RegistryError:
    """A metric's query is invalid. The name is documented, number and message are guesses."""
    return RegistryError(400, 400004, "InvalidConfigurationCustomMetricsQuery", reason)


def digital_twin_patch_invalid(reason: str) -> RegistryError:
    """A JSON Patch of a digital twin is invalid. The name is documented, number and message are guesses."""
    return RegistryError(400, 400004, "InvalidDigitalTwinPatch", reason)


def digital_twin_path_invalid(reason: str) -> RegistryError:
    """A path of a JSON Patch of a digital twin is invalid. The name is documented, number and message are guesses."""
    return RegistryError(400, 400004, "InvalidDigitalTwinPatchPath", reason)


def not_in_this_tier() -> RegistryError:
    """Hubs of the basic tier do not have this. Status and number are documented."""
    return RegistryError(403, 403010, "OperationNotAllowedInCurrentTier", "This operation is not valid for the current IoT Hub tier.")


def etag_invalid() -> RegistryError:
    """If-Match is stale."""
    return RegistryError(412, 412001, "PreconditionFailed", "PreconditionFailed, ETag may be invalid.")


def etag_missing() -> RegistryError:
    """The DELETE has no If-Match."""
    return RegistryError(412, 412001, "PreconditionFailed", "PreconditionFailed, Etag missing.")


def argument_invalid(reason: str) -> RegistryError:
    """A member or a header is invalid. The code is documented, most messages are local Azure's own."""
    return RegistryError(400, 400004, "ArgumentInvalid", reason)


def not_a_thumbprint(text: str) -> RegistryError:
    """A thumbprint that is not 40 or 64 hex digits without separators."""
    return RegistryError(
        400, 400004, "StringIsNotThumbprint", f"'{text[:80]}' is not a thumbprint: 40 or 64 hex digits without separators."
    )


def query_invalid() -> RegistryError:
    """The query is invalid. Azure does not say where."""
    return RegistryError(400, 400004, "ArgumentInvalid", "BadRequest")


def said(value: Any) -> str:
    """What a request has as a member, for the text of an error: `missing` where it has nothing."""
    return "missing" if value is None else f"'{value if isinstance(value, str) else json.dumps(value)}'"[:200]


def check_shape(value: Any, shape: Any) -> None:
    """Check the JSON types of a value's members, which came in a request or in a line of an import.

    Raises:
        RegistryError: A member is of another type.
    """
    try:
        shapes.check(value, shape)
    except shapes.WrongTypeError as error:
        raise json_invalid(str(error)) from error


def json_invalid(reason: str) -> RegistryError:
    """The body is not the JSON that was expected."""
    return RegistryError(400, 400006, "IotHubFormatError", f"Cannot deserialize the request's body: {reason}")


def version_invalid(version: str) -> RegistryError:
    """The api-version is missing or unknown."""
    return RegistryError(400, 400001, "InvalidProtocolVersion", f"The api-version '{version}' is invalid.")


def too_many_devices(count: int) -> RegistryError:
    """More than MAX_BULK devices in one call."""
    return RegistryError(413, 413002, "TooManyDevices", f"{count} devices in one call; at most {MAX_BULK} are allowed.")


def defined_twice(device: str) -> RegistryError:
    """The same device twice in one call. The code is documented; that it is the device's error and not the call's is a guess."""
    return RegistryError(400, 400011, "DeviceDefinedMultipleTimes", f"Device '{device}' is defined multiple times.")


def throttled(operation: str) -> RegistryError:
    """The request would wait longer than the hub's queue allows. There is no Retry-After, and the connection is closed."""
    text = f"The request has been throttled. Wait 10 seconds and try again. Operation type: {operation}"
    return RegistryError(429, 429001, "ThrottlingBacklogTimeout", text, headers={"connection": "close"})


def no_route(path: str) -> RegistryError:
    """The path belongs to no operation of a hub's endpoint."""
    return RegistryError(
        404,
        404000,
        "GenericNotFound",
        f"No operation of local Azure answers the path '{path}'. See docs/azure-coverage.md for those that do.",
    )


def not_implemented(operation: str, request: str) -> RegistryError:
    """Azure has the operation and local Azure has not. No Azure answers so: the envelope is a hub's, the number follows its others."""
    return RegistryError(
        501, 501000, "NotImplemented", f"{operation} ({request}) is an operation of Azure's that local Azure does not have."
    )


def no_web_socket(reason: str) -> RegistryError:
    """No WebSocket is there, or none that speaks what the client offers. Status and message are a guess."""
    return RegistryError(400, 400000, "GenericBadRequest", reason)


def not_found() -> RegistryError:
    """What was asked for does not exist. The number is documented, the message is a guess."""
    return RegistryError(404, 404000, "GenericNotFound", "NotFound")


def job_not_found() -> RegistryError:
    """The job does not exist: local Azure runs no jobs."""
    return RegistryError(404, 404002, "JobNotFound", "NotFound")


def internal() -> RegistryError:
    """An internal error of the hub. The number is documented."""
    return RegistryError(500, 500001, "ServerError", "An unexpected failure occurred. Please retry later.")


def unavailable() -> RegistryError:
    """The hub is temporarily unavailable."""
    return RegistryError(503, 503001, "ServiceUnavailable", "The service is temporarily unavailable. Please retry later.")
