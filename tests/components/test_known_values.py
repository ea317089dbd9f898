"""Arguments that may be Outputs: plain values are checked at once, others when they are known, and unknown ones never."""

from typing import Any

import pulumi
import pytest
from pulumi.output import UNKNOWN

from hubtrust import HubtrustError
from hubtrust.known_values import is_plain, validated, when_known
from hubtrust.program_errors import ProgramError
from tests.kit.remembering_engine import Engine

pytestmark = pytest.mark.usefixtures("engine")


class WrongError(ProgramError):
    """What the tests expect."""


def _require_small(number: int) -> int:
    if number > 9:
        raise HubtrustError("the number", f"it is {number}", "use at most 9")
    return number + 1


async def _result(output: pulumi.Output[Any]) -> tuple[Any, bool, bool]:
    return await output.future(with_unknowns=True), await output.is_known(), await output.is_secret()


@pytest.mark.parametrize("value", [7, "a", None, [1, "a"], {"a": {"b": [1]}}, b"b"])
def test_plain(value: object) -> None:
    """Texts, numbers, and lists and objects of them."""
    assert is_plain(value)


def test_not_plain(engine: Engine) -> None:
    """An Output, wherever it is."""
    del engine
    output = pulumi.Output.from_input("a")
    assert not any(map(is_plain, (output, [output], {"a": [{"b": output}]}, ("a", output))))


def test_plain_values_are_checked_at_once() -> None:
    """The error is raised where the value is given, as one of the program's."""
    with pytest.raises(WrongError, match="the number: it is 10; use at most 9"):
        when_known(WrongError, _require_small, 10)
    with pytest.raises(WrongError, match="the number: it is 10"):
        validated(WrongError, _require_small, 10)
    assert validated(WrongError, _require_small, 3) == 3
    assert validated(WrongError, _require_small, None) is None


@pulumi.runtime.test
async def test_known_later() -> None:
    """The value of an Output is checked and used when it is known."""
    assert await _result(when_known(WrongError, _require_small, pulumi.Output.from_input(3))) == (4, True, False)
    assert await _result(validated(WrongError, _require_small, pulumi.Output.from_input(3))) == (3, True, False)


@pytest.mark.parametrize("function", [when_known, validated])
def test_wrong_later(function: Any) -> None:
    """A wrong value of an Output ends the program with the error, although nothing asks for the result."""

    @pulumi.runtime.test
    async def program() -> None:
        function(WrongError, _require_small, pulumi.Output.from_input(10))

    with pytest.raises(WrongError, match="the number: it is 10; use at most 9"):
        program()


@pulumi.runtime.test
async def test_secret() -> None:
    """What is made from a secret is one."""
    assert await _result(when_known(WrongError, _require_small, pulumi.Output.secret(3))) == (4, True, True)
    assert await _result(validated(WrongError, _require_small, pulumi.Output.secret(3))) == (3, True, True)


@pulumi.runtime.test
async def test_unknown_in_a_preview() -> None:
    """Nothing is checked, and what follows is unknown too."""
    unknown = pulumi.Output.from_input(UNKNOWN)
    for output in (when_known(WrongError, _require_small, unknown), validated(WrongError, _require_small, unknown)):
        assert not await output.is_known()
