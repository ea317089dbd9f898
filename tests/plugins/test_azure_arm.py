"""The azure-native stand-in's requests to ARM: calls, retries, long-running operations and errors, against scripted answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.plugins.azure_native import arm
from sandbox.plugins.azure_native.plugin import plugin
from sandbox.plugins.azure_native.resource_types import HUB_CERTIFICATE, IOT_HUB, RESOURCE_GROUP, ROLE_ASSIGNMENT
from sandbox.plugins.azure_native.timing import Timing
from sandbox.plugins.azure_native.validation import NO_LOCATION
from sandbox.plugins.resource import Candidate, InitializationError, Operation, PluginError, State
from tests.plugins.accounts import SUBSCRIPTION, configured

if TYPE_CHECKING:
    from sandbox.plugins.azure_native.plugin import AzureNativeProvider
    from tests.plugins.scripted_azure import ScriptedAzure

AT_ONCE = Timing(put_poll=0, delete_poll=0, first_retry=0, longest_retry=5, connect=10, answer=10, operation=20)
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg"
HUB = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Devices/IotHubs/hub"
CERTIFICATE = f"{HUB}/certificates/ca"
POLL = "/operations/1"
HUB_INPUTS = {"resourceGroupName": "rg", "resourceName": "hub", "location": "westeurope", "sku": {"name": "S1", "capacity": 1}}
CERTIFICATE_INPUTS = {"resourceGroupName": "rg", "resourceName": "hub", "certificateName": "ca", "properties": {"certificate": "pem"}}
NO_HUB = {"error": {"code": "ResourceNotFound", "message": "no hub"}}
DONE = {"id": HUB, "name": "hub", "location": "westeurope", "properties": {"provisioningState": "Succeeded", "state": "Active"}}
NOW = Operation("urn:pulumi:dev::t::t::n")


def provider(azure: ScriptedAzure, timing: Timing = AT_ONCE, **variables: str) -> AzureNativeProvider:
    return configured(plugin(None, timing=timing, environment={}), {**azure.variables(), **variables})


def hub(azure: ScriptedAzure, **variables: str) -> Any:
    return provider(azure, **variables).resources[IOT_HUB.token]


def certificate(azure: ScriptedAzure) -> Any:
    return provider(azure).resources[HUB_CERTIFICATE.token]


def test_a_create_checks_then_puts_then_reads(azure: ScriptedAzure) -> None:
    """GET, PUT, an immediate poll, GET, and the GET whose answer becomes the state; versions and headers are azcore's."""
    azure.queue("GET", HUB, 404, NO_HUB).queue("GET", HUB, 200, DONE)
    azure.queue("PUT", HUB, 201, {"id": HUB}, Azure_AsyncOperation=f"URL{POLL}").queue("GET", POLL, 200, {"status": "Succeeded"})
    created = hub(azure).create({**HUB_INPUTS, "unknownToTheApi": 1, "properties": {"comments": "x", "hostName": "y"}}, NOW)
    assert azure.calls() == [f"GET {HUB}", f"PUT {HUB}", f"GET {POLL}", f"GET {HUB}", f"GET {HUB}"]
    assert (created.id, created.outputs) == (HUB, {**DONE, "azureApiVersion": "2023-06-30"})
    put = next(asked for asked in azure.asked if asked.method == "PUT")
    assert (put.query, put.body) == (
        {"api-version": "2023-06-30"},
        {"location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "properties": {"comments": "x"}},
    )
    assert (put.headers["authorization"], put.headers["content-type"]) == ("Bearer token", "application/json; charset=utf-8")
    assert "pid-a90539d8-a7a6-5826-95c4-1fbef22d4b22" in put.headers["user-agent"]


def test_the_token_is_for_the_first_audience(azure: ScriptedAzure) -> None:
    """The scope of the token request is the metadata's first audience; there is no instance discovery."""
    azure.queue("GET", GROUP, 200, {"id": GROUP})
    provider(azure).resources[RESOURCE_GROUP.token].read(State(GROUP, {"id": GROUP}), NOW)
    asked = [a for a in azure.asked if a.path.endswith("/token")]
    assert [("scope=https%3A%2F%2Farm.example%2F.default" in a.body, "grant_type=client_credentials" in a.body) for a in asked] == [
        (True, True)
    ]


@pytest.mark.parametrize(
    ("headers", "polled"),
    [
        ({"Location": f"{POLL}?x=1"}, [(200, None)]),
        ({"Location": POLL}, [(202, None), (202, {"status": "Running"}), (204, None)]),
        (
            {"Azure_AsyncOperation": f"URL{POLL}"},
            [(200, {"status": "Running"}), (200, {"status": "Pending"}), (200, {"status": "Succeeded"})],
        ),
    ],
    ids=str,
)
def test_a_deletion_is_polled_to_its_end(azure: ScriptedAzure, headers: dict[str, str], polled: list[tuple[int, Any]]) -> None:
    """It follows Azure-AsyncOperation or Location, which may be relative and gets the API version; no If-Match is sent."""
    azure.queue("DELETE", HUB, 202, None, **headers)
    for status, body in polled:
        azure.queue("GET", POLL, status, body)
    hub(azure).delete(State(HUB, {}), NOW)
    assert azure.calls() == [f"DELETE {HUB}", *[f"GET {POLL}"] * len(polled)]
    assert [asked.headers.get("if-match") for asked in azure.asked if asked.method == "DELETE"] == [None]
    if headers.get("Location", "").startswith("/"):
        assert next(a.query for a in azure.asked if a.path == POLL)["api-version"] == "2023-06-30"


@pytest.mark.parametrize(("status", "polls"), [(200, 0), (204, 0), (404, 0), (202, 0)])
def test_a_deletion_that_is_not_long_running_is_done_at_once(azure: ScriptedAzure, status: int, polls: int) -> None:
    """It does not poll, even on 202; a 404 is a success."""
    azure.queue("DELETE", CERTIFICATE, status, None, Location=POLL)
    certificate(azure).delete(State(CERTIFICATE, {}), NOW)
    assert azure.calls() == [f"DELETE {CERTIFICATE}", *[f"GET {POLL}"] * polls]


def test_a_resource_that_disappears_while_polled_is_deleted(azure: ScriptedAzure) -> None:
    """A 404 of the operation means that it is done."""
    azure.queue("DELETE", HUB, 202, None, Location=POLL)
    hub(azure).delete(State(HUB, {}), NOW)
    assert azure.calls() == [f"DELETE {HUB}", f"GET {POLL}"]


def test_a_put_without_headers_is_polled_at_the_resource(azure: ScriptedAzure) -> None:
    """It reads provisioningState until that is terminal."""
    azure.queue("GET", HUB, 404).queue("PUT", HUB, 201, {"id": HUB, "properties": {"provisioningState": "Accepted"}})
    azure.queue("GET", HUB, 200, {"id": HUB, "properties": {"provisioningState": "Creating"}}).queue("GET", HUB, 200, DONE)
    assert hub(azure).create(HUB_INPUTS, NOW).id == HUB
    assert azure.calls() == [f"GET {HUB}", f"PUT {HUB}", *[f"GET {HUB}"] * 3]


@pytest.mark.parametrize("there", [(200, DONE), (200, {"a": 1})])
def test_an_existing_resource_is_not_created(azure: ScriptedAzure, there: tuple[int, Any]) -> None:
    """The plugin never takes over a resource that it did not create."""
    azure.queue("GET", HUB, *there)
    with pytest.raises(PluginError, match=f"^cannot create already existing resource '{HUB}'$"):
        hub(azure).create(HUB_INPUTS, NOW)
    assert azure.calls() == [f"GET {HUB}"]


@pytest.mark.parametrize("free", [(404, None), (204, None), (200, None), (200, "no json"), (200, {})])
def test_a_resource_that_does_not_exist_is_created(azure: ScriptedAzure, free: tuple[int, Any]) -> None:
    """404, 204, or 200 without a JSON object."""
    azure.queue("GET", CERTIFICATE, *free).queue("GET", CERTIFICATE, 200, {"id": CERTIFICATE, "name": "ca"})
    azure.queue("PUT", CERTIFICATE, 200, {"id": CERTIFICATE})
    assert certificate(azure).create(CERTIFICATE_INPUTS, NOW).outputs["name"] == "ca"


def test_an_unclear_existence_is_an_error(azure: ScriptedAzure) -> None:
    """Whether the resource exists is unknown, so nothing is changed."""
    azure.queue("GET", HUB, 403, {"error": {"code": "Forbidden", "message": "no"}})
    with pytest.raises(PluginError, match=f"cannot check existence of resource '{HUB}': status code 403, "):
        hub(azure).create(HUB_INPUTS, NOW)


def test_a_failed_operation_keeps_the_resource_in_the_state(azure: ScriptedAzure) -> None:
    """A resource that Azure accepted and then failed is kept, with the outputs of a fresh GET and one reason."""
    azure.queue("GET", HUB, 404).queue("GET", HUB, 200, {**DONE, "properties": {"provisioningState": "Failed"}})
    azure.queue("PUT", HUB, 201, {"id": HUB}, Azure_AsyncOperation=f"URL{POLL}")
    azure.queue("GET", POLL, 200, {"status": "Failed", "error": {"code": "Boom", "message": "it broke"}})
    with pytest.raises(InitializationError, match=r'^Status=200 Code="Boom" Message="it broke"$') as failed:
        hub(azure).create(HUB_INPUTS, NOW)
    assert (failed.value.state.id, failed.value.state.inputs) == (HUB, HUB_INPUTS)
    assert failed.value.state.outputs["properties"] == {"provisioningState": "Failed"}


def test_a_refused_put_leaves_nothing(azure: ScriptedAzure) -> None:
    """The error is ARM's: status, code, message; a body without ARM's error envelope is shown in full, with an empty code."""
    numeric = {"code": 412001, "httpStatusCode": 412, "message": "Invalid ETag supplied."}
    azure.queue("GET", CERTIFICATE, 404).queue("PUT", CERTIFICATE, 412, numeric)
    with pytest.raises(PluginError, match=r'Status=412 Code="" Message="\{"code": 412001, ') as failed:
        certificate(azure).create(CERTIFICATE_INPUTS, NOW)
    assert not isinstance(failed.value, InitializationError)


@pytest.mark.parametrize(
    ("first", "calls"),
    [
        ((429, None, {}), 2),
        ((503, None, {}), 2),
        ((409, {"error": {"code": "AnotherOperationInProgress", "message": "m"}}, {}), 2),
        ((409, None, {"x-ms-error-code": "AnotherOperationInProgress"}), 2),
        ((409, {"code": 409002, "message": "busy"}, {}), 1),
        ((400, None, {}), 1),
        ((429, None, {"Retry-After": "4000"}), 1),
    ],
    ids=str,
)
def test_transient_errors_are_retried(azure: ScriptedAzure, first: tuple[int, Any, dict[str, str]], calls: int) -> None:
    """Throttling, server errors, and the one conflict that azure-native waits for, up to the longest wait."""
    status, body, headers = first
    azure.queue("GET", HUB, status, body, **headers).queue("GET", HUB, 200, DONE)
    resource = hub(azure)
    if calls == 1:
        with pytest.raises(PluginError, match=f"Status={status}"):
            resource.read(State(HUB, {"id": HUB}), NOW)
    else:
        assert resource.read(State(HUB, {"id": HUB}), NOW).id == HUB
    assert azure.calls() == [f"GET {HUB}"] * calls


def test_there_are_three_retries(azure: ScriptedAzure) -> None:
    """There are four attempts in all."""
    azure.queue("GET", HUB, 500, None)
    with pytest.raises(PluginError, match="Status=500"):
        hub(azure).read(State(HUB, {"id": HUB}), NOW)
    assert azure.calls() == [f"GET {HUB}"] * 4


def test_waits_double_up_to_the_longest() -> None:
    """20, 60 and 120 seconds: an unreachable endpoint fails after 200 s, as with the real plugin."""
    assert [Timing().before_retry(attempt) for attempt in (1, 2, 3)] == [20, 60, 120]


def test_a_warning_and_the_raw_answer_when_the_read_after_a_write_fails(azure: ScriptedAzure) -> None:
    """The resource exists, so the operation succeeds."""
    azure.queue("GET", CERTIFICATE, 404).queue("GET", CERTIFICATE, 403, None)
    azure.queue("PUT", CERTIFICATE, 200, {"id": CERTIFICATE, "unknownToTheApi": 1})
    created = certificate(azure).create(CERTIFICATE_INPUTS, NOW)
    assert created.outputs == {"id": CERTIFICATE, "unknownToTheApi": 1, "azureApiVersion": "2023-06-30"}


def test_the_read_after_a_write_can_be_turned_off(azure: ScriptedAzure) -> None:
    """SkipReadOnUpdate omits the GET."""
    azure.queue("GET", HUB, 404).queue("PUT", HUB, 200, DONE)
    hub(azure, skipReadOnUpdate="true").create(HUB_INPUTS, NOW)
    assert azure.calls() == [f"GET {HUB}", f"PUT {HUB}"]


def test_the_scope_of_a_role_assignment_is_escaped(azure: ScriptedAzure) -> None:
    """The slashes of the scope are %2F in the GET and the PUT; the id is the one that Azure returns."""
    escaped = f"/%2Fsubscriptions%2F{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/n"
    identity = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/n"
    azure.queue("PUT", escaped, 201, {"id": identity}).queue("GET", identity, 200, {"id": identity, "properties": {"scope": "s"}})
    inputs = {"scope": f"/subscriptions/{SUBSCRIPTION}", "roleAssignmentName": "n", "principalId": "p", "roleDefinitionId": "d"}
    created = provider(azure).resources[ROLE_ASSIGNMENT.token].create(inputs, NOW)
    assert azure.calls() == [f"GET {escaped}", f"PUT {escaped}", f"GET {identity}"]
    assert (created.id, created.outputs["scope"]) == (identity, "s")


def test_a_role_assignment_over_tenants_is_read_in_its_tenant(azure: ScriptedAzure) -> None:
    """The tenant is that of the subscription in the delegated identity's id."""
    identity = "/subscriptions/x/providers/Microsoft.Authorization/roleAssignments/n"
    azure.queue("GET", "/subscriptions/other", 200, {"tenantId": "theirs"}).queue("GET", identity, 200, {"id": identity})
    outputs = {"id": identity, "delegatedManagedIdentityResourceId": "/subscriptions/other/resourceGroups/g"}
    provider(azure).resources[ROLE_ASSIGNMENT.token].read(State(identity, outputs), NOW)
    assert azure.asked[-1].query == {"api-version": "2022-04-01", "tenantId": "theirs"}


def test_the_location_of_the_group_is_the_default(azure: ScriptedAzure) -> None:
    """It is looked up once; an old or configured location takes precedence, and a failure leaves the property missing."""
    azure.queue("GET", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg", 200, {"location": "northeurope"})
    news = {name: value for name, value in HUB_INPUTS.items() if name != "location"}
    resource = hub(azure)
    found = [resource.check(Candidate("it", {}, news)).inputs["location"] for _ in range(2)]
    assert (found, len(azure.calls())) == (["northeurope"] * 2, 1)
    assert resource.check(Candidate("it", {"location": "old"}, news)).inputs["location"] == "old"
    assert hub(azure, location="configured").check(Candidate("it", {}, news)).inputs["location"] == "configured"
    failures = resource.check(Candidate("it", {}, {**news, "resourceGroupName": "none"})).failures
    assert failures == [f"missing required property 'location'{NO_LOCATION}"]


def test_an_operation_ends_at_its_deadline(azure: ScriptedAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    """CustomTimeouts end it, and a resource that Azure accepted is kept."""
    # The minute is over as soon as Azure has been asked once how the operation is.
    monkeypatch.setattr(arm, "time", SimpleNamespace(monotonic=lambda: 100.0 if f"GET {POLL}" in azure.calls() else 0.0))
    azure.queue("GET", HUB, 404).queue("GET", HUB, 200, DONE)
    azure.queue("PUT", HUB, 201, {"id": HUB}, Azure_AsyncOperation=f"URL{POLL}").queue("GET", POLL, 200, {"status": "Running"})
    with pytest.raises(InitializationError, match=r"context deadline exceeded: the operation on .* took more than 60 s"):
        hub(azure).create(HUB_INPUTS, Operation("urn", timeout=60))


def test_cancel_stops_what_waits(azure: ScriptedAzure) -> None:
    """A cancel ends a wait of an hour between two polls immediately."""
    stand_in = provider(azure, timing=Timing(put_poll=3600))
    azure.queue("GET", HUB, 404).queue("PUT", HUB, 201, {"id": HUB}, Azure_AsyncOperation=f"URL{POLL}")
    azure.queue("GET", POLL, 200, {"status": "Running"})
    original = azure.answer

    def cancelling(asked: Any) -> Any:
        if asked.path == POLL:
            stand_in.stopping.set()
        return original(asked)

    azure.answer = cancelling  # type: ignore[method-assign]
    with pytest.raises(PluginError, match="cancelled while waiting for"):
        stand_in.resources[IOT_HUB.token].create(HUB_INPUTS, NOW)
