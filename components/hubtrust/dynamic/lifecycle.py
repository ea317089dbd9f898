"""The contract between the engine and our providers, in one place: when Pulumi calls what, and what we promise.

The engine calls, for each resource: ``check`` (twice where it replaces), then ``diff`` where there is an old state, then one of ``create``,
``update`` or nothing; ``read`` on refresh; ``delete`` last. What that means here:

1. ``check`` and ``diff`` use nothing but their arguments and the clock; values may be unknown (preview) and numbers arrive as floats.
2. ``diff`` sees the old *outputs*: an input that is to be compared, read or deleted by is an output too. Private keys are not: their
   public key's thumbprint is.
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

from hubtrust.errors import HubtrustError
from hubtrust.inputs import Inputs, Properties, python_name, wire_name, wire_names

PROVIDER_KEY = "__provider"  # Pulumi's own input, put back by its servicer
AnyInputs = TypeVar("AnyInputs", bound=Inputs)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Change:
    """What ``diff`` found: the inputs that call for a new resource, and whether anything is to be done at all."""

    replaces: list[str] = field(default_factory=list)
    updates: bool = False


class Reconciler(ResourceProvider, Generic[AnyInputs]):
    """A provider that keeps the contract. A resource declares its inputs and outputs and implements Pulumi's verbs.

    Stateless, and in an importable module, so that its pickle is a name and holds no secret.
    """

    serialize_as_secret_always = False
    inputs: type[AnyInputs]
    results: ClassVar[type]  # its annotations are the outputs, beside the inputs that are kept
    outputs: ClassVar[frozenset[str]]  # the allow-list, by wire name: follows from ``inputs`` and ``results``
    secret_inputs: ClassVar[frozenset[str]]

    def __init_subclass__(cls, **more: Any) -> None:
        """Derive the allow-list of outputs."""
        super().__init_subclass__(**more)
        cls.outputs = wire_names(cls.inputs, "kept") | {wire_name(name) for name in inspect.get_annotations(cls.results)}
        cls.secret_inputs = wire_names(cls.inputs, "secret")

    def on_check(self, olds: Properties, news: AnyInputs) -> None:
        """Refuse inputs that are valid alone and invalid together, or after the old inputs ``olds``. Some may be unknown.

        Raises:
            HubtrustError: the inputs are not valid.
        """

    @abstractmethod
    def on_diff(self, olds: Properties, news: AnyInputs) -> Change:
        """How the inputs, of which some may be unknown, differ from the old outputs."""

    @abstractmethod
    def on_create(self, news: AnyInputs) -> tuple[str, dict[str, Any]]:
        """Create, or continue what an interrupted run began: id and outputs."""

    @abstractmethod
    def on_read(self, id_: str, olds: Properties) -> dict[str, Any] | None:
        """The outputs as they really are now; None when the resource is gone."""

    @abstractmethod
    def on_update(self, id_: str, olds: Properties, news: AnyInputs) -> dict[str, Any]:
        """Make the resource what the inputs say: every output."""

    @abstractmethod
    def on_delete(self, id_: str, olds: Properties) -> None:
        """Delete it; one that is gone already is no error."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Every invalid input at once. The property is named to the engine unless the engine would print a secret or several lines."""
        given, known = _own(news), {wire_name(name) for name in self.inputs.declarations()}
        failures = []
        for name, reason in self._faults(_own(olds), given, known):
            value = given.get(name)
            plain = isinstance(value, str | int | float | bool) and "\n" not in str(value)
            hidden = not plain or name in self.secret_inputs or name not in known
            failures.append(CheckFailure("" if hidden else name, reason))
        return CheckResult(news, failures)

    def _faults(self, olds: Properties, given: Properties, known: set[str]) -> Iterator[tuple[str, str]]:
        for name in sorted(given.keys() - known):
            yield name, f"{name}: there is no such property; use {', '.join(sorted(known))}"
        inputs, faults = self.inputs.parse(given)
        for name, error in faults:
            yield name, str(error) if error.what.startswith(name) else f"{name}: {error}"
        if inputs is not None:
            try:
                self.on_check(olds, inputs)
            except HubtrustError as error:
                yield "", str(error)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """See ``on_diff``. A replacement is created before the old resource is deleted."""
        found = _in_one_line(lambda: self.on_diff(_own(olds), self.inputs.read(_own(news))))
        return DiffResult(changes=bool(found.replaces) or found.updates, replaces=found.replaces, delete_before_replace=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """See ``on_create``."""
        id_, outs = _in_one_line(lambda: self.on_create(self.inputs.read(_own(props))))
        return CreateResult(id_, self._allowed(outs))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """See ``on_read``."""
        olds = {name: value for name, value in _own(props).items() if name in self.outputs}  # an older version may have had more
        outs = _in_one_line(lambda: self.on_read(id_, olds))
        if outs is None:
            return ReadResult("", {})
        return ReadResult(id_, self._allowed(outs))

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """See ``on_update``."""
        return UpdateResult(self._allowed(_in_one_line(lambda: self.on_update(id_, _own(olds), self.inputs.read(_own(news))))))

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """See ``on_delete``."""
        _in_one_line(lambda: self.on_delete(id_, _own(props)))

    def _allowed(self, outs: dict[str, Any]) -> dict[str, Any]:
        """Only outputs on the allow-list get out: a key that strays into them stops here."""
        strays = outs.keys() - self.outputs
        if strays:
            raise AssertionError(f"{type(self).__name__} has no outputs {sorted(strays)}")
        return {name: value for name, value in outs.items() if value is not None}


class Reconciled(Resource, module="hubtrust", name="Reconciled"):
    """A resource with a ``Reconciler``: wire names are camelCase, in the state and in Azure; Python's are snake_case."""

    provider: ClassVar[type[Reconciler[Any]]]

    def __init_subclass__(cls, module: str, name: str) -> None:
        """Document the constructor's arguments from the declared inputs."""
        super().__init_subclass__(module, name)
        arguments = [
            f"    {one.argument or name}: {one.doc}" for name, one in cls.provider.inputs.declarations().items() if one.argument != ""
        ]
        lines = ["Declare it.", "", "Args:", "    resource_name: Pulumi's name for it.", *arguments, "    opts: Pulumi's options."]
        cls.__init__.__doc__ = "\n".join(lines)

    def __init__(self, name: str, arguments: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> None:
        """Register it; ``arguments`` holds the inputs by their names in Python, and may hold more."""
        provider = self.provider()
        props: dict[str, Any] = {python_name(output): None for output in provider.outputs}
        for input_name, one in provider.inputs.declarations().items():
            value = arguments[input_name]
            props[input_name] = pulumi.Output.secret(value) if one.secret and value is not None else value
        super().__init__(provider, name, props, opts)

    def translate_output_property(self, prop: str) -> str:
        """``notAfter`` is ``not_after`` here."""
        return python_name(prop)

    def translate_input_property(self, prop: str) -> str:
        """``not_after`` is ``notAfter`` there; Pulumi's own ``__provider`` stays."""
        return prop if prop.startswith("_") else wire_name(prop)


def _own(properties: Properties) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != PROVIDER_KEY and value is not None}


def _in_one_line(call: Callable[[], _T]) -> _T:
    """Run ``call``; an error of ours leaves without a traceback: Pulumi's servicer prints whole tracebacks to the user.

    The limit applies to the whole process, so it is set only when such an error is raised: a bug keeps its traceback.
    """
    try:
        return call()
    except HubtrustError as error:
        sys.tracebacklimit = 0
        raise error from None
