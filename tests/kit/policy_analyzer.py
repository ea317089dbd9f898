"""The policy pack as a process, asked as an engine asks it: the same command, the same gRPC messages."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from tests.kit.repository import ROOT
from tests.kit.warm_start import started_warm

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # how an unknown value is sent


def secret(value: Any) -> dict[str, Any]:
    """How a secret is sent (pulumi/pulumi, sdk/go/common/resource/properties.go)."""
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": value}


@dataclass(frozen=True)
class Declared:
    """A resource as an engine sends it."""

    type: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    name: str = "it"
    protect: bool = True
    parents: tuple[str, ...] = ()
    """The types of the components that it is in, from the outermost."""
    aliases: tuple[str, ...] = ()

    @property
    def urn(self) -> str:
        """Its URN, which has the types of its parents."""
        return f"urn:pulumi:dev::program::{'$'.join((*self.parents, self.type))}::{self.name}"

    def _message(self, kind: Callable[..., Any]) -> Any:
        parent = f"urn:pulumi:dev::program::{'$'.join(self.parents)}::parent" if self.parents else ""
        options = analyzer_pb2.AnalyzerResourceOptions(protect=self.protect, aliases=self.aliases, parent=parent)
        properties = json_format.ParseDict(dict(self.properties), struct_pb2.Struct())
        return kind(type=self.type, name=self.name, urn=self.urn, properties=properties, options=options)

    @property
    def request(self) -> Any:
        """What an engine asks before the resource's step."""
        return self._message(analyzer_pb2.AnalyzeRequest)

    @property
    def result(self) -> Any:
        """What an engine says of it at the end of a run."""
        return self._message(analyzer_pb2.AnalyzerResource)


@dataclass(frozen=True)
class Answer:
    """The messages of each violated policy, and the policies that can't be checked yet."""

    violations: dict[str, list[str]]
    not_applicable: set[str]

    @classmethod
    def of(cls, response: Any) -> Self:
        """The pack's response."""
        found: dict[str, list[str]] = {}
        for each in response.diagnostics:
            found.setdefault(each.policyName, []).append(each.message)
        return cls(found, {each.policy_name for each in response.not_applicable})


class PolicyAnalyzer:
    """The process of a pack, by default ours. Use it as a context manager."""

    def __init__(self, folder: Path = ROOT / "policies") -> None:
        """``folder`` has the pack's `__main__.py`."""
        self._folder = folder

    def __enter__(self) -> Self:
        """Start it, and make the handshake."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
        self._process = subprocess.Popen(
            started_warm([sys.executable, "-u", str(self._folder), "127.0.0.1:1"]),
            cwd=ROOT,
            env={**inherited, "NO_PROXY": "127.0.0.1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        if not port.isdigit():
            self._process.kill()
            raise AssertionError(f"the pack did not start: {port} {self._process.communicate()[1]}")
        self._drains = [threading.Thread(target=stream.read) for stream in (self._process.stdout, self._process.stderr) if stream]
        for drain in self._drains:
            drain.start()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)])
        stub: Any = analyzer_pb2_grpc.AnalyzerStub(self._channel)  # type: ignore[no-untyped-call]
        self._stub = stub
        stub.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(stack="dev", project="program", dry_run=True))
        self._policies = stub.GetAnalyzerInfo(empty_pb2.Empty()).policies
        self.configure({})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End it."""
        self._channel.close()
        self._process.terminate()
        self._process.wait(10)
        for drain in self._drains:
            drain.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    @property
    def policies(self) -> set[str]:
        """The names of its policies."""
        return {policy.name for policy in self._policies}

    def configure(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Set the settings of policies; the others have their defaults."""
        request = analyzer_pb2.ConfigureAnalyzerRequest()
        for policy in self._policies:
            schema = json_format.MessageToDict(policy.configSchema).get("properties", {}) if policy.HasField("configSchema") else {}
            whole = {name: each["default"] for name, each in schema.items() if "default" in each} | dict(settings.get(policy.name, {}))
            request.policyConfig[policy.name].enforcementLevel = policy.enforcementLevel
            request.policyConfig[policy.name].properties.CopyFrom(json_format.ParseDict(whole, struct_pb2.Struct()))
        self._stub.Configure(request)

    def analyze(self, declared: Declared) -> Answer:
        """What it says about a resource, after its remediations, which change nothing here."""
        self._stub.Remediate(declared.request)
        return Answer.of(self._stub.Analyze(declared.request))

    def analyze_stack(self, declared: Iterable[Declared]) -> Answer:
        """What it says about the results of a run."""
        return Answer.of(self._stub.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=[each.result for each in declared])))
