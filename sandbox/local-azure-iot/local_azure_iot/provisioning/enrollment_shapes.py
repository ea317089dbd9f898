"""The JSON types of the members of enrollments in requests (see `shapes`)."""

from __future__ import annotations

from local_azure_iot.provisioning import versions

_CERTIFICATE = {"certificate": str, "info": {"sha1Thumbprint": str, "sha256Thumbprint": str}}
_CERTIFICATES = {"primary": _CERTIFICATE, "secondary": _CERTIFICATE}
_ENROLLMENT = {
    "attestation": {
        "type": str,
        "tpm": {"endorsementKey": str, "storageRootKey": str},
        "x509": {
            "clientCertificates": _CERTIFICATES,
            "signingCertificates": _CERTIFICATES,
            "caReferences": {"primary": str, "secondary": str},
        },
        "symmetricKey": {"primaryKey": str, "secondaryKey": str},
    },
    "capabilities": {"iotEdge": bool},
    "iotHubHostName": str,
    "iotHubs": [str],
    "initialTwin": {"tags": dict, "properties": {"desired": dict}},
    "etag": str,
    "provisioningStatus": str,
    "reprovisionPolicy": {"updateHubAssignment": bool, "migrateDeviceData": bool},
    "allocationPolicy": str,
    "customAllocationDefinition": {"webhookUrl": str, "apiVersion": str},
    **dict.fromkeys(versions.ADDED_MEMBERS, str),
}
ENROLLMENTS = {
    "enrollmentGroupId": {"enrollmentGroupId": str, **_ENROLLMENT},
    "registrationId": {"registrationId": str, "deviceId": str, "optionalDeviceInformation": dict, **_ENROLLMENT},
}  # by the member that has the id
QUERY = {"query": str}
