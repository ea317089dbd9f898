"""Every argument of every public component: known later, unknown in a preview, secret, and of wrong types, plain or known later.

Each is declared, or ends in one line: never in a traceback, never with Pulumi's error text in an input, never as a secret in the clear.
"""

import inspect
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest
from pulumi.output import UNKNOWN
from pulumi.runtime import mocks

import hubtrust
from hubtrust.hub_args import PROPERTIES
from hubtrust.program_errors import ProgramError
from hubtrust.provisioning_args import PROPERTIES as OF_SERVICES
from tests.kit.every_argument import ARGUMENTS, declare
from tests.kit.mutated_runs import MUTATIONS, require_one_line
from tests.kit.pulumi_programs import finish_programs
from tests.kit.remembering_engine import Engine, Monitor, is_secret

_OWNERS = sorted(ARGUMENTS, key=lambda owner: owner.__name__)
_PULUMIS_TEXT = "on an Output[T] is not supported"
# Those that azure-native reads: it refuses other types itself, in a check that is not run here.
_FORWARDED = {*PROPERTIES, *OF_SERVICES, "identity", "network_acls"} - {"allocation_policy"}
_UNSENDABLE: dict[str, Any] = {"bytes": b"\xff", "an object of Python's": object(), "no number": float("nan"), "half a character": "\ud800"}
_WRONG: dict[str, Any] = {
    **_UNSENDABLE,
    "a number": 7.5,
    "a list": [7],
    "nothing in a list": [None],
    "an object": {"a": 7},
    "nothing": None,
}


class Another(pulumi.ComponentResource):
    """A resource where a value is wanted."""

    def __init__(self, name: str) -> None:
        super().__init__("test:index:Another", name)


def run(program: Callable[[], None], *, preview: bool = False, strict: bool = False) -> Engine:
    """Run a program; returns what it registered. Unless ``strict``, an error of ours may end it, in one line."""
    pulumi.runtime.settings.SETTINGS = pulumi.runtime.Settings("project", "stack")
    engine = Engine()
    mocks.set_mocks(engine, preview=preview, monitor=Monitor(engine))
    try:
        pulumi.runtime.test(program)()
    except ProgramError as error:
        if strict:
            raise
        _require_clean(error)
    finally:
        finish_programs()  # hundreds of programs in one test: what each left would wait within the next one's calls, too deep for Python
    assert _PULUMIS_TEXT not in json.dumps([*engine.sent.values()])
    return engine


def _require_clean(error: ProgramError) -> None:
    require_one_line(error)
    assert _PULUMIS_TEXT not in str(error)


def inputs_of(owner: type) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """The arguments that may be Outputs, with their values, and what is given beside them; in groups that are declared together."""
    groups: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    for name, argument in ARGUMENTS[owner].items():
        if not argument.plain:
            groups.setdefault(repr(argument.beside), ({}, argument.beside))[0][name] = argument.value
    return {f"group-{number}": group for number, group in enumerate(groups.values())}


def test_no_argument_is_forgotten() -> None:
    """The table has every public component, and every argument of each; what is plain has a reason."""
    public = {found for each in hubtrust.__all__ if inspect.isclass(found := getattr(hubtrust, each))}
    assert {each for each in public if issubclass(each, pulumi.ComponentResource)} <= ARGUMENTS.keys()
    for owner, arguments in ARGUMENTS.items():
        taken = inspect.signature(owner).parameters.keys() - {"opts"}
        assert arguments.keys() == taken - ({"name"} if issubclass(owner, pulumi.ComponentResource) else set()), owner.__name__


@pytest.mark.parametrize("owner", _OWNERS, ids=lambda owner: owner.__name__)
def test_known_later_and_secret(owner: type) -> None:
    """A secret value is used, and no resource gets it in the clear."""
    engine = run(lambda: _declare_all(owner, pulumi.Output.secret), strict=True)
    for group, (values, _) in inputs_of(owner).items():
        own = {kind: sent for kind, sent in engine.sent.items() if kind[1].startswith(group)}
        assert own
        assert not [place for kind, sent in own.items() for place in _leaks(sent, [*_marks(values)], kind[0])]


