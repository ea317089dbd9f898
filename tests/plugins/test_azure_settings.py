"""Configuration, clouds and credentials of the azure-native stand-in."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from pulumi.runtime.proto import provider_pb2

from sandbox.plugins.azure_native.cloud_endpoints import CHINA, PUBLIC, US_GOVERNMENT, named_cloud
from sandbox.plugins.azure_native.credentials import _ClientAssertion
from sandbox.plugins.azure_native.http_client import HttpClient, proxies_for
from sandbox.plugins.azure_native.http_response import UnreachableError
from sandbox.plugins.azure_native.plugin import plugin
from sandbox.plugins.azure_native.settings import ENVIRONMENT_VARIABLES, Settings
from sandbox.plugins.azure_native.timing import Timing
from sandbox.plugins.resource import PluginError
from tests.plugins.accounts import CREDENTIALS, SUBSCRIPTION, configured
from tests.plugins.scripted_azure import ScriptedAzure, metadata

if TYPE_CHECKING:
    from pathlib import Path

AT_ONCE = Timing(put_poll=0, delete_poll=0, first_retry=0, connect=10, answer=10)
CONFIG = "azure-native:authorization:getClientConfig"
TOKEN = "azure-native:authorization:getClientToken"
KEYS = "azure-native:iothub:listIotHubResourceKeys"
HUB = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Devices/IotHubs/hub"


def token_with(**claims: Any) -> dict[str, Any]:
    """A token answer whose access token has these claims."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "none"}, claims)]
    return {"access_token": ".".join([*parts, "signature"]), "token_type": "Bearer", "expires_in": 3600}


@pytest.mark.parametrize("key", [key for key, names in ENVIRONMENT_VARIABLES.items() if names])
def test_configuration_takes_precedence_over_the_environment(key: str) -> None:
    """A key that is present, even empty, hides the variable; otherwise the first variable with a value is used."""
    environment = {name: f"from {name}" for name in ENVIRONMENT_VARIABLES[key]}
    assert Settings({}, environment).get(key) == f"from {ENVIRONMENT_VARIABLES[key][0]}"
    assert Settings({f"azure-native:config:{key}": ""}, environment).get(key) == ""
    assert Settings({f"azure-native:config:{key}": "mine"}, environment).get(key) == "mine"


def test_only_true_is_on() -> None:
    """Any other value of a boolean key means off."""
    values = {value: Settings({"azure-native:config:useMsi": value}, {}).is_on("useMsi") for value in ("true", "True", "1", "yes", "")}
    assert values == {"true": True, "True": False, "1": False, "yes": False, "": False}


@pytest.mark.parametrize("missing", ["subscriptionId", "tenantId", "clientId"])
@pytest.mark.parametrize("kind", [{"clientSecret": "s"}, {"useOidc": "true"}, {"clientCertificatePath": "none.pem"}], ids=str)
def test_a_missing_setting_is_named(missing: str, kind: dict[str, str]) -> None:
    """A service principal needs three more settings; the error says how to set the missing one."""
    variables = {name: value for name, value in CREDENTIALS.items() if name not in (missing, "clientSecret")}
    with pytest.raises(PluginError, match=f"no {missing} for Azure: run `pulumi config set azure-native:{missing} <value>` or set ARM_"):
        configured(plugin(None, environment={}), {**variables, **kind})


@pytest.mark.parametrize("kind", ["useMsi", "useDefaultAzureCredential"])
def test_only_the_azure_cli_provides_the_subscription(kind: str) -> None:
    """Every other credential needs it in the settings."""
    with pytest.raises(PluginError, match="no subscriptionId for Azure"):
        configured(plugin(None, environment={}), {kind: "true"})


def test_without_a_credential_the_error_lists_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings and no Azure CLI."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PluginError, match=r"no credentials for Azure: set azure-native:clientId, .* or install the Azure CLI"):
        configured(plugin(None, environment={}), {})


