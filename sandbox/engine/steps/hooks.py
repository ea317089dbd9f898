"""Resource hooks: functions of the program that run before or after a step, or when a provider call fails.

Pulumi's rules: a before hook that raises prevents the step; an after hook that raises fails the run, and the step is kept;
an error hook decides whether a failed provider call is tried again. In a preview only those run that ask for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pulumi.runtime.proto import resource_pb2

from sandbox.engine.errors import EngineError
from sandbox.engine.providers.provider_error import ProviderError
from sandbox.engine.steps.callbacks import CallbackError
from sandbox.engine.values import property_values
from sandbox.engine.values import urn as urns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.engine.state.deployment import Resource
    from sandbox.engine.steps.callbacks import Callbacks
    from sandbox.engine.steps.events import Events
    from sandbox.engine.steps.transition import Transition

# The name in a registration, and the name in the state.
BINDINGS = {
    "before_create": "BeforeCreate",
    "after_create": "AfterCreate",
    "before_update": "BeforeUpdate",
    "after_update": "AfterUpdate",
    "before_delete": "BeforeDelete",
    "after_delete": "AfterDelete",
    "on_error": "OnError",
}
MOST_RETRIES = 100
_FORM = property_values.Form(outputs=True)
P = ParamSpec("P")
T = TypeVar("T")


class HookError(EngineError):
    """A hook raised, was interrupted, or was not registered."""


@dataclass(frozen=True)
class _Hook:
    callback: Any
    on_dry_run: bool = True
    ignore_errors: bool = False


class Hooks:
    """The hooks of one run.

    Args:
        callbacks: calls them.
        events: get the failures that are to be ignored.
        preview: whether the run is one.
    """

    def __init__(self, callbacks: Callbacks, events: Events, *, preview: bool) -> None:
        self._callbacks, self._events, self._preview = callbacks, events, preview
        self._hooks: dict[str, _Hook] = {}
        self._error_hooks: dict[str, _Hook] = {}

    def add(self, request: Any) -> None:
        """Add the hook of a RegisterResourceHookRequest. Raises `HookError` if there is one of that name."""
        self._add(self._hooks, request.name, _Hook(request.callback, request.on_dry_run, request.ignore_errors))

    def add_error_hook(self, request: Any) -> None:
        """Add the hook of a RegisterErrorHookRequest. Raises `HookError` if there is one of that name."""
        self._add(self._error_hooks, request.name, _Hook(request.callback))

    @staticmethod
    def _add(hooks: dict[str, _Hook], name: str, hook: _Hook) -> None:
        if name in hooks:
            raise HookError(f"resource hook already registered for name {name!r}: give each hook a name of its own")
        hooks[name] = hook

    async def before(self, step: Transition) -> None:
        """Run the before hooks of a step. Raises `HookError`: the step must not be run."""
        await self._run("Before", step)

    async def after(self, step: Transition) -> None:
        """Run the after hooks of a step. Raises `HookError`: the run fails, and the step is kept."""
        await self._run("After", step)

    async def _run(self, when: str, step: Transition) -> None:
        kind = f"{when}{step.kind.capitalize()}"
        names = step.resource.resource_hooks.get(kind, ())
        request = _request(step, done=when == "After") if names else None
        for name in names:
            hook = self._hooks.get(name)
            if hook is None:
                raise HookError(f'hook "{name}" was not registered: the program must register it as long as the state has it')
            if self._preview and not hook.on_dry_run:
                continue
            error = await self._call(hook, request)
            if error and not hook.ignore_errors:
                raise HookError(f'{when.lower()} hook "{name}" failed: {error}')
            if error:
                self._events.message(f'{kind} hook "{name}" failed: {error}', "warning", step.urn)

    async def _call(self, hook: _Hook, request: Any) -> str:
        """Call a hook; returns its error, empty if it succeeded."""
        try:
            answer = resource_pb2.ResourceHookResponse.FromString(await self._callbacks.call(hook.callback, request))
        except CallbackError as error:
            return str(error)
        failure: str = answer.error
        return failure

    async def retried(self, step: Transition, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a provider call, retried while it fails and an error hook asks for a retry.

        Raises:
            ProviderError: what the last try raised.
        """
        failures: list[str] = []
        while True:
            try:
                return await call(*args, **kwargs)
            except ProviderError as error:
                failures.insert(0, str(error))
                if not await self._should_retry(step, failures):
                    raise
            self._events.message(f"retrying {step.kind} due to on-error hook request ({len(failures)}/{MOST_RETRIES})", "warning", step.urn)

    async def _should_retry(self, step: Transition, failures: list[str]) -> bool:
        """Whether an error hook asks for a retry; one that fails itself is reported and counts as no."""
        names = step.resource.resource_hooks.get("OnError", ())
        if names and len(failures) >= MOST_RETRIES:
            self._events.message(f"maximum number of error hook retries ({MOST_RETRIES}) reached", "warning", step.urn)
            return False
        try:
            answers = [await self._wants_retry(name, step, failures) for name in names]
        except HookError as error:
            self._events.message(str(error), "error", step.urn)
            return False
        return any(answers)

    async def _wants_retry(self, name: str, step: Transition, failures: list[str]) -> bool:
        hook = self._error_hooks.get(name)
        if hook is None:
            raise HookError(f'error hook "{name}" was not registered: the program must register it as long as the state has it')
        try:
            answer = resource_pb2.ErrorHookResponse.FromString(await self._callbacks.call(hook.callback, _error_request(step, failures)))
        except CallbackError as error:
            raise HookError(f'error hook "{name}" failed: {error}') from None
        if answer.error:
            raise HookError(f'error hook "{name}" failed: {answer.error}')
        retry: bool = answer.retry
        return retry


def delete_hooks(resource: Resource) -> list[str]:
    """Names of the hooks without which a resource can't be deleted."""
    return [name for kind in ("BeforeDelete", "AfterDelete") for name in resource.resource_hooks.get(kind, ())]


def _sides(step: Transition) -> tuple[Resource | None, Resource | None]:
    """The old and the new resource, as hooks see them: what is created has no old one, what is deleted no new one."""
    return step.old if step.kind in ("update", "delete") else None, step.new if step.kind in ("create", "update") else None


def _request(step: Transition, *, done: bool) -> Any:
    old, new = _sides(step)
    request = resource_pb2.ResourceHookRequest(**_identity(step))
    _describe(request, old, new)
    if new is not None and done:
        request.new_outputs.CopyFrom(property_values.to_struct(new.outputs, _FORM))
    return request


def _error_request(step: Transition, failures: list[str]) -> Any:
    request = resource_pb2.ErrorHookRequest(**_identity(step), failed_operation=step.kind, errors=failures)
    _describe(request, *_sides(step))
    return request


def _identity(step: Transition) -> dict[str, Any]:
    id_ = step.resource.id or (step.old.id if step.old and step.kind == "update" else "")
    return {**urns.named(step.urn), "id": id_}


def _describe(request: Any, old: Resource | None, new: Resource | None) -> None:
    if old is not None:
        request.old_inputs.CopyFrom(property_values.to_struct(old.inputs, _FORM))
        request.old_outputs.CopyFrom(property_values.to_struct(old.outputs, _FORM))
    if new is not None:
        request.new_inputs.CopyFrom(property_values.to_struct(new.inputs, _FORM))
