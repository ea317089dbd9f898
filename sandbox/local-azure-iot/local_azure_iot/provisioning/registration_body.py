"""What a device says of itself as it registers, beside its credentials."""

from __future__ import annotations

from typing import Any

from local_azure_iot.provisioning import errors
from local_azure_iot.wire import MalformedJsonError, read_json


def read(body: bytes, registration_id: str) -> dict[str, Any]:
    """The members of a body, of which clients leave out some or all: `registrationId`, `payload`.

    Raises:
        ProvisioningError: 400, which is a guess: it is no JSON object, is about another device, or asks for a certificate.
    """
    if not body.strip():
        return {}
    try:
        found = read_json(body)
    except MalformedJsonError as error:
        raise errors.json_invalid(str(error)) from error
    if not isinstance(found, dict):
        raise errors.json_invalid("expected an object")
    named = found.get("registrationId")
    if named is not None and (not isinstance(named, str) or named.lower() != registration_id.lower()):
        raise errors.argument_invalid(f"registrationId in the body is '{str(named)[:200]}', and the device is '{registration_id[:200]}'.")
    if found.get("csr") is not None:
        raise errors.argument_invalid("csr: local Azure issues no certificates, as Azure Device Registry does; leave it out.")
    return found
