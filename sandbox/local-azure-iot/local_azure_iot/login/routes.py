"""Entra's endpoints that Azure's clients use to get a token without a person."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt

from local_azure_iot import host_names
from local_azure_iot.login import errors, principals
from local_azure_iot.login.tokens import LIFETIME
from local_azure_iot.routing import Evidence, Route
from local_azure_iot.wire import Reply

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.wire import Request

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ANY_TENANT = {"common", "organizations"}


def openid_configuration(azure: Azure, request: Request) -> Reply:
    """OpenID Connect discovery: where the token endpoint and the signing keys are."""
    tenant = _tenant(azure, request)
    v2 = "/v2.0/" in request.path.lower()
    base = request.base_url
    suffix = "/v2.0" if v2 else ""
    body = {
        "token_endpoint": f"{base}/{tenant}/oauth2{suffix}/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": f"{base}/{tenant}/discovery{suffix}/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{base}/{azure.tokens.tenant_id}/v2.0" if v2 else azure.tokens.issuer,
        "request_uri_parameter_supported": False,
        "authorization_endpoint": f"{base}/{tenant}/oauth2{suffix}/authorize",
        "device_authorization_endpoint": f"{base}/{tenant}/oauth2{suffix}/devicecode",
        "end_session_endpoint": f"{base}/{tenant}/oauth2{suffix}/logout",
        "tenant_region_scope": None,
        "cloud_instance_name": request.destination.cloud.login[0].removeprefix("login."),
        "msgraph_host": urlsplit(request.destination.cloud.graph).netloc,
    }
    return Reply(body=body)


def instance_discovery(_azure: Azure, request: Request) -> Reply:
    """Which login hosts belong together: MSAL asks before it trusts an authority."""
    endpoint = request.query.get("authorization_endpoint", "")
    host = urlsplit(endpoint).netloc.partition(":")[0]
    tenant = urlsplit(endpoint).path.strip("/").split("/")[0] or "common"
    if host_names.destination(host) is None:
        raise errors.instance_unknown(endpoint)
    metadata = [
        {"preferred_network": cloud.login[0], "preferred_cache": cloud.login[min(1, len(cloud.login) - 1)], "aliases": list(cloud.login)}
        for cloud in host_names.CLOUDS
    ]
    body = {
        "tenant_discovery_endpoint": f"https://{urlsplit(endpoint).netloc}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": request.query.get("api-version", "1.1"),
        "metadata": metadata,
    }
    return Reply(body=body)


def signing_keys(azure: Azure, request: Request) -> Reply:
    """The keys that tokens are signed with."""
    _tenant(azure, request)
    return Reply(body=azure.tokens.jwks())


def token(azure: Azure, request: Request) -> Reply:
    """A token for an application (RFC 6749, 4.4), by secret or by federated assertion (RFC 7523)."""
    tenant = _tenant(azure, request)
    form = request.form()
    grant = _require_field(form, "grant_type")
    if grant != "client_credentials":
        raise errors.grant_not_supported(grant)
    client_id = _require_field(form, "client_id")
    v2 = request.path.lower().endswith("/v2.0/token")
    audience = _audience(_require_field(form, "scope")) if v2 else _require_field(form, "resource")
    principal = principals.find(azure.store, client_id)
    if principal is None:
        raise errors.application_not_found(client_id, tenant)
    if "client_assertion" in form:
        _check_assertion(azure, principal, form)
        appidacr = "2"
    else:
        _check_secret(principal, form)
        appidacr = "1"
    access_token = azure.tokens.issue(principal, audience, appidacr=appidacr)
    if v2:
        return Reply(body={"token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME, "access_token": access_token})
    now = int(azure.clock.timestamp())
    # The older endpoint writes its numbers as text.
    body = {
        "token_type": "Bearer", "expires_in": str(LIFETIME), "ext_expires_in": str(LIFETIME), "expires_on": str(now + LIFETIME),
        "not_before": str(now), "resource": audience, "access_token": access_token,
    }  # fmt: skip
    return Reply(body=body)


def _tenant(azure: Azure, request: Request) -> str:
    tenant = request.parameters["tenant"]
    if tenant.lower() != azure.tokens.tenant_id and tenant.lower() not in _ANY_TENANT:
        raise errors.tenant_not_found(tenant)
    return tenant


def _require_field(form: dict[str, str], name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise errors.parameter_missing(name)
    return value


def _audience(scope: str) -> str:
    """The resource of `<resource>/.default`. A doubled slash is intended: the resource itself ends with one."""
    resources = [part for part in scope.split() if part not in {"openid", "offline_access", "profile"}]
    if len(resources) != 1 or not resources[0].endswith("/.default"):
        raise errors.scope_invalid(scope)
    return resources[0].removesuffix("/.default")


def _check_secret(principal: principals.Principal, form: dict[str, str]) -> None:
    if "client_secret" not in form:
        raise errors.secret_missing()
    if not hmac.compare_digest(form["client_secret"].encode(), principal.secret.encode()):
        raise errors.secret_wrong(principal.client_id)


def _check_assertion(azure: Azure, principal: principals.Principal, form: dict[str, str]) -> None:
    if form.get("client_assertion_type") != _ASSERTION_TYPE:
        raise errors.assertion_malformed(f"client_assertion_type must be '{_ASSERTION_TYPE}'.")
    assertion = form["client_assertion"]
    try:
        header = jwt.get_unverified_header(assertion)
        claims: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise errors.assertion_malformed(str(error)) from error
    issuer, subject = str(claims.get("iss", "")), str(claims.get("sub", ""))
    audiences = claims.get("aud", [])
    audiences = [audiences] if isinstance(audiences, str) else list(audiences)
    for credential in principal.federated:
        if (credential.issuer, credential.subject) == (issuer, subject) and credential.audience in audiences:
            _check_signature(assertion, header, credential)
            _check_dates(azure, claims)
            return
    raise errors.assertion_not_federated(issuer, subject, " ".join(map(str, audiences)))


def _check_signature(assertion: str, header: dict[str, Any], credential: principals.FederatedCredential) -> None:
    try:
        keys = [key for key in jwt.PyJWKSet.from_dict(credential.jwks).keys if header.get("kid") in {None, key.key_id}]
    except jwt.PyJWTError as error:
        raise errors.assertion_signature_wrong() from error
    for key in keys:
        try:
            jwt.decode(
                assertion,
                key.key,
                algorithms=["RS256", "ES256"],
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False},
            )
        except jwt.PyJWTError:
            continue
        return
    raise errors.assertion_signature_wrong()


def _check_dates(azure: Azure, claims: dict[str, Any]) -> None:
    now = azure.clock.timestamp()
    skew = 300  # seconds, Entra's own tolerance
    if not (float(claims.get("nbf", 0)) - skew <= now <= float(claims.get("exp", 0)) + skew):
        raise errors.assertion_expired()


ROUTES = [
    Route(operation=operation, method=method, path=path, handler=handler, evidence=Evidence.DOCUMENTED, note=note)
    for operation, method, path, handler, note in (
        ("OpenID configuration (v2)", "GET", "/{tenant}/v2.0/.well-known/openid-configuration", openid_configuration, ""),
        ("OpenID configuration (v1)", "GET", "/{tenant}/.well-known/openid-configuration", openid_configuration, ""),
        ("Instance discovery", "GET", "/common/discovery/instance", instance_discovery, ""),
        ("Signing keys (v2)", "GET", "/{tenant}/discovery/v2.0/keys", signing_keys, ""),
        ("Signing keys (v1)", "GET", "/{tenant}/discovery/keys", signing_keys, ""),
        ("Token (v2)", "POST", "/{tenant}/oauth2/v2.0/token", token, "client credentials by secret or federated assertion; no people"),
        ("Token (v1)", "POST", "/{tenant}/oauth2/token", token, "as v2, with `resource`"),
    )
]
