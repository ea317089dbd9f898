"""Errors of Microsoft Graph, in its envelope: one constructor for each.

Source: https://learn.microsoft.com/graph/errors
"""

from __future__ import annotations

from local_azure_iot.wire import Moment, Reply, ServiceError


class GraphError(ServiceError):
    """An error answer of Microsoft Graph: `{"error": {"code", "message", "innerError"}}`."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}

    def reply(self, moment: Moment) -> Reply:
        """The HTTP answer."""
        inner = {"date": f"{moment.now:%Y-%m-%dT%H:%M:%S}", "request-id": moment.correlation, "client-request-id": moment.correlation}
        body = {"error": {"code": self.code, "message": self.message, "innerError": inner}}
        return Reply(status=self.status, body=body, headers=dict(self.headers))


def unauthenticated(message: str) -> GraphError:
    """The token is missing or invalid."""
    return GraphError(401, "InvalidAuthenticationToken", message, {"www-authenticate": 'Bearer realm="", error="invalid_token"'})


def not_found(identifier: str) -> GraphError:
    """The object does not exist."""
    message = f"Resource '{identifier}' does not exist or one of its queried reference-property objects are not present."
    return GraphError(404, "Request_ResourceNotFound", message)


def filter_unsupported(text: str) -> GraphError:
    """A `$filter` of another form than those that local Azure reads."""
    return GraphError(400, "Request_UnsupportedQuery", f"Unsupported or invalid query filter clause specified: '{text}'.")


def version_invalid(version: str) -> GraphError:
    """Neither v1.0 nor beta."""
    return GraphError(400, "BadRequest", f"Invalid version: {version}.")


def malformed(reason: str) -> GraphError:
    """The body is not the JSON that was expected."""
    return GraphError(400, "BadRequest", f"Unable to read JSON request payload: {reason}.")


def not_implemented(line: str) -> GraphError:
    """Microsoft Graph has thousands of operations, and local Azure a handful."""
    message = f"Local Azure does not have the operation '{line}' of Microsoft Graph. See docs/azure-coverage.md for those that it has."
    return GraphError(501, "NotImplemented", message)
