"""One run of the engine (preview, up, refresh or destroy): refresh, program, deletions, then an orderly shutdown."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import grpc.aio
from pulumi.runtime.proto import engine_pb2_grpc

from sandbox.engine.errors import EngineError
from sandbox.engine.plan.deletions import delete_all
from sandbox.engine.plan.refresh import refresh
from sandbox.engine.plan.registrations import Registrations
from sandbox.engine.plan.targets import Targets
from sandbox.engine.policy import policy_pack
from sandbox.engine.policy.policies import Policies
from sandbox.engine.program.engine_service import EngineService
from sandbox.engine.program.program_run import ProgramRun
from sandbox.engine.project.python_environment import environment
from sandbox.engine.providers.builtin import Builtin
from sandbox.engine.providers.plugins import CHANNEL_OPTIONS, PluginPlace, Plugins
from sandbox.engine.providers.provider_error import ProviderError
from sandbox.engine.providers.provider_resources import Providers
from sandbox.engine.state.deployment import Deployment
from sandbox.engine.steps.callbacks import Callbacks
from sandbox.engine.steps.events import STDERR, Events
from sandbox.engine.steps.executor import Executor, Stopped
from sandbox.engine.steps.hooks import Hooks, delete_hooks
from sandbox.engine.steps.journal import Journal, now
from sandbox.engine.steps.run_options import Outcome
from sandbox.engine.steps.step import StepContext
from sandbox.engine.values import property_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.engine.policy.policy_pack import PolicyPack
    from sandbox.engine.state.deployment import Json, Resource
    from sandbox.engine.steps.cancel import CancelToken
    from sandbox.engine.steps.run_options import RunOptions

_PENDING = """Attempting to deploy or update resources with {count} pending operations from previous deployment.
{operations}
These resources are in an unknown state because the run was interrupted while waiting for changes to these resources to complete. \
You should confirm whether or not the operations listed completed successfully by checking the state of the appropriate provider.