def test_an_engine_too_old_is_refused() -> None:
    """Without old inputs no diff is possible."""
    with pytest.raises(PluginError, match=r"needs Pulumi CLI v3\.74\.0 or later"):
        plugin(None, environment={}).configure({}, provider_pb2.ConfigureRequest(sends_old_inputs=True))


def test_nothing_works_before_it_is_configured() -> None:
    """A PluginError is raised, not a crash."""
    with pytest.raises(PluginError, match="not configured yet"):
        plugin(None).functions[CONFIG]({})


@pytest.mark.parametrize(
    ("name", "cloud"),
    [("", PUBLIC), ("public", PUBLIC), ("AzureCloud", PUBLIC), ("usgovernment", US_GOVERNMENT), ("china", CHINA)],
)
def test_clouds_have_names(name: str, cloud: Any) -> None:
    """Names are not case-sensitive; the public cloud is the default."""
    assert named_cloud(name) == cloud


def test_an_unknown_cloud_is_refused() -> None:
    """The error lists the clouds that exist."""
    with pytest.raises(PluginError, match=r"unknown Azure environment 'moon': set .* to public, usgovernment or china"):
        named_cloud("moon")


def test_the_public_scope_has_a_double_slash() -> None:
    """As azcore sends it: the audience ends with a slash, and /.default is appended."""
    assert PUBLIC.arm_scope == "https://management.core.windows.net//.default"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, None, "answered 500 to GET"),
        (200, "[]", "has no valid"),
        (200, {"name": "x"}, "has no valid 'authentication'"),
        (200, {"name": "x", "authentication": {"loginEndpoint": "l", "audiences": []}, "resourceManager": "r"}, "has no valid list index"),
    ],
    ids=str,
)
def test_bad_metadata_is_named(azure: ScriptedAzure, status: int, body: Any, reason: str) -> None:
    """The host is asked once, and the error names what is missing."""
    azure.say_only("GET", "/metadata/endpoints", status, body)
    with pytest.raises(PluginError, match=reason):
        configured(plugin(None, timing=AT_ONCE, environment={}), azure.variables())
    assert len(azure.asked) == 1


def test_a_metadata_host_needs_no_scheme_and_may_send_a_byte_order_mark(azure: ScriptedAzure) -> None:
    """Https is the default, and a byte-order mark before the JSON is skipped."""
    described = metadata(azure.url)
    azure.say_only("GET", "/metadata/endpoints", 200, "\ufeff" + json.dumps(described))
    ready = configured(plugin(None, environment={}), {**azure.variables(), "metadataHost": f"localhost:{azure.port}"})
    assert (ready.account().arm.endpoint, ready.account().cloud.graph) == (azure.url, "https://graph.example")


def test_a_plain_http_arm_is_refused(azure: ScriptedAzure) -> None:
    """A bearer token is never sent unencrypted."""
    azure.say_only("GET", "/metadata/endpoints", 200, {**metadata(azure.url), "resourceManager": "http://localhost/"})
    with pytest.raises(PluginError, match="is not https"):
        configured(plugin(None, environment={}), azure.variables())


def test_a_root_that_is_not_trusted_is_an_error_with_its_cause(azure: ScriptedAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line: the client, the reason and what to check."""
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(PluginError, match=rf"GET localhost:{azure.port}: no answer: .*certificate verify failed.*; check .*SSL_CERT_FILE"):
        configured(plugin(None, timing=AT_ONCE, environment={}), azure.variables())


def test_a_refused_login_names_who_and_why(azure: ScriptedAzure) -> None:
    """The error has the login service's description and the settings to check, never the secret."""
    path = f"/{CREDENTIALS['tenantId']}/oauth2/v2.0/token"
    azure.say_only("POST", path, 401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."})
    ready = configured(plugin(None, environment={}), {**azure.variables(), "clientSecret": "hush"})
    with pytest.raises(PluginError, match=r"cannot log in to Azure as client: AADSTS7000215: .* check clientId") as failed:
        ready.functions[TOKEN]({})
    assert "hush" not in str(failed.value)


def test_a_certificate_logs_in(azure: ScriptedAzure, tmp_path: Path) -> None:
    """A PEM file with key and certificate is used to sign an assertion in place of a secret."""
    file = tmp_path / "client.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=client",
        "-keyout",
        file,
        "-out",
        tmp_path / "c.pem",
    ]
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text() + (tmp_path / "c.pem").read_text())
    variables = {name: value for name, value in azure.variables().items() if name != "clientSecret"}
    ready = configured(plugin(None, environment={}), {**variables, "clientCertificatePath": str(file)})
    assert ready.functions[TOKEN]({}).inputs == {"token": "token"}
    assert "client_assertion=" in azure.asked[-1].body


