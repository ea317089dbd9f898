"""Entra's errors: one constructor for each, with Entra's own numbers and words.

Source: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from local_azure_iot.wire import Moment, Reply, ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping


class LoginError(ServiceError):
    """An OAuth error (RFC 6749, 5.2) with Entra's additions."""

    def __init__(self, status: int, error: str, code: int, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.error, self.code, self.text, self.headers = status, error, code, text, headers or {}

    def reply(self, moment: Moment) -> Reply:
        """The HTTP answer."""
        trace = str(uuid.uuid4())
        stamp = f"{moment.now:%Y-%m-%d %H:%M:%SZ}"
        description = f"AADSTS{self.code}: {self.text} Trace ID: {trace} Correlation ID: {moment.correlation} Timestamp: {stamp}"
        body: Mapping[str, object] = {
            "error": self.error,
            "error_description": description,
            "error_codes": [self.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": moment.correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }
        return Reply(status=self.status, body=body, headers=self.headers)


def tenant_not_found(tenant: str) -> LoginError:
    """The tenant in the path does not exist."""
    text = f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
    return LoginError(400, "invalid_request", 90002, text)


def parameter_missing(name: str) -> LoginError:
    """A form field that the grant requires is missing."""
    return LoginError(400, "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'.")


def grant_not_supported(grant: str) -> LoginError:
    """The grant is not client credentials, the only one that local Azure supports."""
    return LoginError(400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{grant}'.")


def application_not_found(client_id: str, tenant: str) -> LoginError:
    """No application has the client id."""
    return LoginError(
        400, "unauthorized_client", 700016, f"Application with identifier '{client_id}' was not found in the directory '{tenant}'."
    )


def secret_wrong(client_id: str) -> LoginError:
    """The client secret is not this application's."""
    return LoginError(
        401,
        "invalid_client",
        7000215,
        (
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{client_id}'."
        ),
    )


def secret_missing() -> LoginError:
    """Neither a secret nor an assertion was sent."""
    return LoginError(
        401, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
    )


def assertion_malformed(reason: str) -> LoginError:
    """The client assertion is not a JWT, or its type is another."""
    return LoginError(401, "invalid_client", 50027, f"JWT token is invalid or malformed. {reason}")


def assertion_expired() -> LoginError:
    """The client assertion has expired or is not valid yet."""
    return LoginError(401, "invalid_client", 700024, "Client assertion is not within its valid time range.")


def assertion_signature_wrong() -> LoginError:
    """The client assertion is not signed by its issuer's key."""
    return LoginError(
        401, "invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application."
    )


def assertion_not_federated(issuer: str, subject: str, audience: str) -> LoginError:
    """No federated credential of the application matches issuer, subject and audience."""
    text = (
        f"No matching federated identity record found for presented assertion. Assertion issuer: '{issuer}'. "
        f"Assertion subject: '{subject}'. Assertion audience: '{audience}'."
    )
    return LoginError(401, "invalid_client", 70021, text)


def scope_invalid(scope: str) -> LoginError:
    """The scope of client credentials is not `<resource>/.default`."""
    text = (
        f"The provided value for scope {scope} is not valid. "
        "Client credential flows must have a scope value with /.default suffixed to the resource identifier."
    )
    return LoginError(400, "invalid_scope", 1002012, text)


def instance_unknown(endpoint: str) -> LoginError:
    """Instance discovery was asked about an authority that is not Azure's."""
    return LoginError(400, "invalid_instance", 50049, f"Unknown or invalid instance. '{endpoint}'")


class NoPageError(ServiceError):
    """The path leads to nothing: no OAuth error, and no body. Guess."""

    def reply(self, moment: Moment) -> Reply:  # noqa: ARG002 - there is no body
        """The HTTP answer."""
        return Reply(status=404)


def not_found() -> NoPageError:
    """The login has no such page."""
    return NoPageError()


def throttled() -> LoginError:
    """Too many requests."""
    return LoginError(429, "temporarily_unavailable", 90055, "The request has been throttled due to too many requests.")


def unavailable(status: int) -> LoginError:
    """Entra is temporarily unavailable."""
    return LoginError(status, "temporarily_unavailable", 90033, "A transient error has occurred. Please try again.")
