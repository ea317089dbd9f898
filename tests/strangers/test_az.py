"""The az CLI, unmodified: a hub, a provisioning service, their certificates, and a proof signed by openssl."""

import json
from pathlib import Path

import pytest

from tests.kit.key_stores import OFFICER
from tests.kit.local_azure import LocalAzure
from tests.kit.samples import sampled
from tests.strangers.conftest import Shell

pytestmark = [pytest.mark.stranger, pytest.mark.usefixtures("az")]

_LOGIN = 'az login --service-principal --username "$AZURE_CLIENT_ID" --password "$AZURE_CLIENT_SECRET" --tenant "$AZURE_TENANT_ID"'
_CA = 'openssl req -x509 -newkey rsa:2048 -nodes -keyout {0}.key -out {0}.pem -days 30 -subj "/CN={1}"'
_PROOF = (
    'openssl req -new -newkey rsa:2048 -nodes -keyout proof.key -subj "/CN={0}" '
    "| openssl x509 -req -CA {1}.pem -CAkey {1}.key -CAcreateserial -days 1 -out proof.pem"
)


@pytest.mark.parametrize(("service", "flag", "make"), sampled([
    ("hub", "--hub-name", "az iot hub create --resource-group {group} --name {name} --sku S1 --location westeurope"),
    ("dps", "--dps-name", "az iot dps create --resource-group {group} --name {name} --location westeurope"),
], 1))  # fmt: skip
def test_a_certificate_from_upload_to_deletion(shell: Shell, service: str, flag: str, make: str) -> None:
    """Create, code, a proof with a wrong key (Azure's error 400053), a proof with the right one, delete; then the group is deleted."""
    group, name = f"az-{service}", f"az-{service}-trial"
    shell(_LOGIN)
    shell(f"az group create --name {group} --location westeurope")
    assert json.loads(shell(make.format(group=group, name=name)).stdout)["properties"]["state"] == "Active"
    shell(_CA.format("ca", "Trial CA"))
    shell(_CA.format("other", "Trial CA"))
    az = f"az iot {service} certificate"
    where = f"{flag} {name} --resource-group {group} --name ca"
    created = json.loads(shell(f"{az} create {where} --path ca.pem").stdout)
    coded = json.loads(shell(f"{az} generate-verification-code {where} --etag '{created['etag']}'").stdout)
    code, etag = coded["properties"]["verificationCode"], coded["etag"]
    shell(_PROOF.format(code, "other"))
    refused = shell(f"{az} verify {where} --etag '{etag}' --path proof.pem", check=False)
    assert refused.returncode != 0
    assert "400053" in refused.stderr
    assert "Issuer certificate 'CN=Trial CA' cannot be found in the certificate chain" in refused.stderr
    shell(_PROOF.format(code, "ca"))
    verified = json.loads(shell(f"{az} verify {where} --etag '{etag}' --path proof.pem").stdout)
    assert verified["properties"]["isVerified"] is True
    shell(f"{az} delete {where} --etag '{verified['etag']}'")
    assert json.loads(shell(f"{az} list {flag} {name} --resource-group {group}").stdout)["value"] == []
    shell(f"az group delete --name {group} --yes")
    assert shell(f"az group exists --name {group}").stdout.strip() == "false"


def test_a_role_is_assigned(azure: LocalAzure, shell: Shell, tmp_path: Path) -> None:
    """`az role assignment create` finds the role by its name and assigns it on a scope. The user's own login is left alone."""
    shell(_LOGIN)
    assert not (tmp_path / ".azure").exists()
    assert azure.ready["client_id"] in (Path(azure.ready["az_folder"]) / "azureProfile.json").read_text(encoding="utf-8-sig")
    principal = "11111111-2222-4333-8444-555555555555"
    flags = f"--assignee-object-id {principal} --assignee-principal-type ServicePrincipal --role 'IoT Hub Data Contributor'"
    created = json.loads(shell(f'az role assignment create {flags} --scope "/subscriptions/$AZURE_SUBSCRIPTION_ID"').stdout)
    assert created["principalId"] == principal


def test_a_role_is_assigned_to_whoever_has_a_name(azure: LocalAzure, shell: Shell) -> None:
    """`--assignee` takes an application's id, which az resolves with Microsoft Graph; the list shows it again."""
    shell(_LOGIN)
    principal = azure.control("POST", "/principals", {})
    who = f"--assignee {principal['client_id']}"
    scope = '--scope "/subscriptions/$AZURE_SUBSCRIPTION_ID"'
    created = json.loads(shell(f"az role assignment create {who} --role Reader {scope}").stdout)
    listed = json.loads(shell(f"az role assignment list {who} {scope}").stdout)

    assert (created["principalId"], created["principalType"]) == (principal["object_id"], "ServicePrincipal")
    assert [(each["principalId"], each["principalName"]) for each in listed] == [(principal["object_id"], principal["client_id"])]


def test_a_vault_and_its_keys(azure: LocalAzure, shell: Shell) -> None:
    """Create, a key, show by name alone, delete, list what is deleted, recover, list."""
    shell(f"{_LOGIN}\naz group create --name az-vaults --location westeurope")
    created = json.loads(shell("az keyvault create --resource-group az-vaults --name az-vault-1 --location westeurope").stdout)
    assert created["properties"]["enableRbacAuthorization"] is True
    azure.grant(OFFICER, created["id"])
    key = json.loads(shell("az keyvault key create --vault-name az-vault-1 --name root --kty EC --curve P-384").stdout)
    assert key["key"]["crv"] == "P-384"
    assert json.loads(shell("az keyvault show --name az-vault-1").stdout)["id"] == created["id"]
    shell("az keyvault delete --name az-vault-1")
    assert [each["name"] for each in json.loads(shell("az keyvault list-deleted").stdout)] == ["az-vault-1"]
    shell("az keyvault recover --name az-vault-1")
    assert [each["name"] for each in json.loads(shell("az keyvault list --resource-group az-vaults").stdout)] == ["az-vault-1"]


def test_the_registry_by_az_rest(azure: LocalAzure, shell: Shell, environment: dict[str, str]) -> None:
    """azure-cli itself has no command for devices; `az rest` reaches the registry with az's token and a data role on the hub."""
    hub = azure.hub().id
    role = {"role": "IoT Hub Data Contributor", "scope": hub}
    created = azure.control("POST", "/principals", role)
    environment |= {"AZURE_CLIENT_ID": created["client_id"], "AZURE_CLIENT_SECRET": created["client_secret"]}
    shell(f"{_LOGIN} --allow-no-subscriptions")
    url = f"https://{hub.rpartition('/')[2]}.azure-devices.net"
    rest = f"az rest --resource https://iothubs.azure.net --method {{0}} --url '{url}{{1}}?api-version=2021-04-12' --body '{{2}}'"
    body = json.dumps({"deviceId": "press-001", "authentication": {"type": "certificateAuthority"}})
    assert json.loads(shell(rest.format("put", "/devices/press-001", body)).stdout)["status"] == "enabled"
    query = json.dumps({"query": "SELECT deviceId FROM devices"})
    assert json.loads(shell(rest.format("post", "/devices/query", query)).stdout) == [{"deviceId": "press-001"}]
    again = shell(rest.format("put", "/devices/press-001", body), check=False)
    assert "A device with ID" in again.stderr
