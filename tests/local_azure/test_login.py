"""Login and metadata: tokens that Azure's clients can read, errors as Entra and ARM word them."""

import base64
import json
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from local_azure_iot import host_names
from local_azure_iot.login import principals
from tests.local_azure.in_process import ARM, GROUPS, Answer, InProcess

LOGIN = "login.microsoftonline.com"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def deployer(azure: InProcess) -> principals.Principal:
    """The application that `sandbox env` names."""
    found = principals.find(azure.azure.store, principals.directory(azure.azure.store).client_id)
    assert found
    return found


def post(azure: InProcess, form: dict[str, str], *, tenant: str = "", host: str = LOGIN) -> Answer:
    """Ask the v2 token endpoint."""
    path = f"/{tenant or azure.azure.tokens.tenant_id}/oauth2/v2.0/token"
    return azure.ask("POST", path, urlencode(form).encode(), host=host, token="", content_type="application/x-www-form-urlencoded")


def form_of(azure: InProcess, **changes: str) -> dict[str, str]:
    """What azure-identity sends for a client secret."""
    one = deployer(azure)
    form = {
        "grant_type": "client_credentials",
        "client_id": one.client_id,
        "client_secret": one.secret,
        "scope": "https://management.azure.com/.default",
    }
    return {name: value for name, value in {**form, **changes}.items() if value}


@pytest.mark.parametrize(("host", "scope", "audience"), [
    ("login.microsoftonline.com", "https://management.azure.com/.default", "https://management.azure.com"),
    ("login.microsoftonline.com", "https://management.core.windows.net//.default", "https://management.core.windows.net/"),
    ("login.microsoftonline.us", "https://management.usgovcloudapi.net/.default openid", "https://management.usgovcloudapi.net"),
    ("login.partner.microsoftonline.cn", "https://iothubs.azure.cn/.default", "https://iothubs.azure.cn"),
])  # fmt: skip
def test_a_token_is_verified_by_the_discovered_keys(azure: InProcess, host: str, scope: str, audience: str) -> None:
    """OpenID configuration leads to the token endpoint and the keys; the token carries the claims that clients read."""
    tenant = azure.azure.tokens.tenant_id
    found = azure.ask("GET", f"/{tenant}/v2.0/.well-known/openid-configuration", host=host, token="").json()
    answer = post(azure, form_of(azure, scope=scope), host=host).json()
    keys = azure.ask("GET", urlsplit(found["jwks_uri"]).path, host=host, token="").json()
    claims = jwt.decode(answer["access_token"], jwt.PyJWKSet.from_dict(keys).keys[0].key, algorithms=["RS256"], audience=audience)

    assert urlsplit(found["token_endpoint"]).path == f"/{tenant}/oauth2/v2.0/token"
    assert urlsplit(found["token_endpoint"]).netloc == host
    assert (answer["token_type"], claims["exp"] - claims["iat"]) == ("Bearer", answer["expires_in"])
    one = deployer(azure)
    assert (claims["oid"], claims["appid"], claims["tid"], claims["sub"]) == (one.object_id, one.client_id, tenant, one.object_id)
    assert claims["iss"] == f"https://sts.windows.net/{tenant}/"


@pytest.mark.parametrize(("changes", "status", "code"), [
    ({"client_secret": "wrong"}, 401, 7000215),
    ({"client_secret": ""}, 401, 7000218),
    ({"client_id": "00000000-0000-0000-0000-000000000000"}, 400, 700016),
    ({"client_id": ""}, 400, 900144),
    ({"grant_type": "password"}, 400, 70003),
    ({"grant_type": ""}, 400, 900144),
    ({"scope": "https://management.azure.com/user"}, 400, 1002012),
    ({"scope": ""}, 400, 900144),
])  # fmt: skip
def test_invalid_logins(azure: InProcess, changes: dict[str, str], status: int, code: int) -> None:
    """Each in Entra's envelope, with Entra's number."""
    answer = post(azure, form_of(azure, **changes))

    assert (answer.status, answer.code) == (status, code)


def test_another_tenant_is_not_found(azure: InProcess) -> None:
    """AADSTS90002."""
    assert post(azure, form_of(azure), tenant="11111111-1111-1111-1111-111111111111").code == 90002


