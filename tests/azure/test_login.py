"""Logins: which environment variables are used, and the errors when nobody is logged in."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import AzureError as CoreError
from azure.core.rest import HttpRequest
from azure.identity import ClientAssertionCredential, ClientSecretCredential, DefaultAzureCredential

from hubtrust.azure import errors
from hubtrust.azure.clouds import CHINA, PUBLIC
from hubtrust.azure.login import Login, assertion, login, source
from hubtrust.azure.login_transport import LoginTransport
from tests.kit.scripted_azure import Reply, scripted

ARM = {"ARM_TENANT_ID": "11111111-1111-1111-1111-111111111111", "ARM_CLIENT_ID": "22222222-2222-2222-2222-222222222222"}


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        (ARM | {"ARM_CLIENT_SECRET": "s"}, ClientSecretCredential),
        (ARM | {"ARM_USE_OIDC": "true"}, ClientAssertionCredential),
        (ARM | {"ARM_USE_OIDC": "yes"}, DefaultAzureCredential),
        (ARM | {"ARM_CLIENT_SECRET": "s", "AZURE_CLIENT_ID": "own"}, DefaultAzureCredential),
        ({}, DefaultAzureCredential),
    ],
)
def test_azure_natives_variables_are_used(environment: dict[str, str], kind: type) -> None:
    """A service principal or workload identity for azure-native is used here too; azure-identity's own variables come first."""
    assert type(source(PUBLIC, environment)) is kind


def test_a_login_is_shared_in_a_process() -> None:
    """There is one login for each cloud."""
    assert login(CHINA, ARM) is login(CHINA, {})
    assert login(CHINA, ARM) is not login(PUBLIC, {})


def test_a_federated_token_is_read_from_each_source(tmp_path: Path) -> None:
    """The token is given, in a file (read each time), or from the pipeline's endpoint, with the audience of token exchange."""
    assert assertion({"ARM_OIDC_TOKEN": "given"}) == "given"
    path = tmp_path / "token"
    path.write_text("first\n")
    assert assertion({"ARM_OIDC_TOKEN_FILE_PATH": str(path)}) == "first"
    path.write_text("second")
    assert assertion({"ARM_OIDC_TOKEN_FILE_PATH": str(path)}) == "second"
    with scripted((200, {}, {"value": "asked"})) as script:
        endpoint = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{script.url}/token?v=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "bearer"}
        assert assertion(endpoint) == "asked"
    assert parse_qs(urlsplit(script.requests[0].path).query) == {"v": ["1"], "audience": ["api://AzureADTokenExchange"]}
    assert script.requests[0].headers["Authorization"] == "Bearer bearer"


def test_a_missing_federated_token_is_reported(tmp_path: Path) -> None:
    """A missing variable, a missing file, and an endpoint that refuses each say what to set."""
    with pytest.raises(errors.CredentialsError, match="ARM_USE_OIDC is true, but there is no ARM_OIDC_TOKEN"):
        assertion({})
    with pytest.raises(errors.CredentialsError, match=r"ARM_OIDC_TOKEN_FILE_PATH: it can't be read: No such file"):
        assertion({"ARM_OIDC_TOKEN_FILE_PATH": str(tmp_path / "none")})
    with scripted((403, {}, {})) as script:
        endpoint = {"ACTIONS_ID_TOKEN_REQUEST_URL": script.url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "bearer"}
        with pytest.raises(errors.CredentialsError, match="id-token: write") as caught:
            assertion(endpoint)
    assert "bearer" not in str(caught.value).replace("Bearer", "")


def test_a_failed_login_is_one_line() -> None:
    """An error of azure-identity becomes one line with what to do, without the secret."""
    broken = Login(PUBLIC, ARM | {"ARM_TENANT_ID": "no tenant!", "ARM_CLIENT_SECRET": "hush"})
    with pytest.raises(errors.CredentialsError, match=r"log in \(az login\), or set the variables") as caught:
        broken.token("scope")
    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("names", ["ARM", "AZURE"])
def test_an_unreachable_login_endpoint_is_reported(names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login endpoint that can't be reached is reported as that, in one line, with every kind of login."""
    nowhere = replace(PUBLIC, login="https://127.0.0.1:1", known=False)
    environment = {name.replace("ARM", names): value for name, value in (ARM | {"ARM_CLIENT_SECRET": "s"}).items()}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)  # the default chain reads its own
    with pytest.raises(
        errors.UnreachableError,
        match=r"^login at https://127\.0\.0\.1:1: no connection to 127\.0\.0\.1 \(Connection refused\); check network and proxy [^\n]*$",
    ):
        Login(nowhere, environment).token("scope")


PAGE = (200, {"Content-Type": "text/html"}, b"<html>Sign in</html>")
METADATA = {"authorization_endpoint": "https://x", "token_endpoint": "https://x", "issuer": "https://x"}


@pytest.mark.parametrize(
    ("path", "reply", "fact"),
    [
        ("/t/v2.0/.well-known/openid-configuration", PAGE, "a web page answered instead of Azure (text/html)"),
        ("/t/v2.0/.well-known/openid-configuration", (200, {}, {"status": "ok"}), "(it has no 'authorization_endpoint')"),
        ("/t/v2.0/.well-known/openid-configuration", (200, {}, METADATA | {"token_endpoint": 7}), "(it has no 'token_endpoint')"),
        ("/common/discovery/instance", (200, {}, {}), "(it has no 'tenant_discovery_endpoint')"),
        ("/t/oauth2/v2.0/token", (200, {}, {"status": "ok"}), "(it has no 'access_token')"),
        ("/t/oauth2/v2.0/token", (200, {}, {"access_token": "a", "expires_in": "soon"}), "(its token has no lifetime)"),
        ("/t/oauth2/v2.0/token", (200, {}, [1]), "the answer is not the login's"),
        ("/t/oauth2/v2.0/token", (200, {}, b""), "the answer is not the login's"),
        ("/t/oauth2/v2.0/token", (400, {}, {"message": "no"}), "status 400 came without one of the login's error messages"),
        ("/t/oauth2/v2.0/token", (302, {"Location": "https://sso.corp.example/?x=1"}, b""), "redirected to https://sso.corp.example"),
        ("/t/oauth2/v2.0/token", (503, {}, {"error": "temporarily_unavailable"}), "it answers 503"),
        ("/t/oauth2/v2.0/token", (200, {}, b"[" * 100_000), "its JSON is nested too deeply"),
    ],
)
def test_what_is_not_the_logins_answer_is_no_answer(path: str, reply: Reply, fact: str) -> None:
    """A page, another's JSON, or a login that is busy: no token, and no advice to log in; the transport knows why."""
    with scripted(reply) as script, LoginTransport(script.url) as watch:
        with suppress(CoreError):  # a busy login's answer goes on to azure-core
            watch.send(HttpRequest("POST" if path.endswith("token") else "GET", f"{script.url}{path}"))
        assert watch.fault is not None
        assert fact in watch.fault.fact
        assert not watch.refused


def test_the_logins_own_answers_pass() -> None:
    """A token, metadata, and a refusal in OAuth's form are answers; a refusal is remembered as one."""
    replies = [(200, {}, {"access_token": "a", "expires_in": 3599}), (200, {}, METADATA), (401, {}, {"error": "invalid_client"})]
    with scripted(*replies) as script, LoginTransport(script.url) as watch:
        for path in ("/t/oauth2/v2.0/token", "/t/v2.0/.well-known/openid-configuration", "/t/oauth2/v2.0/token"):
            watch.send(HttpRequest("GET", f"{script.url}{path}"))
            assert watch.fault is None
        assert watch.refused
