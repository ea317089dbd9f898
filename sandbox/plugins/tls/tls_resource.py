"""Implements every tls resource from its Schema: Terraform's plan, as Pulumi's bridge presents it.

The real plugin is terraform-provider-tls behind pulumi-terraform-bridge; this file holds what the two do for every
resource.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.plugins.property_values import UNKNOWN, Secret, Unknown, has_unknown, plain
from sandbox.plugins.resource import Candidate, CheckResult, DiffResult, Operation, PluginError, State
from sandbox.plugins.tls import times, validation
from sandbox.plugins.tls.raw_state import raw_state_delta
from sandbox.plugins.tls.schema import Attribute, Replaces, Schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.plugins.engine_log import EngineLog
    from sandbox.plugins.property_values import Properties

PEM_TEXT: Final = re.compile(r"-----BEGIN [A-Za-z ]+-----\n.+\n-----END [A-Za-z ]+-----\n?", re.DOTALL)
META: Final = "__meta"
RAW_STATE: Final = "__pulumi_raw_state_delta"


@dataclass(frozen=True)
class Plan:
    """The planned values of the attributes, and the attributes that force a replacement."""

    values: Properties
    replaces: frozenset[str]


@dataclass(frozen=True)
class TlsResource:
    """A resource of this `schema`. `clock` returns nanoseconds since 1970."""

    schema: Schema
    clock: Callable[[], int]
    log: EngineLog

    def check(self, candidate: Candidate) -> CheckResult:
        """The inputs unchanged, with sensitive ones marked secret; unknown values are not validated."""
        news = plain(candidate.news)
        failures = validation.failures(self.schema, candidate.name, news)
        return CheckResult(self._marked(news, even_unknown=True), failures)

    def diff(self, state: State, news: Properties, *, ignored: list[str]) -> DiffResult:
        """The sorted top-level names of what changes and what replaces; no detailed diff, as recorded."""
        prior = self._prior(state)
        plan = self._plan(prior, self._inputs(state, news, ignored))
        changed = sorted(name for name, value in plan.values.items() if value != prior[name])
        return DiffResult(bool(changed), changed, sorted(plan.replaces & set(changed)))

    def create(self, news: Properties, operation: Operation) -> State:
        """The planned values in a preview; otherwise with the computed values too."""
        values = self._plan(None, plain(news)).values
        if operation.preview:
            return State("", self._marked(_without_null(values)))
        unknown = sorted(name for name in news if has_unknown(news[name]))
        if unknown:
            raise PluginError(f"cannot create: the value of {', '.join(unknown)} is not known yet; the engine must resolve it first")
        # Values still unknown are computed ones: `compute` sets them, or they become null.
        settled: Properties = {name: None if isinstance(value, Unknown) else value for name, value in values.items()}
        try:
            settled.update(self.schema.compute(settled))
        except ValueError as refused:
            # Go accepts a few things that the X.509 library used here refuses, such as one value twice in a name.
            raise PluginError(f"cannot be created from these values: {refused}; change them, or use the real tls plugin") from refused
        for warning in self.schema.warnings(settled):
            self.log.warning(warning, operation.urn)
        return State(settled["id"], self._outputs(settled))

    def read(self, state: State, operation: Operation) -> State:
        """The state itself: a tls resource exists only there. Sets `readyForRenewal` inside the renewal window."""
        del operation
        if not state.outputs:
            raise PluginError(
                "Resource Import Not Implemented: This resource does not support import. Create it, or keep the PEM as a secret."
            )
        values = self._prior(state)
        if self._ready_for_renewal(values):
            values["readyForRenewal"] = True
        outputs = self._outputs(values)
        inputs = {name: outputs[name] for name in state.inputs if name in outputs}
        return State(state.id, outputs, inputs)

    def update(self, state: State, news: Properties, operation: Operation, *, ignored: list[str]) -> Properties:
        """The planned values: an update in place recomputes nothing."""
        values = self._plan(self._prior(state), self._inputs(state, news, ignored)).values
        if operation.preview:
            return self._marked(_without_null(values))
        return self._outputs(values)

    def delete(self, state: State, operation: Operation) -> None:
        """Nothing to do: the resource exists only in the state."""

    # -- the plan ----------------------------------------------------------------------------------------------------

    def _prior(self, state: State) -> Properties:
        outputs = plain(state.outputs)
        prior = {attribute.name: outputs.get(attribute.name) for attribute in self.schema.attributes}
        return {**prior, "id": outputs.get("id") or state.id}

    def _inputs(self, state: State, news: Properties, ignored: list[str]) -> Properties:
        """The new inputs, with the old values of ignored properties."""
        kept = {re.split(r"[.\[]", path)[0] for path in ignored}
        olds = plain(state.outputs)
        return {**{k: v for k, v in plain(news).items() if k not in kept}, **{k: olds[k] for k in kept if k in olds}}

    def _plan(self, prior: Properties | None, config: Properties) -> Plan:
        """Terraform's plan: the configured, default or prior value; computed values become unknown once anything changes."""
        values = {attribute.name: _proposed(attribute, prior, config) for attribute in self.schema.attributes}
        if prior is None or values != prior:
            for attribute in self.schema.attributes:
                if attribute.computed and attribute.default is None and config.get(attribute.name) is None:
                    values[attribute.name] = prior[attribute.name] if prior and attribute.keeps_prior else UNKNOWN
        if self.schema.renewable:
            _plan_renewal(values)
        replaces = {a.name for a in self.schema.attributes if prior is not None and _replaces(a, prior[a.name])}
        if self.schema.renewable and prior is not None and self._ready_for_renewal(values):
            values["readyForRenewal"] = UNKNOWN
            replaces.add("readyForRenewal")
        return Plan(values, frozenset(replaces))

    def _ready_for_renewal(self, values: Properties) -> bool:
        end, hours = values.get("validityEndTime"), values.get("earlyRenewalHours")
        if not self.schema.renewable or not isinstance(end, str):
            return False
        try:
            moment = times.from_text(end)
        except ValueError as unreadable:
            raise PluginError(
                f"Failed to parse data from string: {end}: {unreadable}; the state was edited by hand; restore the value"
            ) from unreadable
        return moment - (hours if isinstance(hours, int) else 0) * times.HOUR <= self.clock()

    # -- how values are presented ----------------------------------------------------------------------------------------

    def _outputs(self, values: Properties) -> Properties:
        outputs = self._marked(_without_null(values))
        if self.schema.version:
            outputs[META] = json.dumps({"schema_version": str(self.schema.version)}, separators=(",", ":"))
        outputs[RAW_STATE] = raw_state_delta(self.schema, values)
        return outputs

    def _marked(self, values: Properties, *, even_unknown: bool = False) -> Properties:
        """The values with sensitive ones marked secret. An unknown input is marked, an unknown output is not, as recorded."""
        sensitive = self.schema.sensitive()
        return {
            name: Secret(value) if name in sensitive and (even_unknown or not isinstance(value, Unknown)) else value
            for name, value in values.items()
        }


