"""Arguments whose values may not be known yet: what is plain is checked where it is given, the rest as soon as it is known."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import pulumi

from hubtrust.program_errors import ProgramError

_T = TypeVar("_T")


def is_plain(value: object) -> bool:
    """Whether ``value`` and everything in it is known here and now: no Output, and nothing that is awaited."""
    if isinstance(value, pulumi.Output | Awaitable):
        return False
    if isinstance(value, Mapping):
        return all(map(is_plain, value.values()))
    return not isinstance(value, list | tuple) or all(map(is_plain, value))


def require_plain(error: type[ProgramError], what: str, value: object) -> None:
    """Refuse an Output where a value decides which resources there are: ``what`` names the argument.

    Raises:
        ProgramError: it is one, or has one in it.
    """
    if not is_plain(value):
        raise error(what, "it is an Output", "it decides which resources there are, so give a plain value")


def computed(error: type[ProgramError], compute: Callable[..., _T], *inputs: Any) -> _T | pulumi.Output[_T]:
    """``compute`` of the values of ``inputs``: what is plain stays plain, otherwise it is an Output. See ``when_known``.

    Raises:
        ProgramError: as ``when_known``.
    """

    def told(values: list[Any]) -> _T:
        with error.told():
            return compute(*values)

    return told([*inputs]) if all(map(is_plain, inputs)) else pulumi.Output.all(*inputs).apply(told)


def when_known(error: type[ProgramError], compute: Callable[..., _T], *inputs: Any) -> pulumi.Output[_T]:
    """``compute`` of the values of ``inputs``: at once if all of them are plain, otherwise when they are known.

    In a preview an input may stay unknown; then the result is unknown too, and ``compute`` is not called. If an input is a secret, so is
    the result: what is public although it is made from a secret (a public key) needs ``pulumi.Output.unsecret``.

    Raises:
        ProgramError: ``compute`` raised an error, which becomes ``error``. Where an input is not plain, the Output raises it.
    """
    return pulumi.Output.from_input(computed(error, compute, *inputs))


def validated(error: type[ProgramError], read: Callable[[Any], object], value: Any) -> Any:
    """``value`` itself, after ``read``, which raises an error for a wrong one, has read it; None is not read.

    What is plain stays plain.

    Raises:
        ProgramError: as ``when_known``.
    """

    def require(known: Any) -> Any:
        with error.told():
            if known is not None:
                read(known)
        return known

    return require(value) if is_plain(value) else pulumi.Output.from_input(value).apply(require)


def if_present(value: pulumi.Output[Any], *, when_known: pulumi.Output[Any]) -> pulumi.Output[Any]:
    """An output of a resource, or None if there is none: a preview would show a missing output as one that is not known yet.

    ``when_known`` is an output that the resource always has.
    """
    return when_known.apply(lambda _: pulumi.Output.from_input(value.future()))