Once you have confirmed the status of the interrupted operations, you can repair your stack using `refresh` which will refresh the \
state from the provider you are using and clear the pending operations if there are any."""

_NO_PROGRAM = """Resource has delete hooks registered, but the program is not running. Hooks: {names}
Take its resources out of the program, leave the hooks in it, and run `up`: that deletes them, hooks and all."""


def run(
    options: RunOptions,
    snapshot: Deployment | None,
    *,
    on_event: Callable[[Json], None],
    save: Callable[[Deployment], None] | None,
    cancel: CancelToken,
) -> Outcome:
    """Run it.

    Args:
        options: what to run.
        snapshot: the state when the run begins; None for an empty stack.
        on_event: gets every engine event, in order, in the shape of `--event-log` (without `sequence` and `timestamp`).
        save: saves the whole deployment; called in a thread of its own, one call at a time, and always before the provider
            call that relies on it. Render with `checkpoint.Rendering`, which renders only what changed. None in a preview.
        cancel: stops the run.

    Raises:
        EngineError: it could not start.
        OSError: what `save` raised: the run stopped where it was.
    """
    base = snapshot or Deployment()
    return asyncio.run(Run(options, base, on_event=on_event, save=None if options.preview else save, cancel=cancel).carry_out())


class Run:
    """One run; see `run` for the arguments."""

    def __init__(
        self,
        options: RunOptions,
        base: Deployment,
        *,
        on_event: Callable[[Json], None],
        save: Callable[[Deployment], None] | None,
        cancel: CancelToken,
    ) -> None:
        self._options, self._base, self._cancel = options, base, cancel
        self._preview = options.preview
        self._events = Events(on_event)
        self._journal = Journal(base, save, now)
        self._config = {key: property_values.Secret(item.value) if item.secret else item.value for key, item in options.config.items()}
        self._targets = Targets(options.targets)
        self._packs: list[PolicyPack] = []
        self._policies = Policies([], self._events)
        self._registrations: Registrations | None = None
        self._program: ProgramRun | None = None
        self._servers: list[Any] = []
        self._cancelling: list[asyncio.Future[None]] = []
        self._callbacks = Callbacks()

    async def carry_out(self) -> Outcome:
        """Carry out the run, from its first event to its last."""
        began = time.monotonic()
        shown = {key: "[secret]" if item.secret else item.value for key, item in self._options.config.items()}
        self._events.prelude(shown)
        await self._prepare()
        try:
            await self._work()
        except Stopped:
            pass
        except EngineError as error:
            self._executor.fail(str(error))
        finally:
            await self._finish()
        executor = self._executor
        self._events.summary(
            preview=self._preview, seconds=round(time.monotonic() - began), failed=self._failed, policy_packs=self._policies.versions
        )
        self._events.end()
        if executor.save_error is not None:
            raise executor.save_error
        after = self._base if self._preview else self._journal.deployment()
        return Outcome(not self._failed, dict(self._events.changes), after, self._cancel.cancelled)

    @property
    def _failed(self) -> bool:
        return self._executor.failed or self._cancel.cancelled

    async def _prepare(self) -> None:
        """Start the Engine service and create what the run works with; no plugin is started yet."""
        options, project = self._options, self._options.project
        engine = await self._serve(lambda server: engine_pb2_grpc.add_EngineServicer_to_server(EngineService(self._events), server))
        self._engine_address = engine
        place = PluginPlace(
            python=project.python,
            folder=project.program_dir,
            project=project.name,
            env=environment(project.python, options.env),
            search=options.plugin_path,
            packages=project.packages,
        )
        self._plugins = Plugins(place, engine, self._on_line)
        builtin = Builtin(options.stack_outputs or _no_backend, self._registered_resource)
        self._providers = Providers(self._plugins, builtin, self._base.resources, preview=self._preview)
        hooks = Hooks(self._callbacks, self._events, preview=self._preview)
        context = StepContext(self._providers, self._journal, hooks, self._preview, self._options.invocation)
        self._executor = Executor(context, self._events, parallel=options.parallel, continue_on_error=options.continue_on_error)
        self._cancel.listen(asyncio.get_running_loop(), self._stop)

    def _registered_resource(self, urn: str) -> Resource | None:
        return self._registrations.resource(urn) if self._registrations else None

    async def _serve(self, add: Callable[[Any], None]) -> str:
        server = grpc.aio.server(options=CHANNEL_OPTIONS)
        add(server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        self._servers.append(server)
        return f"127.0.0.1:{port}"

    def _on_line(self, line: str, is_error: bool) -> None:
        if line:
            self._events.message(line, STDERR if is_error else "info")

    def _stop(self) -> None:
        """The user stops or kills the run."""
        self._executor.stop()
        self._callbacks.interrupt()
        if not self._cancel.killed:
            self._cancelling = [asyncio.ensure_future(provider.cancel()) for provider in self._providers.in_use]
            return
        self._executor.killed = True
        self._plugins.kill()
        for pack in self._packs:
            pack.kill()
        if self._program is not None:
            self._program.kill()

    async def _work(self) -> None:
        """Refresh, run the program, delete what is left: as the verb requires."""
        options = self._options
        self._executor.raise_if_stopping()
        old_resources = list(self._base.resources)
        unknown = self._targets.missing({old.urn for old in old_resources}) if options.verb in ("refresh", "destroy") else []
        self._require_targets(unknown)
        if options.verb == "refresh" or options.refresh:
            old_resources = await refresh(self._executor, lambda old: old.urn in self._targets, reported=options.verb == "refresh")
            self._journal.forget_operations()
        elif self._base.pending_operations and not self._preview:
            self._warn_of_pending()
        if options.verb == "refresh":
            return
        if options.policy_packs and options.verb != "destroy":
            await self._load_policies()
        registrations = self._registrations = Registrations(
            self._executor, old_resources, project=options.project.name, stack=options.stack, targets=self._targets, policies=self._policies
        )
        if options.verb != "destroy":
            await self._run_program(registrations)
            return
        for old in old_resources:
            names = delete_hooks(old)
            if names:
                self._executor.fail(_NO_PROGRAM.format(names=",".join(names)), old.urn)
        await self._delete(registrations)

    async def _load_policies(self) -> None:
        self._events.other("policyLoadEvent", {})
        env = environment(self._options.project.python, self._options.env)
        for ref in self._options.policy_packs:
            self._packs.append(await policy_pack.start(ref, self._options, self._engine_address, env, self._on_line))
        self._policies = Policies(self._packs, self._events)

    def _require_targets(self, unknown: list[str]) -> None:
        for urn in unknown:
            hint = "" if "$" in urn else " Did you forget to escape $ in your shell?"
            self._executor.fail(f"Target '{urn}' could not be found in the stack.{hint}")
        self._executor.raise_if_stopping()

    def _warn_of_pending(self) -> None:
        operations = self._base.pending_operations
        text = "\n".join(f"  * {operation.resource.urn}, interrupted while {operation.kind}" for operation in operations)
        self._events.message(_PENDING.format(count=len(operations), operations=text), "warning")
        self._journal.forget_operations()

    async def _delete(self, registrations: Registrations) -> None:
        self._executor.raise_if_stopping()
        self._require_targets(self._targets.missing({*registrations.registered_urns, *(old.urn for old in self._base.resources)}))
        try:
            kept, deletions = registrations.replacements.leftovers()
        except ProviderError as error:
            self._executor.abort(str(error))
        for step in kept:
            await self._executor.run(step)
        await delete_all(self._executor, deletions)

    async def _run_program(self, registrations: Registrations) -> None:
        self._program = ProgramRun(self._options, self._executor, registrations, self._callbacks, self._config)
        address = await self._serve(self._program.serve_monitor)
        await self._program.start(monitor=address, engine=self._engine_address, on_line=self._on_line)

        async def afterwards() -> None:
            await self._delete(registrations)
            if not self._executor.failed:
                await self._policies.validate_stack(registrations.resources)
                self._executor.failed |= self._policies.violated

        await self._program.carry_out(afterwards)

    async def _finish(self) -> None:
        """Save the final state, and stop everything that was started."""
        if self._program is not None:
            await self._program.stop()
        await asyncio.gather(*self._cancelling, *(provider.cancel() for provider in self._providers.in_use))
        await self._callbacks.close()
        await self._plugins.stop()
        await asyncio.gather(*(pack.stop() for pack in self._packs))
        for server in self._servers:
            await server.stop(None)
        if self._executor.save_error is None and not self._preview:
            try:
                await self._journal.wait_until_saved()
            except OSError as error:
                self._executor.save_error = error
        if self._failed:
            self._events.message(self._verdict(), "error")

    def _verdict(self) -> str:
        name = "preview" if self._preview else _NAMES[self._options.verb]
        if not self._cancel.cancelled:
            return f"{name} failed"
        if self._journal.deployment().pending_operations and not self._preview:
            return f"{name} canceled: the state holds operations in progress as pending; check whether they completed, then run `refresh`"
        return f"{name} canceled"


_NAMES = {"up": "update", "refresh": "refresh", "destroy": "destroy", "preview": "preview"}


def _no_backend(name: str) -> Mapping[str, Any]:
    raise EngineError(f"unknown stack {name!r}: this run has no backend to look for it")