def _proposed(attribute: Attribute, prior: Properties | None, config: Properties) -> Any:
    value = config.get(attribute.name)
    if value is not None:
        return value if attribute.type is not dict or isinstance(value, Unknown) else _filled(attribute, value)
    if attribute.default is not None:
        return attribute.default
    return prior[attribute.name] if attribute.computed and prior else None


def _filled(attribute: Attribute, value: Properties) -> Properties:
    known = {item.name for item in attribute.fields}
    return {name: item for name, item in value.items() if name in known and item is not None}


def _plan_renewal(values: Properties) -> None:
    """The plan modifier of ready_for_renewal in terraform-provider-tls, which takes an unknown validity as 0 hours."""
    validity, early = values["validityPeriodHours"], values["earlyRenewalHours"]
    due_at_once = isinstance(validity, Unknown) or validity == 0
    if due_at_once or (not isinstance(early, Unknown) and early >= validity):
        values["readyForRenewal"] = True


def _replaces(attribute: Attribute, old: Any) -> bool:
    if attribute.replaces is Replaces.IF_PEM:
        return isinstance(old, str) and PEM_TEXT.fullmatch(old) is not None
    return attribute.replaces is Replaces.ALWAYS


def _without_null(values: Properties) -> Properties:
    return {name: value for name, value in values.items() if value is not None}
