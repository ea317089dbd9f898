"""Logins, clouds and clocks: what local Azure refuses and accepts, without injected faults."""

import json
import ssl
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hubtrust import signer_inputs
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.provider_process import CallFailedError, ProviderProcess
from tests.kit.relay import Relay
from tests.kit.root_authority import RootAuthority

ISSUER, SUBJECT = "https://token.actions.githubusercontent.com", "repo:contoso/plant:ref:refs/heads/main"
AUDIENCE = "api://AzureADTokenExchange"


def fails(environment: dict[str, str], news: dict[str, Any]) -> str:
    """The error of a create that fails in a process with this environment."""
    with ProviderProcess(environment) as process:
        return process.of(VerifiedCertificateProvider).create_error(news)


@pytest.mark.parametrize("role", ["Reader", None])
def test_a_login_without_the_role(environment: dict[str, str], hub: Hub, relay: Relay, role: str | None) -> None:
    """A login that may only read, and one without any rights: Azure's 403 with the role to assign; nothing is left behind."""
    who = hub.azure.control("POST", "/principals", {"role": role, "scope": hub.id})
    login = {"AZURE_CLIENT_ID": who["client_id"], "AZURE_CLIENT_SECRET": who["client_secret"]}
    text = fails(environment | login, RootAuthority().declared(hub, relay, deadline=1))
    assert "Azure answers 403 AuthorizationFailed" in text
    assert "give this identity the role that allows it (Contributor on the hub's resource group)" in text
    assert hub.certificates() == {}


def test_an_unknown_subscription_is_reported(environment: dict[str, str], hub: Hub, relay: Relay) -> None:
    """A subscription that this login does not know: Azure's words and what to check."""
    elsewhere = hub.id.replace(hub.azure.ready["subscription_id"], "99999999-9999-4999-8999-999999999999")
    text = fails(environment, RootAuthority().declared(hub, relay, serviceId=elsewhere, deadline=1))
    assert "SubscriptionNotFound" in text
    assert "check the subscription id and the tenant of the login (az account show)" in text


@pytest.fixture
def pipeline(azure: LocalAzure, tmp_path: Path) -> tuple[str, Path]:
    """A client id that a pipeline may log in as, and the file with the pipeline's token; there is no client secret."""
    who = azure.control("POST", "/principals", {"role": "Contributor"})
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": "one", "use": "sig"}
    federated = {"client_id": who["client_id"], "issuer": ISSUER, "subject": SUBJECT, "audience": AUDIENCE, "jwks": {"keys": [public]}}
    azure.control("POST", "/federated-credentials", federated)
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "iat": now, "nbf": now - 5, "exp": now + 600}
    path = tmp_path / "token"
    path.write_text(jwt.encode(claims, key, algorithm="RS256", headers={"kid": "one"}))
    return who["client_id"], path


@pytest.mark.parametrize("names", ["ARM", "AZURE"])
def test_a_pipeline_logs_in_by_workload_identity(
    environment: dict[str, str], azure: LocalAzure, hub: Hub, relay: Relay, pipeline: tuple[str, Path], names: str
) -> None:
    """By azure-native's variables and by azure-identity's own: a federated token instead of a secret, and the CA is proven."""
    client, path = pipeline
    login = {"ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN_FILE_PATH": str(path)} if names == "ARM" else {"AZURE_FEDERATED_TOKEN_FILE": str(path)}
    login |= {f"{names}_TENANT_ID": azure.ready["tenant_id"], f"{names}_CLIENT_ID": client}
    kept = {name: value for name, value in environment.items() if not name.startswith("AZURE_")}
    with ProviderProcess(kept | login) as process:
        created = process.of(VerifiedCertificateProvider).create(RootAuthority().declared(hub, relay))
    assert (created.outs["proof"], hub.verified()) == ("possession", {created.outs["certificateName"]: True})


def test_a_token_for_another_branch_is_refused(
    environment: dict[str, str], azure: LocalAzure, hub: Hub, relay: Relay, pipeline: tuple[str, Path]
) -> None:
    """A federated token that the application does not know: Entra's words in one line, and the token is not repeated."""
    client, path = pipeline
    login = {"ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN_FILE_PATH": str(path), "ARM_TENANT_ID": azure.ready["tenant_id"]}
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.write_text(jwt.encode({"iss": ISSUER, "sub": "repo:other/fork", "aud": AUDIENCE}, key, algorithm="RS256"))
    kept = {name: value for name, value in environment.items() if not name.startswith("AZURE_")}
    text = fails(kept | login | {"ARM_CLIENT_ID": client}, RootAuthority().declared(hub, relay))
    assert "check the tenant, the client id and the secret or federated credential that this login uses: Azure refuses them" in text
    assert path.read_text() not in text


@pytest.mark.parametrize(
    ("cloud", "manager"), [("usgovernment", "https://management.usgovcloudapi.net"), ("china", "https://management.chinacloudapi.cn")]
)
def test_each_other_cloud_is_reached_by_its_names(azure: LocalAzure, cloud: str, manager: str) -> None:
    """Login and Resource Manager of each cloud are reached under their own names; a hub of one cloud does not exist in another."""
    trust = ssl.create_default_context(cafile=azure.ready["ca_file"])
    environment = azure.environment | {"HTTPS_PROXY": azure.ready["proxy"], "REQUESTS_CA_BUNDLE": azure.ready["ca_file"]}
    with httpx.Client(base_url=manager, proxy=azure.ready["proxy"], verify=trust, timeout=120) as client:
        there = LocalAzure(azure.ready, client)
        there.log_in()
        hub, authority = there.hub(), RootAuthority()
        news = {"serviceId": hub.id, "certificate": authority.pem, "signer": signer_inputs.in_state(authority.private_pem), "cloud": cloud}
        with ProviderProcess(environment) as process:
            created = process.of(VerifiedCertificateProvider).create(news)
            assert (created.outs["proof"], hub.verified()) == ("possession", {created.outs["certificateName"]: True})
            with pytest.raises(CallFailedError, match="Azure answers 404"):
                process.of(VerifiedCertificateProvider).create(news | {"cloud": "public", "deadline": 1})


@pytest.mark.parametrize("minutes", [-20, 20, 60 * 24 * 2])
def test_proofs_are_dated_by_azures_clock(environment: dict[str, str], hub: Hub, relay: Relay, minutes: int) -> None:
    """Azure's clock is behind ours, ahead of it, or days ahead: proofs are dated by Azure's clock, so they are valid there."""
    hub.azure.control("PUT", "/clock", {"advance": minutes * 60})
    try:
        hub.azure.log_in()
        with ProviderProcess(environment) as process:
            created = process.of(VerifiedCertificateProvider).create(RootAuthority().declared(hub, relay))
        assert (created.outs["proof"], hub.verified()) == ("possession", {created.outs["certificateName"]: True})
    finally:
        hub.azure.control("DELETE", "/clock")
        hub.azure.log_in()