@pytest.mark.parametrize("source", ["token", "file", "request"])
def test_oidc_takes_the_workloads_token(azure: ScriptedAzure, tmp_path: Path, source: str) -> None:
    """The token comes from the configuration, a file, or a service that is asked for one with the audience."""
    (tmp_path / "token").write_text("workload\n")
    azure.queue("GET", "/oidc", 200, {"value": "workload"})
    chosen = {
        "token": {"oidcToken": "workload"},
        "file": {"oidcTokenFilePath": str(tmp_path / "token")},
        "request": {"oidcRequestUrl": f"{azure.url}/oidc?x=1", "oidcRequestToken": "t"},
    }[source]
    settings = Settings({f"azure-native:config:{key}": value for key, value in chosen.items()}, {})
    assert _ClientAssertion(settings, HttpClient(connect=5, answer=5))() == "workload"
    if source == "request":
        assert azure.asked[-1].query == {"x": "1", "audience": "api://AzureADTokenExchange"}
    variables = {name: value for name, value in azure.variables().items() if name != "clientSecret"}
    ready = configured(plugin(None, environment={}), {**variables, **chosen, "useOidc": "true"})
    ready.functions[TOKEN]({})
    assert "client_assertion=workload" in azure.asked[-1].body


def test_the_client_config_is_read_from_the_graph_token(azure: ScriptedAzure) -> None:
    """GetClientConfig: the claims of a token for Microsoft Graph."""
    path = f"/{CREDENTIALS['tenantId']}/oauth2/v2.0/token"
    azure.say_only("POST", path, 200, token_with(appid="app", oid="object", tid="home"))
    ready = configured(plugin(None, environment={}), azure.variables())
    found = ready.functions[CONFIG]({}).inputs
    assert found == {"clientId": "app", "objectId": "object", "subscriptionId": SUBSCRIPTION, "tenantId": "home"}
    assert "graph.example%2F.default" in azure.asked[-1].body


def test_graph_is_asked_for_the_object_id_missing_in_the_token(azure: ScriptedAzure) -> None:
    """It is looked up by the application's id; an id unknown to Graph is an error that names it."""
    azure.say_only("GET", "/metadata/endpoints", 200, {**metadata(azure.url), "microsoftGraphResourceId": f"{azure.url}/"})
    azure.queue("GET", "/v1.0/servicePrincipals", 200, {"value": [{"id": "object"}]}).queue("GET", "/v1.0/servicePrincipals", 403)
    ready = configured(plugin(None, environment={}), azure.variables())
    assert ready.functions[CONFIG]({}).inputs["objectId"] == "object"
    assert azure.asked[-1].query == {"$filter": "appId eq 'client'"}
    with pytest.raises(PluginError, match=r"the token has no oid and Microsoft Graph knows no service principal client \(status 403\)"):
        ready.functions[CONFIG]({})


def test_a_cloud_without_graph_has_no_client_config(azure: ScriptedAzure) -> None:
    """The error names what the metadata lacks."""
    azure.say_only("GET", "/metadata/endpoints", 200, {**metadata(azure.url), "microsoftGraphResourceId": None})
    with pytest.raises(PluginError, match="the cloud Scripted has no Microsoft Graph"):
        configured(plugin(None, environment={}), azure.variables()).functions[CONFIG]({})


