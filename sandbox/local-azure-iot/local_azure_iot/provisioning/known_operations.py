"""Azure's operations at the host names of provisioning services, of which local Azure names those that it does not have."""

from local_azure_iot.routing import known_operations

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
