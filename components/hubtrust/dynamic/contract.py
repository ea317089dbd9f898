"""The contract between the engine and our resources, in one place: when Pulumi calls what, and what we promise.

The engine calls, for each resource: check (twice where it replaces), then diff where there is an old state, then one of create, update
or nothing; read on refresh; delete last. What that means here:

1. ``on_check`` and ``on_diff`` use nothing but their arguments and the clock; values may be unknown (preview) and numbers arrive as floats.
2. ``on_diff`` sees the old *outputs*: an input that it, ``on_read`` or ``on_delete`` needs is an output too. A private key is not: the
   thumbprint of its public key is.
3. ``on_create`` finds what an interrupted run left behind; a failed ``on_update`` keeps the old outputs. So each reads before it writes,
   and can be run again.
4. ``on_read`` answers "gone" with None. It returns no inputs, so that the engine keeps the program's own: what could be read back lacks
   the keys, and every refresh would show them as a difference.
5. An error of ours reaches the user as one line.

Two shells carry the engine's calls to it: ``dynamic_shell.py`` here, and ``hubtrust/plugin/custom_resources.py``.
"""

import inspect
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from hubtrust.dynamic.twin_documents import read_desired, read_tags
from hubtrust.errors import LONGEST, HubtrustError, shown
from hubtrust.inputs import Inputs, Properties, wire_name, wire_names
from hubtrust.reconcile_errors import DeclarationError

AnyInputs = TypeVar("AnyInputs", bound=Inputs)
_LONGEST_VALUE = 200  # characters of an input that the engine may print


@dataclass(frozen=True, slots=True)
class Imported:
    """What ``on_import`` found: the id that ``on_create`` would have given, the inputs that declare what is there, and the outputs.

    Inputs that Azure does not give back, such as keys, are not among them. The owner is only if it is the importing resource already.
    """

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What ``on_diff`` found: the inputs whose change replaces the resource, and whether the existing one must be updated."""

    replaces: list[str] = field(default_factory=list)
    updates: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """An input that is not valid. ``name`` is its wire name; empty where the engine would print a secret, or a long value."""

    name: str
    reason: str


class Contract(Generic[AnyInputs]):
    """What a resource is: its inputs and outputs, and its lifecycle. Each one declares both, and implements the methods ``on_…``.

    Shells call the other methods. They give each property that has a value, and nothing else.
    """

    inputs: type[AnyInputs]
    results: ClassVar[type]  # its annotations, and those of its bases, are the outputs other than the inputs that are kept
    outputs: ClassVar[frozenset[str]]  # the allow-list, by wire name: computed from ``inputs`` and ``results``
    secret_inputs: ClassVar[frozenset[str]]
    documents: ClassVar[frozenset[str]]  # inputs that are JSON texts: programs of other languages may give an object
    secret_outputs: ClassVar[frozenset[str]] = frozenset()  # outputs that are secrets, whatever the inputs are
    steady_outputs: ClassVar[frozenset[str]] = frozenset()  # outputs that no update changes within one cloud: a preview knows them
    successors: ClassVar[Mapping[str, str]] = {}  # inputs of earlier versions, by wire name: what to use instead

    def __init_subclass__(cls, **more: Any) -> None:
        """Derive the allow-list of outputs."""
        super().__init_subclass__(**more)
        if hasattr(cls, "results"):
            annotated = {name for one in cls.results.__mro__ for name in inspect.get_annotations(one)}
            cls.outputs = wire_names(cls.inputs, "kept") | {wire_name(name) for name in annotated}
            cls.secret_inputs = wire_names(cls.inputs, "secret")
            declared = cls.inputs.declarations().items()
            cls.documents = frozenset(wire_name(name) for name, one in declared if one.read in {read_tags, read_desired})

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

    def on_import(self, id_: str, owner: Mapping[str, str]) -> Imported | None:  # noqa: ARG002 - resources that override it need it
        """Read what is there and is in no state yet, and write nothing; None when it does not exist.

        ``id_`` is what the user gives (``import_ids.py``), ``owner`` the owner tag of the importing resource.

        Raises:
            DeclarationError: the id has another form, or resources of this kind can't be imported, or can't declare what is there.
            AzureError: it can't be read.
        """
        what = f"'{id_}' as {type(self).__name__.removesuffix('Provider')}"
        raise DeclarationError(what, "it has no object of its own in Azure to read", "declare it in the program: `up` makes it")

    def refusals(self, olds: Properties, news: Properties) -> list[Refusal]:
        """Every invalid input at once; ``olds`` are the old inputs."""
        known, found = {wire_name(name) for name in self.inputs.declarations()}, []
        for name, reason in self._input_errors(olds, news, known):
            value = news.get(name)
            plain = isinstance(value, str | int | float | bool) and shown(str(value), _LONGEST_VALUE) == str(value)
            hidden = not plain or name in self.secret_inputs or name not in known
            found.append(Refusal("" if hidden else name, shown(reason, LONGEST)))
        return found

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

    def difference(self, olds: Properties, news: Properties) -> Change:
        """See ``on_diff``."""
        with self._complete(olds):
            return self.on_diff(olds, self.inputs.read(news))

    def created(self, news: Properties) -> tuple[str, dict[str, Any]]:
        """See ``on_create``."""
        id_, outs = self.on_create(self.inputs.read(news))
        return id_, self._allowed_outputs(outs)

    def found(self, id_: str, olds: Properties) -> dict[str, Any] | None:
        """See ``on_read``. A state of an earlier version may have outputs that there are no more."""
        with self._complete(olds):
            outs = self.on_read(id_, {name: value for name, value in olds.items() if name in self.outputs})
        return None if outs is None else self._allowed_outputs(outs)

    def imported(self, id_: str, owner: Mapping[str, str]) -> Imported | None:
        """See ``on_import``."""
        found = self.on_import(id_, owner)
        if found is None:
            return None
        inputs = {name: value for name, value in found.inputs.items() if value is not None}
        return Imported(found.id, inputs, self._allowed_outputs(found.outputs))

    def updated(self, id_: str, olds: Properties, news: Properties) -> dict[str, Any]:
        """See ``on_update``."""
        with self._complete(olds):
            return self._allowed_outputs(self.on_update(id_, olds, self.inputs.read(news)))

    def deleted(self, id_: str, olds: Properties) -> None:
        """See ``on_delete``."""
        with self._complete(olds):
            self.on_delete(id_, olds)

    @contextmanager
    def _complete(self, olds: Properties) -> Iterator[None]:
        """Say which output the state lacks, where one is needed: somebody has edited it, or it was written by something else."""
        try:
            yield
        except KeyError as error:
            name = error.args[0] if error.args else None
            if name not in self.outputs or name in olds:
                raise
            what = f"the state of this {type(self).__name__.removesuffix('Provider')}"
            remedy = "restore the state from a backup; or take the resource out of it with `pulumi state delete`, and import it"
            raise DeclarationError(what, f"it has no output '{name}'", remedy) from None

    def _allowed_outputs(self, outs: dict[str, Any]) -> dict[str, Any]:
        """``outs`` without those that are None. An output that is not on the allow-list is a bug, and might be a private key."""
        strays = outs.keys() - self.outputs
        if strays:
            raise AssertionError(f"{type(self).__name__} has no outputs {sorted(strays)}")
        return {name: value for name, value in outs.items() if value is not None}
