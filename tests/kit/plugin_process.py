"""Calls the plugin as Pulumi's engine does, with the methods of ``provider_process.py``: what holds in one shell is asked of the other.

Each call also holds the native shell to what only it promises: declared secrets are marked, a preview knows no output wrongly, and a
difference names the paths that replace.
"""

from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format, struct_pb2

from hubtrust import shell
from hubtrust.dynamic.lifecycle import Reconciled, Reconciler
from hubtrust.plugin.tokens import MODULES, resource
from tests.kit.provider_process import UNKNOWN, CallFailedError, CheckResult, DiffResult, Provider, ProviderProcess, ResourceState

_MARK = "4dabf18193072939515e22adb298388d"


class PluginProcess(ProviderProcess):
    """`pulumi-resource-hubtrust` with short waits."""

    def _program(self) -> list[str]:
        return ["tests.kit.naming_provider", "hubtrust.plugin"] if self.names_errors else ["tests.kit.quick_plugin"]

    def of(self, provider: type[Reconciler]) -> "PluginProvider":
        """The calls to one kind of resource."""
        found: type[Reconciled] = next(each for each in map(resource, MODULES) if each.provider is provider)
        return PluginProvider(self, "", shell.token(found.__name__), frozenset(provider.secret_inputs))


@dataclass
class PluginProvider(Provider):
    """The engine's calls for one kind of resource."""

    token: str
    secrets: frozenset[str]
    ignored: list[str] = field(default_factory=list)
    paths: dict[str, Any] = field(default_factory=dict)  # of the last difference: each one's kind, and whether it is an input's

    @property
    def urn(self) -> str:
        """The resource's name is `case`."""
        return f"urn:pulumi:tests::project::{self.token}::case"

    def check(self, news: dict[str, Any], olds: dict[str, Any] | None = None) -> CheckResult:
        """Check, as before every step."""
        answer = self._checked(news, olds)
        return CheckResult(bare(_dict(answer.inputs)), [(failure.property, failure.reason) for failure in answer.failures])

    def _checked(self, news: dict[str, Any], olds: dict[str, Any] | None = None) -> Any:
        answer = self.process.call("Check", urn=self.urn, news=struct(news), olds=struct(olds or {}))
        sent = _dict(answer.inputs)
        assert all(_MARK in sent[name] for name in self.secrets & sent.keys() if sent[name] is not None), "a declared secret is not marked"
        return answer

    def _inputs(self, news: dict[str, Any], olds: dict[str, Any] | None = None) -> struct_pb2.Struct:
        answer = self._checked(news, olds)
        if answer.failures:
            raise CallFailedError("; ".join(failure.reason for failure in answer.failures))
        inputs: struct_pb2.Struct = answer.inputs
        return inputs

    def diff(self, created: ResourceState, news: dict[str, Any]) -> DiffResult:
        """Diff of the old outputs and the new inputs."""
        answer = self.process.call(
            "Diff",
            urn=self.urn,
            id=created.id,
            olds=struct(created.outs),
            old_inputs=struct(created.inputs),
            news=struct(news),
            ignoreChanges=self.ignored,
        )
        self.paths = {path: (one.Kind.Name(one.kind), one.inputDiff) for path, one in answer.detailedDiff.items()}
        replacing = {path for path, (kind, _) in self.paths.items() if kind.endswith("_REPLACE")}
        firsts = {path.partition(".")[0].partition("[")[0] for path in replacing}
        assert firsts == set(answer.replaces), f"{self.paths} does not name what replaces: {answer.replaces}"
        changes = answer.changes == answer.DIFF_SOME
        assert changes or not self.paths, f"nothing changes, and yet {self.paths}"
        return DiffResult(changes, list(answer.replaces), answer.deleteBeforeReplace)

    def create(self, news: dict[str, Any]) -> ResourceState:
        """Check, preview, then create; raises the failures of check."""
        inputs = self._inputs(news)
        preview = _dict(self.process.call("Create", urn=self.urn, properties=inputs, preview=True).properties)
        answer = self.process.call("Create", urn=self.urn, properties=inputs)
        outs = bare(_dict(answer.properties))
        require_true(bare(preview), outs)
        return ResourceState(answer.id, outs, news)

    def read(self, created: ResourceState) -> ResourceState | None:
        """Refresh; None if the resource no longer exists."""
        answer = self.process.call("Read", urn=self.urn, id=created.id, properties=struct(created.outs), inputs=struct(created.inputs))
        assert not answer.HasField("inputs"), "a refresh keeps the program's inputs"
        return ResourceState(answer.id, bare(_dict(answer.properties)), created.inputs) if answer.id else None

    def update(self, created: ResourceState, news: dict[str, Any]) -> ResourceState:
        """Check, preview, then update."""
        inputs = self._inputs(news, created.inputs)
        fields = {"urn": self.urn, "id": created.id, "olds": struct(created.outs), "old_inputs": struct(created.inputs), "news": inputs}
        preview = _dict(self.process.call("Update", **fields, preview=True).properties)
        outs = bare(_dict(self.process.call("Update", **fields).properties))
        require_true(bare(preview), outs)
        return ResourceState(created.id, outs, news)

    def delete(self, created: ResourceState) -> None:
        """Delete, with the outputs from the state."""
        self.process.call("Delete", urn=self.urn, id=created.id, properties=struct(created.outs))


def require_true(preview: dict[str, Any], outs: dict[str, Any]) -> None:
    """Each output that the preview knew is as it said, and none that it did not name appeared.

    Raises:
        AssertionError: the preview was wrong.
    """
    wrong = {name: (value, outs.get(name)) for name, value in preview.items() if UNKNOWN not in str(value) and outs.get(name) != value}
    assert not wrong, f"a preview knew outputs that became others: {wrong}"
    assert outs.keys() <= preview.keys(), f"a preview said that there are none of {outs.keys() - preview.keys()}"


def bare(value: Any) -> Any:
    """Without the marks of secrets."""
    if isinstance(value, dict):
        return bare(value["value"]) if _MARK in value else {name: bare(each) for name, each in value.items()}
    return [bare(each) for each in value] if isinstance(value, list) else value


def struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    """The message of plain values."""
    return json_format.ParseDict(properties, struct_pb2.Struct())


def _dict(message: struct_pb2.Struct) -> dict[str, Any]:
    found: dict[str, Any] = json_format.MessageToDict(message)
    return found
