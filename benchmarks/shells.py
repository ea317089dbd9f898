"""Our resources through the plugin (the native shell), compared with the same resources through Pulumi's dynamic provider.

    python -m benchmarks.shells [--resources 200] [--repeat 3]

Each resource is an AuthorityGeneration that asks nothing of Azure, so that the way to the lifecycle is measured and not the work. Both
shells run on the embedded engine, one after the other in each round. Figures are seconds of one cold command and of its processes' time
on a processor, each the median of all rounds; the ratios are the plugin's to the dynamic provider's (below 1 is faster). A start is a
process: until it says its port, and until its first resource is created.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from hubtrust.dynamic.authority_generation import AuthorityGenerationProvider

ROOT = Path(__file__).resolve().parent.parent
MODULES = {"plugin": "hubtrust.plugin", "dynamic": "pulumi.dynamic"}
URN = "urn:pulumi:dev::bench::hubtrust:index:AuthorityGeneration::one"
INPUTS = {"authority": "plant", "generation": 1, "keepPrevious": False}
PROGRAM = """
import os

import hubtrust
from hubtrust.dynamic.authority_generation import AuthorityGeneration

if os.environ["SHELL_OF_BENCH"] == "plugin":
    hubtrust.use_plugin()
for number in range(int(os.environ["COUNT"])):
    AuthorityGeneration(f"item-{number}", authority=f"plant-{number}", generation=1, keep_previous=False)
"""
COMMANDS = {"up": ("up", "--yes", "--skip-preview"), "no-op up": ("up", "--yes", "--skip-preview"), "preview": ("preview",)}


@dataclass(frozen=True)
class Figure:
    """Seconds by the clock, and on a processor."""

    seconds: float
    processor: float

    @classmethod
    def now(cls) -> Figure:
        """This moment; the processor's time is that of the processes that this one has started, and that have ended."""
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cls(time.perf_counter(), spent.ru_utime + spent.ru_stime)

    def __sub__(self, earlier: Figure) -> Figure:
        """What went by since then."""
        return Figure(self.seconds - earlier.seconds, self.processor - earlier.processor)


class Project:
    """A program of ``count`` resources in one shell, on the embedded engine."""

    def __init__(self, shell: str, folder: Path, count: int) -> None:
        self._folder = folder
        (folder / "backend").mkdir(parents=True)
        project = f"name: bench\nruntime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n"
        (folder / "Pulumi.yaml").write_text(project, encoding="utf-8")
        (folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
        plugin = folder / "bin" / "pulumi-resource-hubtrust"
        plugin.parent.mkdir()
        plugin.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {MODULES["plugin"]} "$@"\n', encoding="utf-8")
        plugin.chmod(0o755)
        self._env = {
            **os.environ,
            "COUNT": str(count),
            "SHELL_OF_BENCH": shell,
            "PATH": f"{plugin.parent}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_HOME": str(folder / "home"),
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "components", ROOT))),
        }
        self.call("stack", "init", "dev")

    def call(self, *arguments: str) -> Figure:
        """Run a command."""
        command = [sys.executable, "-m", "sandbox.engine", *arguments]
        began = Figure.now()
        done = subprocess.run(command, cwd=self._folder, env=self._env, capture_output=True, text=True, check=False, encoding="utf-8")
        took = Figure.now() - began
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return took

    def measure(self) -> dict[str, Figure]:
        """Each command; afterwards the stack is empty."""
        took = {name: self.call(*command, "--stack", "dev", "--non-interactive") for name, command in COMMANDS.items()}
        return took | {"destroy": self.call("destroy", "--yes", "--skip-preview", "--stack", "dev", "--non-interactive")}


def start(shell: str) -> dict[str, Figure]:
    """A process: until it says its port, and until a resource is created."""
    return {"start": _process(shell, create=False), "start, one created": _process(shell, create=True)}


def _process(shell: str, *, create: bool) -> Figure:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "components"), "PULUMI_PROJECT": "bench"}
    command = [sys.executable, "-u", "-m", MODULES[shell], "127.0.0.1:1"]
    began = Figure.now()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        if create:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                _create(provider_pb2_grpc.ResourceProviderStub(channel), shell)
        seconds = time.perf_counter() - began.seconds
        process.kill()
    return Figure(seconds, Figure.now().processor - began.processor)


def _create(stub: Any, shell: str) -> None:
    inputs: dict[str, Any] = {**INPUTS}
    if shell == "dynamic":
        inputs["__provider"] = serialize_provider(AuthorityGenerationProvider())
    properties = json_format.ParseDict(inputs, struct_pb2.Struct())
    stub.Configure(provider_pb2.ConfigureRequest(args=struct_pb2.Struct()))
    checked = stub.Check(provider_pb2.CheckRequest(urn=URN, news=properties))
    assert not checked.failures, checked.failures
    stub.Create(provider_pb2.CreateRequest(urn=URN, properties=checked.inputs))


def main() -> None:
    """Measure both shells, and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hubtrust-shells-") as folder:
        projects = {shell: Project(shell, Path(folder) / shell, args.resources) for shell in MODULES}
        rounds = [{shell: project.measure() | start(shell) for shell, project in projects.items()} for _ in range(args.repeat)]
    print(f"{f'{args.resources} resources':22}  plugin  dynamic    ratio     plugin  dynamic    ratio (processor)")
    for name in rounds[0]["plugin"]:
        shown = f"{name:22}"
        for kind in ("seconds", "processor"):
            plugin, dynamic = (statistics.median(getattr(each[shell][name], kind) for each in rounds) for shell in MODULES)
            shown += f"{plugin:8.2f}{dynamic:9.2f}{plugin / dynamic:9.2f}   "
        print(shown.rstrip())


if __name__ == "__main__":
    main()
