"""The policy packs of a run: each resource is remediated and validated before its step, the whole stack at the end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import analyzer_pb2

from sandbox.engine.state.deployment import blinded, encoded_value
from sandbox.engine.values import property_values
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.engine.policy.policy_pack import PolicyPack
    from sandbox.engine.state.deployment import Json, Resource
    from sandbox.engine.steps.events import Events
    from sandbox.engine.steps.goal import Goal

_FORM = property_values.Form()
_PLAIN = property_values.Form(secrets=False)


class Policies:
    """The packs that a run must comply with; there may be none."""

    def __init__(self, packs: Sequence[PolicyPack], events: Events) -> None:
        self._packs, self._events = packs, events
        self._providers: dict[str, Resource] = {}
        self._goals: dict[str, Goal] = {}
        self.violated = False

    @property
    def versions(self) -> dict[str, str]:
        """Label to version of each pack, for the summary."""
        return {pack.label: pack.version for pack in self._packs}

    async def apply(self, new: Resource, goal: Goal) -> tuple[Resource, bool]:
        """The resource after remediation, and whether the policies allow it.

        Raises:
            PolicyPackError: a pack failed.
        """
        if not self._packs:
            return new, True
        if urns.is_provider(new.type):
            self._providers[new.urn] = new
        self._goals[new.urn] = goal
        for pack in self._packs:
            new = await self._remediated(pack, new, goal)
        request = self._request(replace(new, inputs=_public(new.inputs)), goal, _PLAIN)
        answers = await asyncio.gather(*(pack.analyze(request) for pack in self._packs))
        allowed = [self._report(pack, answer, new.urn) for pack, answer in zip(self._packs, answers, strict=True)]
        return new, all(allowed)

    async def _remediated(self, pack: PolicyPack, new: Resource, goal: Goal) -> Resource:
        answer = await pack.remediate(self._request(new, goal, _FORM))
        failed = []
        for item in answer.remediations:
            failed.append(item.policyName)
            if item.diagnostic:
                event = self._event(pack, item.policyName, new.urn)
                self._events.policy({**event, "message": f"{item.diagnostic}\n", "enforcementLevel": "advisory"})
                continue
            after = property_values.from_struct(item.properties)
            change = {"before": encoded_value(new.inputs, blinded), "after": encoded_value(after, blinded)}
            self._events.remediation({**self._event(pack, item.policyName, new.urn), **change})
            new = replace(new, inputs=after)
        self._summary("policyRemediateSummaryEvent", pack, failed, answer, new.urn)
        return new

    def _report(self, pack: PolicyPack, answer: Any, urn: str) -> bool:
        """Report a pack's violations; returns whether it allows the resource."""
        allowed = True
        for item in answer.diagnostics:
            # A remediation policy that still reports a violation counts as mandatory.
            level = "advisory" if item.enforcementLevel == analyzer_pb2.ADVISORY else "mandatory"
            event = self._event(pack, item.policyName, item.urn or urn)
            self._events.policy({**event, "message": f"{item.message}\n", "enforcementLevel": level})
            allowed &= level == "advisory"
        self.violated |= not allowed
        failed = [item.policyName for item in answer.diagnostics]
        if urn:
            self._summary("policyAnalyzeSummaryEvent", pack, failed, answer, urn)
        else:
            self._summary("policyAnalyzeStackSummaryEvent", pack, failed, answer, "")
        return allowed

    def _summary(self, event: str, pack: PolicyPack, failed: list[str], answer: Any, urn: str) -> None:
        policies = pack.resource_policies if urn else pack.stack_policies
        not_applicable = {item.policy_name for item in answer.not_applicable}
        passed = [name for name in policies if name not in failed and name not in not_applicable]
        found = {"passed": passed, "failed": failed, **self._event(pack, "", urn)}
        self._events.other(event, {key: item for key, item in found.items() if item and key not in ("color", "policyName")})

    @staticmethod
    def _event(pack: PolicyPack, policy: str, urn: str) -> Json:
        return {
            "resourceUrn": urn,
            "color": "never",
            "policyName": policy,
            "policyPackName": pack.name,
            "policyPackVersion": pack.version,
            "policyPackVersionTag": pack.version,
        }

    async def validate_stack(self, resources: Sequence[Resource]) -> None:
        """Validate the whole stack.

        Raises:
            PolicyPackError: a pack failed.
        """
        if not self._packs or not resources:
            return
        request = analyzer_pb2.AnalyzeStackRequest(resources=[self._analyzed(resource) for resource in resources])
        for pack in self._packs:
            self._report(pack, await pack.analyze_stack(request), "")

    def _analyzed(self, resource: Resource) -> Any:
        goal = self._goals.get(resource.urn)
        found = analyzer_pb2.AnalyzerResource(
            urn=resource.urn,
            type=resource.type,
            name=urns.name_of(resource.urn),
            parent=resource.parent,
            properties=property_values.to_struct(_public(resource.outputs), _FORM),
            options=_options(resource, goal),
            dependencies=resource.dependencies,
        )
        for key, deps in resource.property_dependencies.items():
            if deps:
                found.propertyDependencies[key].urns.extend(deps)
        if resource.provider:
            self._set_provider(found, resource)
        return found

    def _request(self, new: Resource, goal: Goal, form: property_values.Form) -> Any:
        found = analyzer_pb2.AnalyzeRequest(
            urn=new.urn,
            type=new.type,
            name=urns.name_of(new.urn),
            properties=property_values.to_struct(new.inputs, form),
            options=_options(new, goal),
        )
        self._set_provider(found, new)
        return found

    def _set_provider(self, message: Any, resource: Resource) -> None:
        provider = self._providers.get(urns.split_reference(resource.provider)[0])
        if provider is not None:
            message.provider.urn, message.provider.type = provider.urn, provider.type
            message.provider.name = urns.name_of(provider.urn)
            message.provider.properties.CopyFrom(property_values.to_struct(_public(provider.inputs), _FORM))


def _public(properties: property_values.Properties) -> property_values.Properties:
    """Properties without those that only the engine and the provider use."""
    return {key: item for key, item in properties.items() if key not in ("__provider", "__internal")}


def _options(resource: Resource, goal: Goal | None) -> Any:
    first = goal.delete_before_replace if goal else None
    return analyzer_pb2.AnalyzerResourceOptions(
        protect=resource.protect,
        ignoreChanges=resource.ignore_changes,
        deleteBeforeReplace=bool(first),
        deleteBeforeReplaceDefined=first is not None,
        additionalSecretOutputs=resource.additional_secret_outputs,
        aliases=resource.aliases,
        customTimeouts=analyzer_pb2.AnalyzerResourceOptions.CustomTimeouts(**resource.custom_timeouts),
        parent=resource.parent,
    )
