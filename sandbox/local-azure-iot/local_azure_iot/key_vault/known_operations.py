"""What Azure does for key vaults, at Resource Manager and at a vault, whether local Azure does it or not.

Names and paths are those of Microsoft's SDKs azure-mgmt-keyvault and azure-keyvault-keys, which a test compares, and of -secrets and
-certificates. What no route answers is answered 501 with the operation's name.
"""

from __future__ import annotations

from local_azure_iot.routing import known_operations

_VAULT = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}"
_HSM = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/managedHSMs/{name}"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_SUB = "/subscriptions/{subscription}"

KNOWN_AT_ARM = known_operations(
    """
Operations_List GET /providers/Microsoft.KeyVault/operations
Vaults_Get GET <vault>
Vaults_CreateOrUpdate PUT <vault>
Vaults_Update PATCH <vault>
Vaults_Delete DELETE <vault>
Vaults_ListByResourceGroup GET <group>/providers/Microsoft.KeyVault/vaults
Vaults_ListBySubscription GET <sub>/providers/Microsoft.KeyVault/vaults
Vaults_UpdateAccessPolicy PUT <vault>/accessPolicies/{operation_kind}
Vaults_GetDeleted GET <sub>/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}
Vaults_PurgeDeleted POST <sub>/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}/purge
Vaults_ListDeleted GET <sub>/providers/Microsoft.KeyVault/deletedVaults
Vaults_CheckNameAvailability POST <sub>/providers/Microsoft.KeyVault/checkNameAvailability
PrivateEndpointConnections_Get GET <vault>/privateEndpointConnections/{connection}
PrivateEndpointConnections_Put PUT <vault>/privateEndpointConnections/{connection}
PrivateEndpointConnections_Delete DELETE <vault>/privateEndpointConnections/{connection}
PrivateEndpointConnections_ListByResource GET <vault>/privateEndpointConnections
ManagedHsms_Get GET <hsm>
ManagedHsms_CreateOrUpdate PUT <hsm>
ManagedHsms_Update PATCH <hsm>
ManagedHsms_Delete DELETE <hsm>
ManagedHsms_ListByResourceGroup GET <group>/providers/Microsoft.KeyVault/managedHSMs
ManagedHsms_ListBySubscription GET <sub>/providers/Microsoft.KeyVault/managedHSMs
ManagedHsms_GetDeleted GET <sub>/providers/Microsoft.KeyVault/locations/{location}/deletedManagedHSMs/{name}
ManagedHsms_PurgeDeleted POST <sub>/providers/Microsoft.KeyVault/locations/{location}/deletedManagedHSMs/{name}/purge
ManagedHsms_ListDeleted GET <sub>/providers/Microsoft.KeyVault/deletedManagedHSMs
ManagedHsms_CheckMhsmNameAvailability POST <sub>/providers/Microsoft.KeyVault/checkMhsmNameAvailability
Secrets_Get GET <vault>/secrets/{secret_name}
Secrets_CreateOrUpdate PUT <vault>/secrets/{secret_name}
Secrets_Update PATCH <vault>/secrets/{secret_name}
Secrets_List GET <vault>/secrets
Keys_Get GET <vault>/keys/{key_name}
Keys_CreateIfNotExist PUT <vault>/keys/{key_name}
Keys_List GET <vault>/keys
Keys_GetVersion GET <vault>/keys/{key_name}/versions/{key_version}
Keys_ListVersions GET <vault>/keys/{key_name}/versions
ManagedHsmKeys_Get GET <hsm>/keys/{key_name}
ManagedHsmKeys_CreateIfNotExist PUT <hsm>/keys/{key_name}
ManagedHsmKeys_List GET <hsm>/keys
ManagedHsmKeys_GetVersion GET <hsm>/keys/{key_name}/versions/{key_version}
ManagedHsmKeys_ListVersions GET <hsm>/keys/{key_name}/versions
PrivateLinkResources_ListByVault GET <vault>/privateLinkResources
MhsmPrivateLinkResources_ListByMhsmResource GET <hsm>/privateLinkResources
MhsmRegions_ListByResource GET <hsm>/regions
MhsmPrivateEndpointConnections_Get GET <hsm>/privateEndpointConnections/{connection}
MhsmPrivateEndpointConnections_Put PUT <hsm>/privateEndpointConnections/{connection}
MhsmPrivateEndpointConnections_Delete DELETE <hsm>/privateEndpointConnections/{connection}
MhsmPrivateEndpointConnections_ListByResource GET <hsm>/privateEndpointConnections
""",
    vault=_VAULT,
    hsm=_HSM,
    group=_GROUP,
    sub=_SUB,
)
KNOWN = known_operations(
    """
GetCertificates GET /certificates
DeleteCertificateContacts DELETE /certificates/contacts
GetCertificateContacts GET /certificates/contacts
SetCertificateContacts PUT /certificates/contacts
GetCertificateIssuers GET /certificates/issuers
RestoreCertificate POST /certificates/restore
DeleteCertificateIssuer DELETE /certificates/issuers/{issuer}
GetCertificateIssuer GET /certificates/issuers/{issuer}
UpdateCertificateIssuer PATCH /certificates/issuers/{issuer}
SetCertificateIssuer PUT /certificates/issuers/{issuer}
DeleteCertificate DELETE /certificates/{certificate}
GetCertificate GET /certificates/{certificate}
UpdateCertificate PATCH /certificates/{certificate}
BackupCertificate POST /certificates/{certificate}/backup
CreateCertificate POST /certificates/{certificate}/create
ImportCertificate POST /certificates/{certificate}/import
DeleteCertificateOperation DELETE /certificates/{certificate}/pending
GetCertificateOperation GET /certificates/{certificate}/pending
UpdateCertificateOperation PATCH /certificates/{certificate}/pending
MergeCertificate POST /certificates/{certificate}/pending/merge
GetCertificatePolicy GET /certificates/{certificate}/policy
UpdateCertificatePolicy PATCH /certificates/{certificate}/policy
GetCertificateVersions GET /certificates/{certificate}/versions
GetCertificate GET /certificates/{certificate}/{version}
UpdateCertificate PATCH /certificates/{certificate}/{version}
GetDeletedCertificates GET /deletedcertificates
PurgeDeletedCertificate DELETE /deletedcertificates/{certificate}
GetDeletedCertificate GET /deletedcertificates/{certificate}
RecoverDeletedCertificate POST /deletedcertificates/{certificate}/recover
GetDeletedKeys GET /deletedkeys
PurgeDeletedKey DELETE /deletedkeys/{key}
GetDeletedKey GET /deletedkeys/{key}
RecoverDeletedKey POST /deletedkeys/{key}/recover
GetDeletedSecrets GET /deletedsecrets
PurgeDeletedSecret DELETE /deletedsecrets/{secret}
GetDeletedSecret GET /deletedsecrets/{secret}
RecoverDeletedSecret POST /deletedsecrets/{secret}/recover
GetKeys GET /keys
RestoreKey POST /keys/restore
DeleteKey DELETE /keys/{key}
GetKey GET /keys/{key}
UpdateKey PATCH /keys/{key}
ImportKey PUT /keys/{key}
GetKeyAttestation GET /keys/{key}/attestation
BackupKey POST /keys/{key}/backup
CreateKey POST /keys/{key}/create
Decrypt POST /keys/{key}/decrypt
Encrypt POST /keys/{key}/encrypt
Release POST /keys/{key}/release
RotateKey POST /keys/{key}/rotate
GetKeyRotationPolicy GET /keys/{key}/rotationpolicy
UpdateKeyRotationPolicy PUT /keys/{key}/rotationpolicy
Sign POST /keys/{key}/sign
UnwrapKey POST /keys/{key}/unwrapkey
SecureUnwrapKey POST /keys/{key}/secureunwrapkey
Verify POST /keys/{key}/verify
GetKeyVersions GET /keys/{key}/versions
WrapKey POST /keys/{key}/wrapkey
SecureWrapKey POST /keys/{key}/securewrapkey
GetKey GET /keys/{key}/{version}
UpdateKey PATCH /keys/{key}/{version}
GetKeyAttestation GET /keys/{key}/{version}/attestation
Decrypt POST /keys/{key}/{version}/decrypt
Encrypt POST /keys/{key}/{version}/encrypt
Release POST /keys/{key}/{version}/release
Sign POST /keys/{key}/{version}/sign
UnwrapKey POST /keys/{key}/{version}/unwrapkey
SecureUnwrapKey POST /keys/{key}/{version}/secureunwrapkey
Verify POST /keys/{key}/{version}/verify
WrapKey POST /keys/{key}/{version}/wrapkey
SecureWrapKey POST /keys/{key}/{version}/securewrapkey
GetRandomBytes POST /rng
GetSecrets GET /secrets
RestoreSecret POST /secrets/restore
DeleteSecret DELETE /secrets/{secret}
GetSecret GET /secrets/{secret}
UpdateSecret PATCH /secrets/{secret}
SetSecret PUT /secrets/{secret}
BackupSecret POST /secrets/{secret}/backup
GetSecretVersions GET /secrets/{secret}/versions
GetSecret GET /secrets/{secret}/{version}
UpdateSecret PATCH /secrets/{secret}/{version}
"""
)
