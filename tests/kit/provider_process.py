"""Calls a dynamic provider as Pulumi's engine does: the same program in a process, the same gRPC messages, secrets unwrapped."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Any, Self

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from hubtrust.dynamic.lifecycle import Reconciler
from tests.kit.naming_provider import KIND
from tests.kit.repository import ROOT
from tests.kit.warm_start import started_warm

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # how an unknown value is sent


class CallFailedError(Exception):
    """A provider call that failed, with the text that the engine would show; ``kind`` is the error's class, where the process names it."""

    def __init__(self, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.kind = kind


@dataclass
class CheckResult:
    """The result of check: the inputs, and each failure's property and reason."""

    inputs: dict[str, Any]
    failures: list[tuple[str, str]]


@dataclass
class DiffResult:
    """The result of diff."""

    changes: bool
    replaces: list[str]
    delete_first: bool


@dataclass
class ResourceState:
    """A resource as the engine keeps it: its id, outputs, and the inputs it was created from."""

    id: str
    outs: dict[str, Any]
    inputs: dict[str, Any]


class Reader:
    """Reads a process's output continuously: a full pipe would block the process."""

    def __init__(self, pipe: IO[str] | None) -> None:
        assert pipe is not None
        self._pipe, self._lines = pipe, list[str]()
        self._thread = threading.Thread(target=lambda: self._lines.extend(pipe), daemon=True)
        self._thread.start()

    def text(self) -> str:
        """The whole output, after the process has ended."""
        self._thread.join()
        self._pipe.close()
        return "".join(self._lines)


@dataclass
class ProviderProcess:
    """`python -m pulumi.dynamic` with short waits (`quick_waits.py`); all messages are kept, to search them for keys.

    With ``names_errors`` it tells each error's class, and has the waits of a run. Unless it is ``warm``, its start is a user's
    (`warm_start.py`): for tests that look at the process itself.
    """

    environment: dict[str, str] = field(default_factory=dict)
    traffic: list[str] = field(default_factory=list)
    names_errors: bool = False
    warm: bool = True

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", *self._program(), "127.0.0.1:1"]
        environment = {**os.environ, **self.environment, "PULUMI_PROJECT": "tests", "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            started_warm(command) if self.warm else command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        port = int(self.process.stdout.readline())
        self.readers = [Reader(self.process.stdout), Reader(self.process.stderr)]
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)
        self.stub.Configure(provider_pb2.ConfigureRequest(args=_struct({})))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.channel.close()
        self.process.terminate()
        self.process.wait()
        self.printed, self.error_output = (reader.text() for reader in self.readers)

    def _program(self) -> list[str]:
        """The Python module that the process runs, and its first arguments."""
        return ["tests.kit.naming_provider", "pulumi.dynamic"] if self.names_errors else ["tests.kit.quick_waits"]

    def of(self, provider: type[Reconciler]) -> "Provider":
        """The calls to one provider class in this process."""
        return Provider(self, serialize_provider(provider()))

    def call(self, method: str, **fields: Any) -> Any:
        """One gRPC call, recorded."""
        request = getattr(provider_pb2, f"{method}Request")(**fields)
        self.traffic.append(json_format.MessageToJson(request))
        try:
            response = getattr(self.stub, method)(request)
        except grpc.RpcError as error:
            self.traffic.append(error.details())
            raise CallFailedError(error.details(), dict(error.trailing_metadata()).get(KIND, "")) from None
        self.traffic.append(json_format.MessageToJson(response))
        return response


@dataclass
class Provider:
    """The engine's calls for one kind of resource."""

    process: ProviderProcess
    pickled: str

    def check(self, news: dict[str, Any], olds: dict[str, Any] | None = None) -> CheckResult:
        """Check, as before every step."""
        answer = self.process.call("Check", news=self._with_provider(news), olds=self._with_provider(olds or {}))
        return CheckResult(_dict(answer.inputs), [(failure.property, failure.reason) for failure in answer.failures])

    def diff(self, created: ResourceState, news: dict[str, Any]) -> DiffResult:
        """Diff of the old outputs and the new inputs."""
        answer = self.process.call("Diff", id=created.id, olds=self._with_provider(created.outs), news=self._with_provider(news))
        changes = answer.changes == provider_pb2.DiffResponse.DIFF_SOME
        return DiffResult(changes, list(answer.replaces), answer.deleteBeforeReplace)

    def create(self, news: dict[str, Any]) -> ResourceState:
        """Check, then create; raises the failures of check."""
        checked = self.check(news)
        if checked.failures:
            raise CallFailedError("; ".join(reason for _, reason in checked.failures))
        answer = self.process.call("Create", properties=self._with_provider(checked.inputs))
        return ResourceState(answer.id, _dict(answer.properties), news)

    def create_error(self, news: dict[str, Any]) -> str:
        """The error of a create that must fail: one line, as the engine shows it."""
        try:
            self.create(news)
        except CallFailedError as error:
            text = str(error).strip()
            assert "\n" not in text, f"more than one line: {text}"
            return text
        raise AssertionError("create succeeded")

    def read(self, created: ResourceState) -> ResourceState | None:
        """Refresh; None if the resource no longer exists. If the answer has no inputs, the engine keeps the ones it has."""
        answer = self.process.call(
            "Read", id=created.id, properties=self._with_provider(created.outs), inputs=self._with_provider(created.inputs)
        )
        if not answer.id:
            return None
        return ResourceState(answer.id, _dict(answer.properties), _dict(answer.inputs) if answer.HasField("inputs") else created.inputs)

    def update(self, created: ResourceState, news: dict[str, Any]) -> ResourceState:
        """Check, then update."""
        checked = self.check(news, created.inputs)
        assert checked.failures == []
        answer = self.process.call("Update", id=created.id, olds=self._with_provider(created.outs), news=self._with_provider(news))
        return ResourceState(created.id, _dict(answer.properties), news)

    def delete(self, created: ResourceState) -> None:
        """Delete, with the outputs from the state."""
        self.process.call("Delete", id=created.id, properties=self._with_provider(created.outs))

    def up(self, created: ResourceState | None, news: dict[str, Any]) -> ResourceState:
        """One `up` with refresh: read, diff, then the step that is needed. A replacement creates first and deletes last."""
        found = self.read(created) if created else None
        if found is None:
            return self.create(news)
        different = self.diff(found, news)
        if different.replaces:
            new = self.create(news)
            self.delete(found)
            return new
        return self.update(found, news) if different.changes else ResourceState(found.id, found.outs, news)

    def request(self, method: str, **properties: dict[str, Any]) -> Any:
        """The message of a call, for tests that send it themselves."""
        return getattr(provider_pb2, f"{method}Request")(**{name: self._with_provider(value) for name, value in properties.items()})

    def _with_provider(self, properties: dict[str, Any]) -> struct_pb2.Struct:
        return _struct({**properties, "__provider": self.pickled})


def _struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(properties, struct_pb2.Struct())


def _dict(struct: struct_pb2.Struct) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json_format.MessageToJson(struct))
    found.pop("__provider", None)
    return found
