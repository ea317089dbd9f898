"""The contract between the engine and our providers, in one place: when Pulumi calls what, and what we promise.

The engine calls, for each resource: ``check`` (twice where it replaces), then ``diff`` where there is an old state, then one of ``create``,
``update`` or nothing; ``read`` on refresh; ``delete`` last. What that means here:

1. ``check`` and ``diff`` use nothing but their arguments and the clock; values may be unknown (preview) and numbers arrive as floats.
2. ``diff`` sees the old *outputs*: an input that ``diff``, ``read`` or ``delete`` needs is an output too. A private key is not: the
   thumbprint of its public key is.
3. ``create`` finds what an interrupted run left behind; a failed ``update`` keeps the old outputs. So each reads before it writes, and
   can be run again.
4. ``read`` answers "gone" with an empty id. It returns no inputs, so that the engine keeps the program's own: what could be read back
   lacks the keys, and every refresh would show them as a difference.
5. An error of ours reaches the user as one line.
"""

import inspect
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from hubtrust.errors import LONGEST, HubtrustError, shown
from hubtrust.inputs import Inputs, Properties, python_name, wire_name, wire_names
from hubtrust.known_values import sendable
from hubtrust.program_errors import ProgramError

PROVIDER_KEY = "__provider"  # an input that Pulumi adds; its servicer adds it to the outputs
AnyInputs = TypeVar("AnyInputs", bound=Inputs)
_T = TypeVar("_T")
_LONGEST_VALUE = 200  # characters of an input that the engine may print


class InputError(ProgramError):
    """An input is a value that no provider can get."""


@dataclass(frozen=True, slots=True)
class Change:
    """What ``diff`` found: the inputs whose change replaces the resource, and whether the existing one must be updated."""

    replaces: list[str] = field(default_factory=list)
    updates: bool = False