def test_the_azure_cli_gives_subscription_and_tokens(azure: ScriptedAzure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any other credential, `az` is used; its own message is shown when it is not logged in."""
    token = {"accessToken": "from the cli", "expires_on": 4102444800, "tenant": "t", "tokenType": "Bearer"}
    (tmp_path / "az").write_text(f"""#!/bin/sh
case "$*" in
*get-access-token*) echo '{json.dumps(token)}' ;;
*) [ -e "{tmp_path}/out" ] && {{ echo "Please run az login" >&2; exit 1; }}; echo '{{"id": "{SUBSCRIPTION}"}}' ;;
esac
""")
    (tmp_path / "az").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    ready = configured(plugin(None, environment={}), {"metadataHost": azure.url})
    assert (ready.account().subscription, ready.functions[TOKEN]({}).inputs) == (SUBSCRIPTION, {"token": "from the cli"})
    (tmp_path / "out").touch()
    with pytest.raises(PluginError, match="`az account show` failed: Please run az login; run `az login`"):
        configured(plugin(None, environment={}), {"metadataHost": azure.url})


def test_a_token_is_for_the_endpoint_asked_for(azure: ScriptedAzure) -> None:
    """GetClientToken takes the endpoint verbatim; the default is ARM with a slash, which results in two."""
    ready = configured(plugin(None, environment={}), azure.variables())
    for arguments, scope in (({"endpoint": "https://vault.example"}, "vault.example%2F.default"), ({}, f"{azure.port}%2F%2F.default")):
        assert ready.functions[TOKEN](arguments).inputs == {"token": "token"}
        assert scope in azure.asked[-1].body


def test_the_keys_of_a_hub_are_listed(azure: ScriptedAzure) -> None:
    """POST with an empty object; properties unknown to the SDK are dropped; an error names the path."""
    rule = {"keyName": "iothubowner", "primaryKey": "p", "secondaryKey": "s", "rights": "r"}
    azure.queue("POST", f"{HUB}/listkeys", 200, {"value": [{**rule, "other": 1}]}).queue(
        "POST", f"{HUB}/listkeys", 404, {"error": {"message": "no"}}
    )
    ready = configured(plugin(None, environment={}), azure.variables())
    arguments = {"resourceGroupName": "rg", "resourceName": "hub"}
    assert ready.functions[KEYS](arguments).inputs == {"value": [rule]}
    assert (azure.asked[-1].body, azure.asked[-1].query) == ({}, {"api-version": "2023-06-30"})
    with pytest.raises(PluginError, match=f'request failed {HUB}/listkeys: Status=404 Code="" Message="no"'):
        ready.functions[KEYS](arguments)
    assert ready.functions[KEYS]({}).failures == [f"missing required property '{name}'" for name in ("resourceGroupName", "resourceName")]


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in Go, it is not used for loopback addresses or hosts in NO_PROXY."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "inner.example")
    hosts = ("management.azure.com", "inner.example", "localhost:1", "127.0.0.1:1", "[::1]:1")
    found = {host: proxies_for(f"https://{host}/").get("https") for host in hosts}
    assert found == {**dict.fromkeys(hosts), "management.azure.com": "http://proxy.example:3128"}


def test_an_unsupported_setting_is_refused_by_name() -> None:
    """Auxiliary tenants would each need a token, so the setting is refused instead of ignored."""
    with pytest.raises(PluginError, match="does not support auxiliaryTenantIds"):
        configured(plugin(None, environment={}), {**CREDENTIALS, "auxiliaryTenantIds": '["t"]'})


@pytest.mark.parametrize("content", [None, "no certificates"], ids=["absent", "not PEM"])
def test_roots_that_cannot_be_read_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None) -> None:
    """No request is sent, each time it is tried."""
    roots = tmp_path / "roots.pem"
    if content is not None:
        roots.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    http = HttpClient(connect=5, answer=5)
    for _ in range(2):
        with pytest.raises(UnreachableError, match="can't be read"):
            http.send("GET", "https://127.0.0.1:1/", headers={})
