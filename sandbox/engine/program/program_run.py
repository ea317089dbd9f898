"""The program's part of a run: it is served while it registers resources, and kept running until the run is over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import resource_pb2, resource_pb2_grpc

from sandbox.engine.plan.default_providers import DefaultProviders
from sandbox.engine.program import language
from sandbox.engine.program.component_plugins import ComponentPlugins
from sandbox.engine.program.monitor import Monitor
from sandbox.engine.program.transforms import Transforms
from sandbox.engine.steps.executor import Stopped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sandbox.engine.plan.registrations import Registrations
    from sandbox.engine.steps.callbacks import Callbacks
    from sandbox.engine.steps.executor import Executor
    from sandbox.engine.steps.run_options import RunOptions
    from sandbox.engine.values.property_values import Value


class ProgramRun:
    """One program with the monitor that serves it.

    Args:
        options: the options of the run.
        executor: knows whether the run is stopping.
        registrations: takes the resources that the program registers.
        callbacks: calls the functions that the program registers.
        config: full keys to values, secrets marked.
    """

    def __init__(
        self, options: RunOptions, executor: Executor, registrations: Registrations, callbacks: Callbacks, config: Mapping[str, Value]
    ) -> None:
        self._options, self._executor, self._registrations = options, executor, registrations
        info = resource_pb2.DeploymentInfo(
            project=options.project.name,
            stack=options.stack,
            organization=options.organization,
            config={key: item.value for key, item in options.config.items()},
            configSecretKeys=[key for key, item in options.config.items() if item.secret],
            dryRun=options.preview,
            parallel=options.parallel,
        )
        self._components = ComponentPlugins(executor, registrations, info)
        defaults = DefaultProviders(registrations, config)
        self._monitor = Monitor(registrations, executor, defaults, self._components, Transforms(callbacks), info, options.project.root)
        self._program: language.Program | None = None

    def serve_monitor(self, server: Any) -> None:
        """Add the program's monitor to a server."""
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(self._monitor, server)

    async def start(self, *, monitor: str, engine: str, on_line: Callable[[str, bool], None]) -> None:
        """Start the program; see `language.start`."""
        self._components.monitor_address = monitor
        self._program = await language.start(self._options, monitor=monitor, engine=engine, on_line=on_line)

    async def stop(self) -> None:
        """Ask the program to end, and kill it if it does not."""
        if self._program is not None:
            await self._program.stop()

    def kill(self) -> None:
        """Kill the program."""
        if self._program is not None:
            self._program.kill()

    async def carry_out(self, afterwards: Callable[[], Awaitable[None]]) -> None:
        """Wait for the program. `afterwards` runs once it has registered everything, while its functions can still be called.

        Raises:
            Stopped: the program failed, or something else did.
        """
        assert self._program is not None  # it was started
        ended = asyncio.create_task(self._program.ended())
        monitor = self._monitor
        try:
            await self._until_done(ended)
            await afterwards()
        except Stopped:
            await monitor.idle()
            await self._program.stop()
            raise
        finally:
            await monitor.idle()
            if monitor.stack_outputs is not None:
                # A program that failed, or was stopped, may not have come as far as all of the stack's outputs.
                failed = self._executor.failed or self._executor.stopping.is_set()
                await self._registrations.set_outputs(*monitor.stack_outputs, keep_missing=failed)
            monitor.released.set()
        self._check_exit_code(await ended)

    async def _until_done(self, ended: asyncio.Task[int]) -> None:
        """Wait until the program has registered everything, has ended, or the run is stopping."""
        waits = [asyncio.create_task(event.wait()) for event in (self._monitor.done, self._executor.stopping)]
        await asyncio.wait([ended, *waits], return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        self._executor.raise_if_stopping()
        if ended.done():
            self._check_exit_code(ended.result())
            self._executor.raise_if_stopping()
        await self._monitor.idle()
        self._executor.raise_if_stopping()

    def _check_exit_code(self, code: int) -> None:
        """Report a failure if the program's exit means one."""
        if self._executor.stopping.is_set():
            return
        if code != 0:
            text = language.failure(code)
            if text is not None:
                self._executor.fail(text)
            self._executor.failed = True
            self._executor.stop()
        elif not self._monitor.has_stack:
            self._executor.fail(
                "the program ended without registering a stack: nothing was changed; let it end by itself, without os._exit()"
            )
