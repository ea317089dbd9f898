"""Provider plugins as processes: finds them, starts them, forwards their output and ends them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import grpc.aio
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.engine.project.python_environment import environment
from sandbox.engine.providers import plugin_folder
from sandbox.engine.providers.plugin_folder import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", 400 << 20),
    ("grpc.max_send_message_length", 400 << 20),
    ("grpc.enable_http_proxy", 0),  # plugins are on this machine, whatever HTTPS_PROXY says
]
DYNAMIC = "pulumi-python"
STAND_INS = Path(__file__).parents[2] / "plugins" / "bin"
_CHILD = Path(__file__).with_name("child_process.py")
_GRACE = 5.0  # seconds between SIGTERM and SIGKILL


@dataclass(frozen=True)
class PluginPlace:
    """Where plugins are started: `python` runs dynamic providers in `folder`, where the program is; `env` is their environment.

    `packages` has the places that Pulumi.yaml names.
    """

    python: Path
    folder: Path
    project: str
    env: Mapping[str, str]
    search: tuple[Path, ...] = ()
    packages: Mapping[str, Path] = field(default_factory=dict)


def find(package: str, place: PluginPlace) -> list[str]:
    """The command of a package's provider: from the place that Pulumi.yaml names, otherwise from PATH.

    Raises:
        PluginError: it was not found.
    """
    if package == DYNAMIC:
        return [str(place.python), "-u", "-m", "pulumi.dynamic"]
    own, on_path = str(place.python.absolute().parent), place.env.get("PATH", os.defpath).split(os.pathsep)
    if on_path[0] == own:  # it is first for the program alone: Pulumi's CLI looks on the PATH that it was started with
        on_path = [*on_path[1:], own]
    unusable = None
    if package in place.packages:
        try:
            return plugin_folder.command(package, place.packages[package])
        except PluginError as error:
            unusable = error
    folders = [*map(str, place.search), *on_path, str(STAND_INS)]
    found = shutil.which(f"pulumi-resource-{package}", path=os.pathsep.join(folders))
    if found is None and unusable:
        raise unusable
    if found is None:
        raise PluginError(
            f"no resource plugin 'pulumi-resource-{package}' found on PATH or in {STAND_INS}: "
            "put the plugin's folder on PATH (this engine does not download plugins), or run the program with the pulumi CLI"
        )
    return [found]


async def spawn(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> asyncio.subprocess.Process:
    """Start a child that ends with the engine, out of reach of the terminal's Ctrl-C."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(_CHILD), *command),
        cwd=folder,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=16 << 20,
    )


async def forward_lines(stream: asyncio.StreamReader, on_line: Callable[[str], None]) -> None:
    """Forward every line that a child prints."""
    while line := await stream.readline():
        on_line(line.decode(errors="replace").rstrip("\n"))


async def end(process: asyncio.subprocess.Process, *, ask: signal.Signals = signal.SIGTERM, grace: float = _GRACE) -> None:
    """Ask a child's process group to end, and kill it if it is still there after `grace` seconds."""
    if process.returncode is None:
        _signal(process, ask)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), grace)
    _signal(process, signal.SIGKILL)
    await process.wait()


def kill(process: asyncio.subprocess.Process) -> None:
    """Kill a child's process group."""
    _signal(process, signal.SIGKILL)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has already ended
        os.killpg(process.pid, number)


class Server:
    """A started process that serves gRPC: its process and its port.

    Create it with `launch`.
    """

    def __init__(self, process: asyncio.subprocess.Process, port: int, readers: list[asyncio.Task[None]]) -> None:
        self.process, self._readers = process, readers
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=CHANNEL_OPTIONS)

    async def stop(self) -> None:
        """End it."""
        await self.channel.close()
        await end(self.process)
        await asyncio.gather(*self._readers)

    def kill(self) -> None:
        """End it at once."""
        kill(self.process)


async def launch(name: str, command: Sequence[str], folder: Path, env: Mapping[str, str], on_line: Callable[[str, bool], None]) -> Server:
    """Start a process that prints its port first, and then serves.

    Raises:
        PluginError: it does not start.
    """
    process = await spawn(command, folder, env)
    assert process.stdout is not None  # both were asked for
    assert process.stderr is not None
    errors_seen: list[str] = []

    def forward(line: str) -> None:
        errors_seen.append(line)
        on_line(line, True)

    errors = asyncio.create_task(forward_lines(process.stderr, forward))
    first = await process.stdout.readline()
    if not first.strip().isdigit():
        await end(process)
        await errors
        last = next((line for line in reversed(errors_seen) if line.strip()), first.decode(errors="replace").strip() or "nothing")
        raise PluginError(f"{name} did not start (its last output: {last}): run `{' '.join(command)}` by hand to see why")
    return Server(process, int(first), [errors, asyncio.create_task(forward_lines(process.stdout, lambda line: on_line(line, False)))])


@dataclass(frozen=True)
class Plugin:
    """A started provider plugin."""

    package: str
    server: Server
    stub: provider_pb2_grpc.ResourceProviderStub


class Plugins:
    """All provider plugins of one run.

    Args:
        place: where they are started.
        engine_address: `host:port` of the Engine service.
        on_line: gets (text, is_error) of each line that a plugin prints.
    """

    def __init__(self, place: PluginPlace, engine_address: str, on_line: Callable[[str, bool], None]) -> None:
        self.place, self._engine, self._on_line = place, engine_address, on_line
        self._started: list[Plugin] = []

    async def start(self, package: str) -> Plugin:
        """Start a package's provider and make the handshake.

        Raises:
            PluginError: it was not found, or does not start.
        """
        command = find(package, self.place)
        env = {**self.place.env, "PULUMI_PROJECT": self.place.project} if package == DYNAMIC else self.place.env
        from_folder = package != DYNAMIC and len(command) > 1
        if from_folder:  # the first part is its Python
            env = environment(Path(command[0]), self.place.env)
        server = await launch(f"the plugin for {package!r}", [*command, self._engine], self.place.folder, env, self._on_line)
        plugin = Plugin(package, server, provider_pb2_grpc.ResourceProviderStub(server.channel))
        self._started.append(plugin)
        own = self.place.packages[package] if from_folder else Path(command[0]).parent
        await self._handshake(plugin, self.place.folder if package == DYNAMIC else own)
        return plugin

    async def _handshake(self, plugin: Plugin, folder: Path) -> None:
        request = provider_pb2.ProviderHandshakeRequest(
            engine_address=self._engine,
            root_directory=str(folder),
            program_directory=str(folder),
            configure_with_urn=True,
            invoke_with_preview=True,
        )
        try:
            await plugin.stub.Handshake(request)
        except grpc.aio.AioRpcError as error:
            if error.code() != grpc.StatusCode.UNIMPLEMENTED:
                raise PluginError(f"the plugin for {plugin.package!r} refused the handshake: {error.details()}") from None

    async def stop(self) -> None:
        """End all of them."""
        await asyncio.gather(*(plugin.server.stop() for plugin in self._started))

    def kill(self) -> None:
        """End all of them at once."""
        for plugin in self._started:
            plugin.server.kill()