class Reconciler(ResourceProvider, Generic[AnyInputs]):
    """A provider that keeps the contract. Each resource's provider declares its inputs and outputs, and implements the methods ``on_…``.

    It has no state and is in an importable module, so that its pickle is only a name and contains no secret.
    """

    serialize_as_secret_always = False
    inputs: type[AnyInputs]
    results: ClassVar[type]  # its annotations, and those of its bases, are the outputs other than the inputs that are kept
    outputs: ClassVar[frozenset[str]]  # the allow-list, by wire name: computed from ``inputs`` and ``results``
    secret_inputs: ClassVar[frozenset[str]]
    successors: ClassVar[Mapping[str, str]] = {}  # inputs of earlier versions, by wire name: what to use instead

    def __init_subclass__(cls, **more: Any) -> None:
        """Derive the allow-list of outputs."""
        super().__init_subclass__(**more)
        annotated = {name for one in cls.results.__mro__ for name in inspect.get_annotations(one)}
        cls.outputs = wire_names(cls.inputs, "kept") | {wire_name(name) for name in annotated}
        cls.secret_inputs = wire_names(cls.inputs, "secret")

    def on_check(self, olds: Properties, news: AnyInputs) -> None:
        """Refuse inputs that are each valid but not together, or not after the old inputs ``olds``. Some may be unknown.

        Raises:
            HubtrustError: the inputs are not valid.
        """

    @abstractmethod
    def on_diff(self, olds: Properties, news: AnyInputs) -> Change:
        """How the inputs, of which some may be unknown, differ from the old outputs."""

    @abstractmethod
    def on_create(self, news: AnyInputs) -> tuple[str, dict[str, Any]]:
        """Create the resource, or continue what an interrupted run began; returns the id and the outputs."""

    @abstractmethod
    def on_read(self, id_: str, olds: Properties) -> dict[str, Any] | None:
        """The outputs as they really are now; None when the resource is gone."""

    @abstractmethod
    def on_update(self, id_: str, olds: Properties, news: AnyInputs) -> dict[str, Any]:
        """Change the resource to what the inputs declare; returns all outputs."""

    @abstractmethod
    def on_delete(self, id_: str, olds: Properties) -> None:
        """Delete the resource; it is no error if it is gone already."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Report every invalid input at once. A failure names its property unless the engine would print a secret, or a long value."""
        given, known = _own_properties(news), {wire_name(name) for name in self.inputs.declarations()}
        failures = []
        for name, reason in self._input_errors(_own_properties(olds), given, known):
            value = given.get(name)
            plain = isinstance(value, str | int | float | bool) and shown(str(value), _LONGEST_VALUE) == str(value)
            hidden = not plain or name in self.secret_inputs or name not in known
            failures.append(CheckFailure("" if hidden else name, shown(reason, LONGEST)))
        return CheckResult(news, failures)

    def _input_errors(self, olds: Properties, given: Properties, known: set[str]) -> Iterator[tuple[str, str]]:
        for name in sorted(given.keys() - known):
            remedy = self.successors.get(name, f"use {', '.join(sorted(known))}")
            yield name, f"{name}: there is no such property; {remedy}"
        inputs, errors = self.inputs.parse(given)
        for name, error in errors:
            yield name, str(error) if error.what.startswith(name) else f"{name}: {error}"
        if inputs is not None:
            try:
                self.on_check(olds, inputs)
            except HubtrustError as error:
                yield "", str(error)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """See ``on_diff``. A replacement is created before the old resource is deleted."""
        change = _in_one_line(lambda: self.on_diff(_own_properties(olds), self.inputs.read(_own_properties(news))))
        return DiffResult(changes=bool(change.replaces) or change.updates, replaces=change.replaces, delete_before_replace=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """See ``on_create``."""
        id_, outs = _in_one_line(lambda: self.on_create(self.inputs.read(_own_properties(props))))
        return CreateResult(id_, self._allowed_outputs(outs))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """See ``on_read``."""
        olds = {name: value for name, value in _own_properties(props).items() if name in self.outputs}  # an older version may have had more
        outs = _in_one_line(lambda: self.on_read(id_, olds))
        if outs is None:
            return ReadResult("", {})
        return ReadResult(id_, self._allowed_outputs(outs))

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """See ``on_update``."""
        outs = _in_one_line(lambda: self.on_update(id_, _own_properties(olds), self.inputs.read(_own_properties(news))))
        return UpdateResult(self._allowed_outputs(outs))

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """See ``on_delete``."""
        _in_one_line(lambda: self.on_delete(id_, _own_properties(props)))

    def _allowed_outputs(self, outs: dict[str, Any]) -> dict[str, Any]:
        """``outs`` without those that are None. An output that is not on the allow-list is a bug, and might be a private key."""
        strays = outs.keys() - self.outputs
        if strays:
            raise AssertionError(f"{type(self).__name__} has no outputs {sorted(strays)}")
        return {name: value for name, value in outs.items() if value is not None}


class Reconciled(Resource, module="hubtrust", name="Reconciled"):
    """A resource with a ``Reconciler``: wire names are camelCase, in the state and in Azure; Python's are snake_case.

    The docstring of its constructor is written by `make docs` from the declared inputs.
    """

    provider: ClassVar[type[Reconciler[Any]]]
    """What reconciles the resource; Pulumi runs it in a process of its own."""

    def __init__(self, name: str, arguments: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> None:
        """Register the resource. ``arguments`` has the inputs by their Python names; other names in it are ignored."""
        provider = self.provider()
        props: dict[str, Any] = {python_name(output): None for output in provider.outputs}
        for input_name, declaration in provider.inputs.declarations().items():
            value = sendable(InputError, f"{input_name} of {type(self).__name__} '{name}'", arguments[input_name])
            props[input_name] = pulumi.Output.secret(value) if declaration.secret and value is not None else value
        super().__init__(provider, name, props, opts)

    def translate_output_property(self, prop: str) -> str:
        """The Python name of an output: ``not_after`` for ``notAfter``."""
        return python_name(prop)

    def translate_input_property(self, prop: str) -> str:
        """The wire name of an input: ``notAfter`` for ``not_after``. Pulumi's own ``__provider`` is not changed."""
        return prop if prop.startswith("_") else wire_name(prop)


def _own_properties(properties: Properties) -> dict[str, Any]:
    """The resource's own properties that have a value, without the one that Pulumi adds."""
    return {name: value for name, value in properties.items() if name != PROVIDER_KEY and value is not None}


def _in_one_line(call: Callable[[], _T]) -> _T:
    """Run ``call``, and raise errors of ours so that the user sees their line alone: Pulumi's servicer shows ``traceback.format_exc()``.

    That is the traceback, the class's name and the text. So the name is the line, and there is no text. The limit of the traceback holds
    for the whole process, so it is set only when such an error is raised. A bug keeps its traceback.
    """
    try:
        return call()
    except HubtrustError as error:
        sys.tracebacklimit = 0
        line = type(str(error), (Exception,), {"__module__": "builtins"})  # of another module, its name would come first
        raise line from None