@cache
def _keys(kind: str) -> tuple[Any, Any]:
    """Two keys of a kind, made when a test first needs them."""
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("kind", ["rsa", "ec"])
@pytest.mark.parametrize(("change", "code"), [
    ("", None), ("subject", 70021), ("audience", 70021), ("issuer", 70021), ("signature", 700027), ("expired", 700024), ("garbage", 50027),
    ("type", 50027), ("unsigned", 700027),
])  # fmt: skip
def test_a_federated_assertion(azure: InProcess, kind: str, change: str, code: int | None) -> None:
    """A pipeline's own token logs in when issuer, subject, audience, signature and dates are right, and not otherwise."""
    key, other = _keys(kind)
    algorithm = {"rsa": jwt.algorithms.RSAAlgorithm, "ec": jwt.algorithms.ECAlgorithm}[kind]
    known = {"keys": [{**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": "1"}]}
    one = deployer(azure)
    one.federated = [principals.FederatedCredential(issuer="https://token.example", subject="repo:x", audience="api://x", jwks=known)]
    with azure.azure.store.transaction():
        principals.save(azure.azure.store, one)
    now = int(azure.azure.clock.timestamp())
    claims = {"iss": "https://token.example", "sub": "repo:x", "aud": "api://x", "nbf": now, "exp": now + 300}
    if change in {"subject", "audience", "issuer"}:
        claims[{"subject": "sub", "audience": "aud", "issuer": "iss"}[change]] = "https://other"
    if change == "expired":
        claims |= {"nbf": now - 7200, "exp": now - 3600}
    signer = other if change == "signature" else key
    assertion = jwt.encode(claims, signer, "RS256" if kind == "rsa" else "ES256", headers={"kid": "1"})
    if change == "unsigned":
        assertion = jwt.encode(claims, None, "none", headers={"kid": "1"})  # type: ignore[arg-type] - the library takes None there
    form = form_of(azure, client_secret="", client_assertion_type="password" if change == "type" else ASSERTION)
    answer = post(azure, form | {"client_assertion": "garbage" if change == "garbage" else assertion})

    assert answer.status == (200 if code is None else 401)
    assert code is None or answer.code == code


@pytest.mark.parametrize(("change", "code"), [
    ("missing", "AuthenticationFailed"),
    ("basic", "AuthenticationFailedInvalidHeader"),
    ("expired", "ExpiredAuthenticationToken"),
    ("audience", "InvalidAuthenticationTokenAudience"),
    ("signature", "InvalidAuthenticationToken"),
    ("unsigned", "InvalidAuthenticationToken"),
    ("garbage", "InvalidAuthenticationToken"),
])  # fmt: skip
def test_arm_refuses_invalid_tokens(azure: InProcess, change: str, code: str) -> None:
    """401 with Azure's code and a challenge that names the authority."""
    head, payload, _ = azure.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if change == "expired":
        azure.azure.clock.advance(3700)
    value = {
        "missing": "",
        "basic": "Basic dXNlcjpwYXNz",
        "expired": f"Bearer {azure.token}",
        "audience": f"Bearer {azure.azure.tokens.issue(deployer(azure), 'https://iothubs.azure.net')}",
        "signature": f"Bearer {head}.{payload}.{'A' * 342}",
        "unsigned": f"Bearer {jwt.encode(claims, None, 'none')}",  # type: ignore[arg-type] - the library takes None there
        "garbage": "Bearer garbage",
    }[change]
    headers = {"authorization": value} if value else {}
    answer = azure.ask("GET", f"/subscriptions?api-version={GROUPS}", token="", **headers)

    assert (answer.status, answer.code) == (401, code)
    assert answer.headers["www-authenticate"].startswith(f'Bearer authorization_uri="https://{LOGIN}/{azure.azure.tokens.tenant_id}"')


def test_instance_discovery(azure: InProcess) -> None:
    """Azure's authorities are known, with their aliases; any other is not."""
    url = "/common/discovery/instance?api-version=1.1&authorization_endpoint="
    known = azure.ask("GET", f"{url}https://login.microsoftonline.us/common/oauth2/v2.0/authorize", host=LOGIN, token="").json()
    unknown = azure.ask("GET", f"{url}https://login.example.com/common/oauth2/v2.0/authorize", host=LOGIN, token="")

    assert {alias for each in known["metadata"] for alias in each["aliases"]} >= {"login.microsoftonline.us", LOGIN}
    assert (unknown.status, unknown.code) == (400, 50049)


@pytest.mark.parametrize("cloud", host_names.CLOUDS, ids=lambda cloud: cloud.name)
def test_metadata_in_each_shape(azure: InProcess, cloud: host_names.AzureCloud) -> None:
    """One object for go-azure-sdk and azure-native, a list for the az CLI, few members in the oldest; on loopback, our endpoints."""

    def endpoints(version: str, host: str) -> Any:
        return azure.ask("GET", f"/metadata/endpoints?api-version={version}", host=host, token="").json()

    one = endpoints("2022-09-01", cloud.arm)

    assert (one["name"], one["resourceManager"]) == (cloud.name, f"https://{cloud.arm}/")
    assert one["authentication"]["loginEndpoint"] == f"https://{cloud.login[0]}/"
    assert one["suffixes"]["iotHub"] == cloud.hub_suffix
    assert {each["name"] for each in endpoints("2019-05-01", cloud.arm)} == {each.name for each in host_names.CLOUDS}
    assert set(endpoints("2015-01-01", cloud.arm)["authentication"]) == {"loginEndpoint", "audiences"}
    assert endpoints("2022-09-01", "127.0.0.1:8443")["authentication"]["loginEndpoint"] == "https://127.0.0.1:8443/"
    assert endpoints("1999-01-01", cloud.arm)["error"]["code"] == "InvalidApiVersionParameter"


@pytest.mark.parametrize(("host", "endpoint"), [
    (ARM, "arm"), ("MANAGEMENT.AZURE.COM.", "arm"), ("management.usgovcloudapi.net", "arm"), ("management.chinacloudapi.cn", "arm"),
    ("login.windows.net", "login"),
    ("hub-1.azure-devices.net", "hub"), ("hub-1.azure-devices.us", "hub"), ("hub-1.azure-devices.cn", "hub"),
    ("global.azure-devices-provisioning.net", "device-provisioning"), ("dps.azure-devices-provisioning.net", "provisioning"),
    ("localhost", "loopback"), ("::1", "loopback"), ("127.9.9.9", "loopback"),
    ("azure-devices.net", None), ("a.b.azure-devices.net", None), (".azure-devices.net", None), ("evil-management.azure.com", None),
    ("management.azure.com.evil.example", None), ("example.com", None), ("", None),
])  # fmt: skip
def test_each_name_leads_to_its_endpoint(host: str, endpoint: str | None) -> None:
    """Azure's names lead to their endpoints, in upper and lower case; similar names are unknown."""
    destination = host_names.destination(host)

    assert (destination.endpoint.value if destination else None) == endpoint
