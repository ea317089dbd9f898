"""Implements every ARM resource from the table of its type."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from sandbox.plugins.azure_native import conversion, naming, validation
from sandbox.plugins.azure_native.arm import ArmError
from sandbox.plugins.azure_native.input_diff import CREATE_BEFORE_DELETE, difference, refreshed_inputs
from sandbox.plugins.azure_native.resource_types import Naming, ResourceType
from sandbox.plugins.property_values import UNKNOWN, Unknown, plain
from sandbox.plugins.resource import Candidate, CheckResult, DiffResult, InitializationError, Operation, PluginError, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.plugins.azure_native.account import Account
    from sandbox.plugins.azure_native.arm import Deadline
    from sandbox.plugins.azure_native.http_response import HttpResponse
    from sandbox.plugins.engine_log import EngineLog
    from sandbox.plugins.property_values import Properties

STABLE: Final = ("name", "location")
PUT_ACCEPTED: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED})
DELETE_ACCEPTED: Final = frozenset({HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT})


class ArmResource:
    """A resource of this type in the account that Configure opened."""

    def __init__(self, kind: ResourceType, account: Callable[[], Account], log: EngineLog) -> None:
        self.kind = kind
        self._account = account
        self._log = log

    def check(self, candidate: Candidate) -> CheckResult:
        """The inputs, with a name, a location and the API version added where missing; unknown values are accepted."""
        news = _without_null(plain(candidate.news))
        olds = _without_null(plain(candidate.olds))
        inputs_with_name = self._with_name(candidate, olds, news)
        if "location" in self.kind.body and "location" not in inputs_with_name:
            location = self._location(olds, inputs_with_name)
            if location is not None:
                inputs_with_name["location"] = location
        inputs = {conversion.API_VERSION: self.kind.api_version, **inputs_with_name}
        return CheckResult(inputs, validation.failures(self.kind, inputs))

    def diff(self, state: State, news: Properties, *, ignored: list[str]) -> DiffResult:
        """Compare old and new inputs. The engine has already restored the old values of ignored properties."""
        del ignored
        return difference(self.kind, _without_null(plain(state.inputs)), _without_null(plain(news)), plain(state.outputs))

    def create(self, news: Properties, operation: Operation) -> State:
        """Check that the resource does not exist yet, PUT it, then GET it."""
        inputs = _without_null(plain(news))
        if operation.preview:
            return State("", conversion.preview(self.kind, inputs))
        path = self._path(inputs)
        deadline = self._account().deadline(operation.timeout)
        self._check_absent(path, deadline)
        answer = self._put(path, conversion.with_kept(self.kind, inputs, None), deadline)
        identity = answer.get("id")
        identity = identity if isinstance(identity, str) else path
        return State(identity, self._read_after_write(identity, answer, operation, "Create", deadline))

    def read(self, state: State, operation: Operation) -> State | None:
        """The resource in Azure; None for 404. In an import, the inputs come from the id and Azure's answer."""
        deadline = self._account().deadline(operation.timeout)
        try:
            answer = self._get(state.id, state, deadline)
        except ArmError as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        outputs = conversion.outputs(self.kind, answer)
        if not state.outputs:
            return State(state.id, outputs, conversion.imported_inputs(self.kind, state.id, answer))
        before = conversion.as_inputs(self.kind, plain(state.outputs))
        after = conversion.as_inputs(self.kind, outputs)
        return State(state.id, outputs, refreshed_inputs(plain(state.inputs), before, after))

    def update(self, state: State, news: Properties, operation: Operation, *, ignored: list[str]) -> Properties:
        """PUT the complete body; properties that the program removed are not sent."""
        del ignored
        inputs = _without_null(plain(news))
        if operation.preview:
            old = plain(state.outputs)
            return {**conversion.preview(self.kind, inputs), **{name: old[name] for name in STABLE if name in old}}
        path = self._path(inputs)
        deadline = self._account().deadline(operation.timeout)
        if conversion.leaves_out_kept(self.kind, inputs):
            inputs = conversion.with_kept(self.kind, inputs, self._get(path, state, deadline))
        answer = self._put(path, inputs, deadline)
        return self._read_after_write(path, answer, operation, "Update", deadline)

    def delete(self, state: State, operation: Operation) -> None:
        """DELETE the id in the state, never with If-Match. A 404 is a success, also while polling."""
        account = self._account()
        deadline = account.deadline(operation.timeout)
        answer = account.arm.request("DELETE", state.id, self.kind.api_version, deadline)
        if answer.status == HTTPStatus.NOT_FOUND:
            return
        if answer.status not in DELETE_ACCEPTED:
            raise ArmError(answer)
        if not self.kind.long_running:
            return
        try:
            account.arm.final_response("DELETE", answer, self.kind.api_version, deadline)
        except ArmError as failed:
            if failed.status != HTTPStatus.NOT_FOUND:
                raise

    # -- inputs that the plugin fills in -----------------------------------------------------------------------------

    def _with_name(self, candidate: Candidate, olds: Properties, news: Properties) -> Properties:
        name = self.kind.name_parameter
        if name in news:
            return news
        if name in olds:
            kept = {CREATE_BEFORE_DELETE: olds[CREATE_BEFORE_DELETE]} if CREATE_BEFORE_DELETE in olds else {}
            return {**news, name: olds[name], **kept}
        generated, random = self._generated_name(candidate)
        flag = {CREATE_BEFORE_DELETE: True} if random else {}
        return {**news, name: generated, **flag} if generated else news

    def _generated_name(self, candidate: Candidate) -> tuple[str, bool]:
        """A generated name ("" for none), and whether a replacement can exist beside the old resource."""
        asked = candidate.naming.mode if candidate.naming else ""
        proposed = candidate.naming.proposed if candidate.naming else ""
        if asked == "DISABLE":
            return "", False
        if asked == "ENFORCE":
            return proposed, True
        if self.kind.naming is Naming.UUID:
            return naming.random_uuid(candidate.seed), True
        if self.kind.naming is Naming.COPY:
            return proposed or candidate.name, False
        return proposed or candidate.name + naming.random_suffix(candidate.seed), True

    def _location(self, olds: Properties, news: Properties) -> str | Unknown | None:
        if "location" in olds:
            return str(olds["location"])
        configured = self._account().settings.get("location")
        group = news.get("resourceGroupName")
        if configured:
            return configured
        if isinstance(group, Unknown):
            return UNKNOWN
        return self._account().location_of(group) if isinstance(group, str) else None

    # -- calls to ARM ------------------------------------------------------------------------------------------------

    def _path(self, inputs: Properties) -> str:
        return conversion.resource_path(self.kind, inputs, self._account().subscription)

    def _check_absent(self, path: str, deadline: Deadline) -> None:
        answer = self._account().arm.request("GET", path, self.kind.api_version, deadline)
        if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.NO_CONTENT):
            return
        if answer.status != HTTPStatus.OK:
            raise PluginError(f"cannot check existence of resource '{path}': status code {answer.status}, {answer.text}")
        body = answer.json()
        if isinstance(body, dict) and body:
            raise PluginError(f"cannot create already existing resource '{path}'")

    def _put(self, path: str, inputs: Properties, deadline: Deadline) -> dict[str, Any]:
        """PUT and wait; returns the final response. A failure after Azure accepted the PUT keeps the resource in the state."""
        arm = self._account().arm
        answer = arm.request("PUT", path, self.kind.api_version, deadline, body=conversion.request_body(self.kind, inputs))
        if answer.status not in PUT_ACCEPTED:
            raise ArmError(answer)
        try:
            if self.kind.long_running or answer.status == HTTPStatus.ACCEPTED:
                answer = arm.final_response("PUT", answer, self.kind.api_version, deadline)
            return self._json_object(answer)
        except PluginError as failed:
            raise self._failed_creation(path, inputs, failed, deadline) from failed

    def _json_object(self, answer: HttpResponse) -> dict[str, Any]:
        body = answer.json()
        if answer.status not in PUT_ACCEPTED:
            raise ArmError(answer)
        if not isinstance(body, dict):
            raise PluginError(f"Azure answered {answer.status} to PUT without a JSON object: {answer.text[:200]}")
        return body

    def _failed_creation(self, path: str, inputs: Properties, failed: PluginError, deadline: Deadline) -> InitializationError:
        try:
            found = conversion.outputs(self.kind, self._get(path, State(path, {}, inputs), deadline))
        except PluginError as unread:
            return InitializationError(
                f"resource created but read failed: {unread}; it was read because its creation had failed: {failed}",
                state=State(path, {}, inputs),
            )
        return InitializationError(str(failed), state=State(path, found, inputs))

    def _read_after_write(self, identity: str, answer: dict[str, Any], operation: Operation, verb: str, deadline: Deadline) -> Properties:
        raw = {**answer, conversion.API_VERSION: self.kind.api_version}
        if self._account().settings.is_on("skipReadOnUpdate"):
            return raw
        try:
            found = self._get(identity, State(identity, raw, {}), deadline)
        except PluginError as failed:
            self._log.warning(f"Failed to read resource after {verb}: {failed}", operation.urn)
            return raw
        return conversion.outputs(self.kind, found)

    def _get(self, identity: str, state: State, deadline: Deadline) -> dict[str, Any]:
        return self._account().arm.get(identity, self.kind.api_version, deadline, self._read_query(state, deadline))

    def _read_query(self, state: State, deadline: Deadline) -> dict[str, str]:
        """A cross-tenant role assignment is only found with the tenant of the delegated identity's subscription."""
        delegated = {**plain(state.inputs), **plain(state.outputs)}.get("delegatedManagedIdentityResourceId")
        if not isinstance(delegated, str) or "/subscriptions/" not in delegated:
            return {}
        subscription = delegated.split("/subscriptions/")[1].split("/")[0]
        found = self._account().arm.get(f"/subscriptions/{subscription}", "2021-01-01", deadline)
        return {"tenantId": str(found.get("tenantId", ""))}


def _without_null(properties: Properties) -> Properties:
    """Drop nulls at every level: this plugin treats null as absent."""
    return {name: _value_without_null(value) for name, value in properties.items() if value is not None}


def _value_without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return _without_null(value)
    if isinstance(value, list):
        return [_value_without_null(item) for item in value if item is not None]
    return value
