"""The contract between the engine and our providers, in one place: when Pulumi calls what, and what we promise.

The engine calls, for each resource: ``check`` (twice where it replaces), then ``diff`` where there is an old state, then one of ``create``,
``update`` or nothing; ``read`` on refresh; ``delete`` last. What that means here:

1. ``check`` and ``diff`` touch nothing but their arguments and the clock; values may be unknown (preview) and numbers come as floats.
2. ``diff`` sees the old *outputs*: an input that is to be compared, read or deleted by is an output too. Private keys are not: their
   public key's thumbprint is.
3. ``create`` finds what a dead run left; a failed ``update`` keeps the old outputs. So each looks before it acts, and can be run again.
4. ``read`` answers "gone" with an empty id. It gives no inputs, so that the engine keeps the program's own: what could be read back
   lacks the keys, and every refresh would show them as a difference.
5. An error of ours reaches the user as one line.
"""

import math
import re
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult
from pulumi.output import Unknown

from hubtrust.errors import HubtrustError
from hubtrust.reconcile_errors import DeclarationError

PROVIDER_KEY = "__provider"  # Pulumi's own input, put back by its servicer
Properties = Mapping[str, Any]
Validator = Callable[[Any], object]  # raises HubtrustError
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Change:
    """What ``diff`` found: the inputs that call for a new resource, and whether anything is to be done at all."""

    replaces: list[str] = field(default_factory=list)
    updates: bool = False


class Reconciler(ResourceProvider):
    """A provider that keeps the contract; a noun fills in its inputs, its outputs and the five verbs.

    Stateless, and in an importable module, so that its pickle is a name and holds no secret.
    """

    serialize_as_secret_always = False
    validators: ClassVar[Mapping[str, Validator]]  # every input, and what refuses a wrong value of it
    required: ClassVar[frozenset[str]]
    secret_inputs: ClassVar[frozenset[str]] = frozenset()
    outputs: ClassVar[frozenset[str]]

    def combined(self, news: Properties) -> None:
        """Refuse inputs that are right each and wrong together; one that is not known yet is None here."""

    @abstractmethod
    def on_diff(self, olds: Properties, news: Properties) -> Change:
        """How the inputs differ from the old outputs."""

    @abstractmethod
    def on_create(self, news: Properties) -> tuple[str, dict[str, Any]]:
        """Create, or go on from what a dead run left: id and outputs."""

    @abstractmethod
    def on_read(self, id_: str, olds: Properties) -> dict[str, Any] | None:
        """The outputs as reality has them now; None when it is gone."""

    @abstractmethod
    def on_update(self, id_: str, olds: Properties, news: Properties) -> dict[str, Any]:
        """Bring reality to the inputs: every output."""

    @abstractmethod
    def on_delete(self, id_: str, olds: Properties) -> None:
        """Remove it; that it is gone already is as good."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Every wrong input at once. The property is named to the engine unless it would print a secret or several lines beside it."""
        given = _own(news)
        failures = []
        for name, reason in self._faults(given):
            value = given.get(name)
            plain = isinstance(value, str | int | float | bool) and "\n" not in str(value)
            hidden = not plain or name in self.secret_inputs or name not in self.validators
            failures.append(CheckFailure("" if hidden else name, reason))
        return CheckResult(news, failures)

    def _faults(self, given: Properties) -> Iterator[tuple[str, str]]:
        missing = sorted(self.required - given.keys())
        yield from ((name, f"{name}: it is missing; give it") for name in missing)
        for name in sorted(given.keys() - self.validators.keys()):
            yield name, f"{name}: there is no such property; use {', '.join(sorted(self.validators))}"
        settled = {name: value for name, value in given.items() if name in self.validators and not is_unknown(value)}
        sound = not missing
        for name, value in settled.items():
            try:
                self.validators[name](value)
            except HubtrustError as error:
                sound = False
                yield name, str(error) if error.what.startswith(name) else f"{name}: {error}"
        if sound:
            try:
                self.combined(settled | dict.fromkeys(given.keys() - settled.keys()))
            except HubtrustError as error:
                yield "", str(error)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """See ``on_diff``. The new one is made before the old one goes."""
        found = self.on_diff(_own(olds), _own(news))
        return DiffResult(changes=bool(found.replaces) or found.updates, replaces=found.replaces, delete_before_replace=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """See ``on_create``."""
        id_, outs = _in_one_line(lambda: self.on_create(_own(props)))
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
        return UpdateResult(self._allowed(_in_one_line(lambda: self.on_update(id_, _own(olds), _own(news)))))

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """See ``on_delete``."""
        _in_one_line(lambda: self.on_delete(id_, _own(props)))

    def _allowed(self, outs: dict[str, Any]) -> dict[str, Any]:
        """Only what is on the allow-list leaves: a key that strays into the outputs stops here."""
        strays = outs.keys() - self.outputs
        if strays:
            raise AssertionError(f"{type(self).__name__} has no outputs {sorted(strays)}")
        return {name: value for name, value in outs.items() if value is not None}


class Reconciled(Resource, module="hubtrust", name="Reconciled"):
    """A resource with a ``Reconciler``: wire names are camelCase, in the state and in Azure; Python's are snake_case."""

    def __init__(self, provider: Reconciler, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> None:
        props: dict[str, Any] = {self.translate_output_property(output): None for output in provider.outputs} | dict(inputs)
        for secret in map(self.translate_output_property, provider.secret_inputs):
            if props.get(secret) is not None:
                props[secret] = pulumi.Output.secret(props[secret])
        super().__init__(provider, name, props, opts)

    def translate_output_property(self, prop: str) -> str:
        """``notAfter`` is ``not_after`` here."""
        return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", prop)

    def translate_input_property(self, prop: str) -> str:
        """``not_after`` is ``notAfter`` there; Pulumi's own ``__provider`` stays."""
        return prop if prop.startswith("_") else re.sub(r"_([a-z])", lambda found: found[1].upper(), prop)


def require_bool(value: object) -> None:
    """Refuse what is not true or false."""
    if not isinstance(value, bool):
        raise DeclarationError("value", f"it is {value!r}", "use true or false")


def require_number(value: object, *, least: float, most: float, whole: bool = False) -> None:
    """Refuse what is not a number from ``least`` to ``most``; numbers cross as floats, so 3.0 is whole."""
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not least <= number <= most or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        raise DeclarationError("value", f"it is {value!r}", f"use {kind} from {least:g} to {most:g}")


def is_unknown(value: object) -> bool:
    """Whether ``value``, or any part of it, is not known before other resources are made."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Mapping):
        return any(is_unknown(part) for part in value.values())
    return isinstance(value, list) and any(is_unknown(part) for part in value)


def now() -> datetime:
    """The time of day, read at this edge only: everything below takes it as an argument."""
    return datetime.now(UTC)


def say(line: str) -> None:
    """A message to the person at the terminal: what a provider prints is shown with the resource, live."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _own(properties: Properties) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != PROVIDER_KEY and value is not None}


def _in_one_line(call: Callable[[], _T]) -> _T:
    """Run ``call``; an error of ours leaves without a traceback: Pulumi's servicer prints whole tracebacks to the user.

    The limit is the process's, so it is set when such an error is on its way and not before: a bug keeps its traceback.
    """
    try:
        return call()
    except HubtrustError as error:
        sys.tracebacklimit = 0
        raise error from None
