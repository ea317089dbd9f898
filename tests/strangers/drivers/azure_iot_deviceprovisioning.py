"""Drives Microsoft's Python client of the service API: a connection string in the environment, what each call gave as JSON on stdout."""

import json
import os
import sys
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.identity import EnvironmentCredential
from azure.iot.deviceprovisioning import DeviceProvisioningClient


def _refused(call: Any, *arguments: Any, **named: Any) -> list[Any]:
    """Status and error code of a call that has to fail."""
    try:
        call(*arguments, **named)
    except HttpResponseError as error:
        return [error.status_code, json.loads(error.response.text())["errorCode"]]  # type: ignore[union-attr]  # it has one
    return []


def main() -> int:
    """Each operation once, the first by a policy's key, the last by an Entra token."""
    client: Any = DeviceProvisioningClient.from_connection_string(os.environ["DPS"])
    with open(os.environ["CHAIN"]) as file:  # noqa: PTH123 - as the client's own samples do
        certificate = file.read()
    result: dict[str, Any] = {}
    x509 = {"type": "x509", "x509": {"signingCertificates": {"primary": {"certificate": certificate}}}}
    group = {"enrollmentGroupId": "line-7", "attestation": x509, "allocationPolicy": "hashed", "iotHubs": None}
    made = client.enrollment_group.create_or_update("line-7", group)
    result["subject"] = made["attestation"]["x509"]["signingCertificates"]["secondary"]["info"]["subjectName"]
    result["again"] = _refused(client.enrollment_group.create_or_update, "line-7", group)
    changed = client.enrollment_group.create_or_update("line-7", made | {"provisioningStatus": "disabled"}, if_match=made["etag"])
    result["changed"] = [changed["provisioningStatus"], changed["attestation"] == made["attestation"]]
    result["stale"] = _refused(client.enrollment_group.create_or_update, "line-7", made, if_match=made["etag"])
    result["registrations"] = list(client.device_registration_state.query("line-7"))
    result["unregistered"] = _refused(client.device_registration_state.get, "press-001")
    keys = [{"registrationId": f"press-{number:03}", "attestation": {"type": "symmetricKey"}} for number in range(25)]
    for start in range(0, 25, 10):
        result["bulk"] = client.enrollment.run_bulk_operation({"enrollments": keys[start : start + 10], "mode": "create"})
    result["bulkAgain"] = client.enrollment.run_bulk_operation({"enrollments": keys[:1], "mode": "update"})
    result["pages"] = [len(list(page)) for page in client.enrollment.query({"query": "SELECT *"}, top=10).by_page()]
    result["mechanism"] = sorted(client.enrollment.get_attestation_mechanism("press-001")["symmetricKey"])
    result["state"] = client.enrollment.get("press-001")["registrationState"]["status"]
    client.enrollment.delete("press-001")
    result["gone"] = _refused(client.enrollment.get, "press-001")
    endpoint = os.environ["DPS"].partition("HostName=")[2].partition(";")[0]
    reader: Any = DeviceProvisioningClient(endpoint, EnvironmentCredential())
    result["byToken"] = [each["enrollmentGroupId"] for each in reader.enrollment_group.query({"query": "SELECT *"})]
    result["notAllowed"] = _refused(reader.enrollment_group.delete, "line-7")
    client.enrollment_group.delete("line-7", if_match=changed["etag"])
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
