"""The embedded engine with a trap on its plugin calls: at one call, the engine or the plugin is killed (-9).

Runs like the engine itself, from the project's root. TRAP is JSON: `log` names a file that gets a line for each provider call;
`call` (from 1), `when` (`before` the plugin gets the call, `after` its answer) and `victim` (`engine` or `provider`) set the trap.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from sandbox.engine.cli.main import main
from sandbox.engine.providers import plugins

if TYPE_CHECKING:
    import asyncio

TRAP: dict[str, Any] = json.loads(os.environ["TRAP"])
LOG = os.open(TRAP["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
COUNT = itertools.count(1)
SERVICE = "/pulumirpc.ResourceProvider/"
# Calls that a plugin gets once, when it starts: they belong to no resource.
STARTUP_CALLS = {"Handshake", "GetPluginInfo", "GetSchema", "Cancel"}


class Trap(grpc.aio.UnaryUnaryClientInterceptor):
    """Counts the calls to a plugin, and kills the victim at the chosen one."""

    def __init__(self, server: plugins.Server) -> None:
        self._server = server

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        """Pass a call on, unless it is the chosen one."""
        method = details.method if isinstance(details.method, str) else details.method.decode()
        method = method.removeprefix(SERVICE)
        if "/" in method or method in STARTUP_CALLS:
            return await continuation(details, request)
        number = next(COUNT)
        urn = getattr(request, "urn", "") or getattr(request, "tok", "")
        os.write(LOG, (json.dumps({"call": number, "method": method, "urn": urn}) + "\n").encode())
        mine = number == TRAP.get("call")
        if mine and TRAP["when"] == "before":
            self._kill()
        answer = await continuation(details, request)
        if not mine or TRAP["when"] == "before":
            return answer
        await answer  # it took effect; the answer is lost with the killed process
        self._kill()
        raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "the plugin was killed")

    def _kill(self) -> None:
        if TRAP["victim"] == "engine":
            os.kill(os.getpid(), signal.SIGKILL)
        self._server.kill()


class Server(plugins.Server):
    """A plugin's process whose channel goes through the trap."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, readers: list[asyncio.Task[None]]) -> None:
        super().__init__(process, port, readers)
        self.channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=plugins.CHANNEL_OPTIONS, interceptors=[Trap(self)])


if __name__ == "__main__":
    plugins.Server = Server
    sys.exit(main(sys.argv[1:]))
