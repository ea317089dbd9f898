"""What ties an answer of Azure to its activity log: the request's ids, and who sent it."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

_LONGEST_ID = 100  # characters; Azure's ids are UUIDs


@dataclass(frozen=True, slots=True)
class Deployer:
    """Who a request was sent as: the claims `oid` and `tid` of its access token (learn.microsoft.com/entra/identity-platform)."""

    object_id: str
    tenant_id: str | None

    @classmethod
    def of(cls, authorization: str | None) -> Self | None:
        """The principal in a header `Authorization: Bearer …`; None if its token is no JWT with the claim `oid`.

        The signature is not verified: the token is ours, and Azure has verified it.
        """
        claims = _claims((authorization or "").removeprefix("Bearer "))
        found, tenant = (claims.get(name) for name in ("oid", "tid"))
        return cls(_short(found), _short(tenant) if isinstance(tenant, str) else None) if isinstance(found, str) and found else None


@dataclass(frozen=True, slots=True)
class RequestTrace:
    """The ids of one request, as its answer has them in `x-ms-request-id` and `x-ms-correlation-request-id`, and who sent it.

    The activity log lists a change by its correlation id (learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema).
    """

    request_id: str | None
    correlation_id: str | None
    deployer: Deployer | None

    @classmethod
    def of(cls, sent: Mapping[str, str], answered: Mapping[str, str]) -> Self:
        """The trace of a request with the headers ``sent``, and of its answer with the headers ``answered``."""
        ids = (answered.get(name) for name in ("x-ms-request-id", "x-ms-correlation-request-id"))
        request, correlation = (_short(found) if found else None for found in ids)
        return cls(request, correlation, Deployer.of(sent.get("Authorization")))


def _short(text: str) -> str:
    return text[:_LONGEST_ID]


def _claims(token: str) -> Mapping[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims and signature (RFC 7515 section 3.1)
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
