"""One policy pack as a process: starts it, configures it, and calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from sandbox.engine.errors import EngineError
from sandbox.engine.policy import policy_config
from sandbox.engine.project.yaml_text import YamlError, parse_yaml
from sandbox.engine.providers.plugins import launch
from sandbox.engine.values import property_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sandbox.engine.policy.policy_config import PolicyConfig
    from sandbox.engine.providers.plugins import Server
    from sandbox.engine.steps.run_options import PolicyPackRef, RunOptions


class PolicyPackError(EngineError):
    """A policy pack can't be started, or failed."""


class PolicyPack:
    """A running policy pack. Create it with `start`."""

    def __init__(self, path: Path, server: Server, stub: Any, info: Any, config: Mapping[str, PolicyConfig]) -> None:
        self._path, self._server, self._stub = path, server, stub
        self.name, self.version = info.name, _settings(path).get("version") or info.version
        self.config = config
        self.resource_policies = [policy.name for policy in info.policies if policy.policy_type != analyzer_pb2.POLICY_TYPE_STACK]
        self.stack_policies = [policy.name for policy in info.policies if policy.policy_type == analyzer_pb2.POLICY_TYPE_STACK]

    @property
    def label(self) -> str:
        """Its name in the summary."""
        return f"{self.name}|local|{self._path}"

    async def remediate(self, request: Any) -> Any:
        """Its remediations of a resource."""
        return await self._call("Remediate", request)

    async def analyze(self, request: Any) -> Any:
        """Its findings about a resource."""
        return await self._call("Analyze", request)

    async def analyze_stack(self, request: Any) -> Any:
        """Its findings about the whole stack."""
        return await self._call("AnalyzeStack", request)

    async def _call(self, method: str, request: Any) -> Any:
        try:
            return await getattr(self._stub, method)(request)
        except grpc.aio.AioRpcError as error:
            raise PolicyPackError(f"policy pack {self.name!r} failed: {error.details()}") from None

    async def stop(self) -> None:
        """End it."""
        await self._server.stop()

    def kill(self) -> None:
        """End it at once."""
        self._server.kill()


async def start(
    ref: PolicyPackRef, options: RunOptions, engine: str, env: Mapping[str, str], on_line: Callable[[str, bool], None]
) -> PolicyPack:
    """Start a policy pack and give it its configuration and the stack's.

    Raises:
        PolicyPackError: it does not exist, or does not start.
        PolicyConfigError: its configuration is invalid.
    """
    command = [str(_interpreter(ref.path, options.project.python)), "-u", str(ref.path), engine]
    server = await launch(f"the policy pack {ref.path}", command, options.project.program_dir, env, on_line)
    stub: Any = analyzer_pb2_grpc.AnalyzerStub(server.channel)
    try:
        info, config = await _configured(stub, ref, options, engine)
    except grpc.aio.AioRpcError as error:
        await server.stop()
        raise PolicyPackError(f"the policy pack {ref.path} did not start: {error.details()}") from None
    except EngineError:
        await server.stop()
        raise
    return PolicyPack(ref.path, server, stub, info, config)


async def _configured(stub: Any, ref: PolicyPackRef, options: RunOptions, engine: str) -> tuple[Any, dict[str, PolicyConfig]]:
    """Make the handshake, send the stack and the configuration; returns what the pack says about itself, and its configuration."""
    folder = str(ref.path)
    handshake = analyzer_pb2.AnalyzerHandshakeRequest(engine_address=engine, root_directory=folder, program_directory=folder)
    await _tolerant(stub.Handshake(handshake))
    stack = analyzer_pb2.AnalyzerStackConfigureRequest(
        stack=options.stack,
        project=options.project.name,
        organization=options.organization,
        dry_run=options.preview,
        config={key: item.value for key, item in options.config.items()},
        config_secret_keys=[key for key, item in options.config.items() if item.secret],
    )
    await _tolerant(stub.ConfigureStack(stack))
    info = await stub.GetAnalyzerInfo(empty_pb2.Empty())
    config = policy_config.reconciled(info.name, info.policies, policy_config.read(ref.config))
    configure = analyzer_pb2.ConfigureAnalyzerRequest()
    for name, item in config.items():
        configure.policyConfig[name].enforcementLevel = policy_config.LEVELS.index(item.level)
        configure.policyConfig[name].properties.CopyFrom(property_values.to_struct(item.properties, property_values.Form()))
    await stub.Configure(configure)
    return info, config


async def _tolerant(call: Any) -> None:
    """Older packs do not have every method."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        if error.code() != grpc.StatusCode.UNIMPLEMENTED:
            raise


def _interpreter(path: Path, default: Path) -> Path:
    """The pack's own virtual environment if it names one, otherwise the program's."""
    runtime = _settings(path).get("runtime")
    name, options = (runtime.get("name"), runtime.get("options") or {}) if isinstance(runtime, dict) else (runtime, {})
    if name != "python":
        raise PolicyPackError(f"the runtime {name!r} of the policy pack {path} is not supported here: this engine runs Python packs")
    virtualenv = options.get("virtualenv")
    return path / str(virtualenv) / "bin" / "python" if virtualenv else default


def _settings(path: Path) -> dict[str, Any]:
    """The pack's PulumiPolicy.yaml."""
    file = path / "PulumiPolicy.yaml"
    if not file.is_file():
        raise PolicyPackError(f"there is no policy pack in {path}: PulumiPolicy.yaml is missing")
    try:
        return dict(parse_yaml(file.read_text(encoding="utf-8")) or {})
    except (OSError, ValueError, TypeError, YamlError) as error:
        raise PolicyPackError(f"could not load the policy pack {file}: {error}") from None