@pytest.mark.parametrize("owner", _OWNERS, ids=lambda owner: owner.__name__)
def test_unknown_in_a_preview(owner: type) -> None:
    """Every resource is shown."""
    run(lambda: _declare_all(owner, lambda _: pulumi.Output.from_input(UNKNOWN)), preview=True, strict=True)


def _declare_all(owner: type, make: Callable[[Any], Any]) -> None:
    for group, (values, beside) in inputs_of(owner).items():
        declare(owner, group, {**beside, **{name: make(value) for name, value in values.items()}})


@pytest.mark.parametrize("owner", _OWNERS, ids=lambda owner: owner.__name__)
def test_an_output_where_a_value_must_be_plain(owner: type) -> None:
    """The error is raised at once, in one line that says so or says what to give."""
    taken = []

    def program() -> None:
        for argument, about in ARGUMENTS[owner].items():
            if about.plain:
                try:
                    declare(owner, argument.replace("_", "-"), {**about.beside, argument: pulumi.Output.from_input(about.value)})
                except ProgramError as error:
                    _require_clean(error)
                else:
                    taken.append(argument)

    run(program)
    assert taken == []


def _wrong(argument: str) -> list[tuple[str, Any]]:
    """A wrong value, another one for each argument; with `HUBTRUST_FULL` all."""
    found = list((_UNSENDABLE if argument in _FORWARDED else _WRONG).items())
    return found if MUTATIONS else random.Random(argument).sample(found, 1)  # noqa: S311 - no secret


@pytest.mark.parametrize("owner", _OWNERS, ids=lambda owner: owner.__name__)
def test_a_plain_value_of_a_wrong_type(owner: type) -> None:
    """It is an error in one line, or has a meaning."""

    def program() -> None:
        for argument, about in ARGUMENTS[owner].items():
            others = [] if argument in _FORWARDED else [("another resource", Another(f"{argument}-another"))]
            for number, (_, value) in enumerate([*_wrong(argument), *others]):
                try:
                    declare(owner, f"{argument.replace('_', '-')}-{number}", {**about.beside, argument: value})
                except ProgramError as error:
                    _require_clean(error)

    run(program)


@pytest.mark.parametrize("owner", _OWNERS, ids=lambda owner: owner.__name__)
def test_a_wrong_type_that_is_known_later(owner: type) -> None:
    """Each in a program of its own, which ends with the first error; a few of them, with `HUBTRUST_FULL` all."""
    cases = [
        {**beside, argument: pulumi.Output.from_input(value)}
        for values, beside in inputs_of(owner).values()
        for argument in values
        for _, value in _wrong(argument)
    ]
    for given in cases if MUTATIONS else random.Random(owner.__name__).sample(cases, min(5, len(cases))):  # noqa: S311 - no secret
        run(lambda: declare(owner, "plant", given))  # noqa: B023 - it is run at once


@pytest.mark.parametrize("owner", [one for one in _OWNERS if issubclass(one, pulumi.ComponentResource)], ids=lambda owner: owner.__name__)
def test_a_wrong_name(owner: type) -> None:
    """Pulumi's own error for it is a traceback."""
    needed = [one.name for one in inspect.signature(owner).parameters.values() if one.default is inspect.Parameter.empty]
    for name in (7, "", None, ["a"], pulumi.Output.from_input("a")):
        with pytest.raises(ProgramError, match="name") as error:
            owner(name, **{each: ARGUMENTS[owner][each].value for each in needed if each != "name"})
        _require_clean(error.value)


def _marks(value: Any) -> Iterator[Any]:
    """What of a value is found nowhere else."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _marks(each)
    elif isinstance(value, str):
        yield value.splitlines()[1] if value.startswith("-----BEGIN") else value
    elif isinstance(value, float | int) and not isinstance(value, bool):
        yield float(value)


def _leaks(sent: Any, marks: list[Any], place: str) -> Iterator[str]:
    """Where a mark is sent that is not marked as a secret."""
    if is_secret(sent):
        return
    if isinstance(sent, dict | list):
        for name, each in sent.items() if isinstance(sent, dict) else enumerate(sent):
            yield from _leaks(each, marks, f"{place}.{name}")
    elif any(mark in sent if isinstance(mark, str) and isinstance(sent, str) else mark == sent for mark in marks):
        yield place
