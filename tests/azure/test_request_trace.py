"""Who sent a request, and its ids: read from headers, and never a reason to fail."""

import base64
import json
import uuid

import jwt
import pytest
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.rest import HttpRequest

from hubtrust.azure.pipeline import RequestIdPolicy
from hubtrust.azure.request_trace import Deployer, RequestTrace

KEY = "a key of this test, which nobody verifies the signature with"


def test_the_principal_is_the_tokens() -> None:
    """The claims `oid` and `tid` of the access token; the signature is not verified."""
    token = jwt.encode({"oid": "O", "tid": "T", "sub": "S"}, KEY)
    sent, answered = {"Authorization": f"Bearer {token}"}, {"x-ms-request-id": "R", "x-ms-correlation-request-id": "C" * 500}
    assert RequestTrace.of(sent, answered) == RequestTrace("R", "C" * 100, Deployer("O", "T"))
    assert RequestTrace.of({}, {}) == RequestTrace(None, None, None)


def _of(content: bytes) -> str:
    return "Bearer h." + base64.urlsafe_b64encode(content).decode().rstrip("=") + ".s"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer ",
        "Bearer opaque",
        "Bearer a.b.c",
        "Bearer h.\N{LATIN SMALL LETTER E WITH ACUTE}.s",
        _of(b"[1]"),
        _of(b"\xff"),
        _of(b"[" * 100_000),
        _of(json.dumps({"tid": "T"}).encode()),
        _of(json.dumps({"oid": 7}).encode()),
    ],
)
def test_what_is_no_such_token_names_nobody(authorization: str) -> None:
    """An opaque token, or one of another form."""
    assert Deployer.of(authorization) is None


def test_a_token_without_a_tenant_names_its_principal() -> None:
    """`tid` is optional."""
    assert Deployer.of(_of(json.dumps({"oid": "O"}).encode())) == Deployer("O", None)


def test_a_requests_own_id_is_random_and_stays() -> None:
    """Version 4: one of version 1 costs a file descriptor for each thread where libuuid has a clock file. A second try has the same id."""
    request = HttpRequest("GET", "https://management.azure.com/")
    given = []
    for _ in range(2):
        RequestIdPolicy().on_request(PipelineRequest(request, PipelineContext(None)))
        given.append(request.headers["x-ms-client-request-id"])
    assert (uuid.UUID(given[0]).version, given[0]) == (4, given[1])
