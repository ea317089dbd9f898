"""Microsoft's Python SDKs, unmodified: credentials, Resource Manager, IoT hubs and provisioning services, in each cloud."""

import base64
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import AzureAuthorityHosts, ClientSecretCredential, EnvironmentCredential, WorkloadIdentityCredential
from azure.keyvault.keys import KeyClient
from azure.mgmt.iothub import IotHubClient
from azure.mgmt.iothubprovisioningservices import IotDpsClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.kit.local_azure import LocalAzure

pytestmark = pytest.mark.stranger

CLOUDS = {
    "public": ("https://management.azure.com", AzureAuthorityHosts.AZURE_PUBLIC_CLOUD, "azure-devices.net"),
    "usgovernment": ("https://management.usgovcloudapi.net", AzureAuthorityHosts.AZURE_GOVERNMENT, "azure-devices.us"),
    "china": ("https://management.chinacloudapi.cn", AzureAuthorityHosts.AZURE_CHINA, "azure-devices.cn"),
}


@pytest.fixture(autouse=True)
def pointed(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has the environment of `sandbox env`."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_hub_by_its_clouds_own_names(azure: LocalAzure, cloud: str) -> None:
    """Under each cloud's names: a group, and a hub with that cloud's host name, which the other clouds don't show."""
    arm, authority, suffix = CLOUDS[cloud]
    ready = azure.ready
    credential = ClientSecretCredential(ready["tenant_id"], ready["client_id"], ready["client_secret"], authority=authority)
    scopes = {"base_url": arm, "credential_scopes": [f"{arm}/.default"]}
    groups = ResourceManagementClient(credential, ready["subscription_id"], **scopes).resource_groups
    groups.create_or_update("sdk", {"location": "westeurope"})
    hubs = IotHubClient(credential, ready["subscription_id"], **scopes).iot_hub_resource
    name = f"sdk-{cloud}"
    body: Any = {"location": "westeurope", "sku": {"name": "S1", "capacity": 1}}
    created = hubs.begin_create_or_update("sdk", name, body, polling_interval=0).result()
    assert created.properties.host_name == f"{name}.{suffix}"
    assert [hub.name for hub in hubs.list_by_subscription()] == [name]
    groups.begin_delete("sdk", polling_interval=0).result()
    assert list(groups.list()) == []


def test_proof_on_a_hub_and_on_a_provisioning_service(azure: LocalAzure, tmp_path: Path) -> None:
    """A proof signed by openssl; with one service's code, it is refused by the other."""
    credential, subscription = EnvironmentCredential(), azure.ready["subscription_id"]
    ResourceManagementClient(credential, subscription).resource_groups.create_or_update("proof", {"location": "westeurope"})
    hub, dps = IotHubClient(credential, subscription), IotDpsClient(credential, subscription)
    place: Any = {"location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "properties": {}}
    hub.iot_hub_resource.begin_create_or_update("proof", "proof-hub", place, polling_interval=0).result()
    dps.iot_dps_resource.begin_create_or_update("proof", "proof-dps", place, polling_interval=0).result()
    _openssl(tmp_path, "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 9 -subj /CN=Trial")
    text = base64.b64encode((tmp_path / "ca.pem").read_bytes()).decode()
    created: Any = hub.certificates.create_or_update("proof", "proof-hub", "ca", {"properties": {"certificate": text}})
    coded: Any = hub.certificates.generate_verification_code("proof", "proof-hub", "ca", created.etag)
    other: Any = dps.dps_certificate.create_or_update("proof", "proof-dps", "ca", {"properties": {"certificate": text}})
    answer = _proof(tmp_path, coded.properties.verification_code)
    etag = dps.dps_certificate.generate_verification_code("ca", "proof", "proof-dps", etag=other.etag, match_condition=_same()).etag
    with pytest.raises(HttpResponseError, match="400053"):
        dps.dps_certificate.verify_certificate("ca", "proof", "proof-dps", {"certificate": answer}, etag=etag, match_condition=_same())
    verified: Any = hub.certificates.verify("proof", "proof-hub", "ca", coded.etag, {"certificate": answer})
    assert verified.properties.is_verified is True


def test_a_vault_and_its_keys_over_soft_delete(azure: LocalAzure) -> None:
    """Create, change, allow by access policy, delete and recover a vault and a key in it; purge both."""
    credential, subscription = EnvironmentCredential(), azure.ready["subscription_id"]
    ResourceManagementClient(credential, subscription).resource_groups.create_or_update("vaults", {"location": "westeurope"})
    vaults, name = KeyVaultManagementClient(credential, subscription).vaults, f"sdk-{uuid.uuid4().hex[:8]}"
    asked: Any = {"name": name, "type": "Microsoft.KeyVault/vaults"}
    place: Any = {"location": "westeurope", "properties": {"tenantId": azure.ready["tenant_id"], "sku": {"family": "A", "name": "premium"}}}
    place["properties"] |= {"accessPolicies": [], "enableRbacAuthorization": False, "softDeleteRetentionInDays": 7}
    assert vaults.check_name_availability(asked).name_available is True
    created = vaults.begin_create_or_update("vaults", name, place).result()
    assert created.properties.provisioning_state == "Succeeded"
    assert vaults.check_name_availability(asked).reason == "AlreadyExists"
    oid = jwt.decode(credential.get_token("https://management.azure.com/.default").token, options={"verify_signature": False})["oid"]
    policy: Any = {"tenantId": azure.ready["tenant_id"], "objectId": oid, "permissions": {"keys": ["all", "purge"]}}
    vaults.update_access_policy("vaults", name, "add", {"properties": {"accessPolicies": [policy]}})
    vaults.update("vaults", name, {"tags": {"line": "two"}})
    keys = KeyClient(created.properties.vault_uri, credential)
    made = keys.create_ec_key("root", curve="P-384", hardware_protected=True)
    assert keys.begin_delete_key("root").result().recovery_id == f"{created.properties.vault_uri}deletedkeys/root"
    with pytest.raises(ResourceExistsError, match="ObjectIsDeletedButRecoverable"):
        keys.create_ec_key("root")
    assert keys.begin_recover_deleted_key("root").result().id == made.id
    vaults.delete("vaults", name)
    with pytest.raises(ResourceNotFoundError):
        vaults.get("vaults", name)
    with pytest.raises(ResourceExistsError, match="recover or purge"):
        vaults.begin_create_or_update("vaults", name, place)
    assert name in {each.name for each in vaults.list_deleted()}
    place["properties"]["createMode"] = "recover"
    assert vaults.begin_create_or_update("vaults", name, place).result().tags == {"line": "two"}
    assert [each.id for each in keys.list_properties_of_key_versions("root")] == [made.id]
    assert [each.id for each in vaults.list_by_resource_group("vaults")] == [each.id for each in vaults.list()] == [created.id]
    keys.begin_delete_key("root").wait()
    keys.purge_deleted_key("root")
    vaults.delete("vaults", name)
    assert vaults.get_deleted(name, "westeurope").properties.vault_id == created.id
    vaults.begin_purge_deleted(name, "westeurope").wait()
    assert list(vaults.list_deleted()) == []


def test_a_pipeline_logs_in_with_its_own_token(azure: LocalAzure, tmp_path: Path) -> None:
    """Workload identity federation: a token of the pipeline's issuer in place of a client secret."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = {"iss": "https://token.example", "sub": "repo:contoso/plant:ref:main", "aud": "api://AzureADTokenExchange"}
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    known = {
        "client_id": azure.ready["client_id"],
        "issuer": claims["iss"],
        "subject": claims["sub"],
        "jwks": {"keys": [{**jwk, "kid": "1"}]},
    }
    azure.control("POST", "/federated-credentials", known)
    now = int(time.time())
    file = tmp_path / "token"
    file.write_text(jwt.encode({**claims, "nbf": now, "exp": now + 300}, key, "RS256", headers={"kid": "1"}))
    ids = {"tenant_id": azure.ready["tenant_id"], "client_id": azure.ready["client_id"], "token_file_path": str(file)}
    credential = WorkloadIdentityCredential(**ids)
    assert isinstance(list(ResourceManagementClient(credential, azure.ready["subscription_id"]).resource_groups.list()), list)
    file.write_text(jwt.encode({**claims, "sub": "repo:somebody/else", "nbf": now, "exp": now + 300}, key, "RS256", headers={"kid": "1"}))
    with pytest.raises(Exception, match="AADSTS70021"):
        WorkloadIdentityCredential(**ids).get_token("https://management.azure.com/.default")


def _same() -> Any:
    from azure.core import MatchConditions

    return MatchConditions.IfNotModified


def _openssl(folder: Path, line: str) -> None:
    subprocess.run(["openssl", *line.split()], cwd=folder, check=True, capture_output=True)


def _proof(folder: Path, code: str) -> str:
    _openssl(folder, f"req -new -newkey rsa:2048 -nodes -keyout proof.key -subj /CN={code} -out proof.csr")
    _openssl(folder, "x509 -req -in proof.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -out proof.pem")
    return (folder / "proof.pem").read_text()
