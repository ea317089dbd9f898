"""Arguments whose values may not be known yet: what is plain is checked where it is given, the rest as soon as it is known."""

import math
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Any, TypeVar

import pulumi
from pulumi.output import Unknown

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


def notice_shown_secret(what: str, value: Any, resource: pulumi.Resource) -> None:
    """Tell the user, if ``value`` is a secret, that it is shown all the same: it names ``what`` in Azure, in messages and in the state."""
    if not isinstance(value, pulumi.Output):
        return

    async def tell() -> Any:
        if await value.is_secret():
            pulumi.log.warn(
                f"{what}: its id is given as a secret, and Azure, messages and the state show it; ids are no place for one", resource
            )

    pulumi.Output.from_input(tell())  # the run waits for it


def require_resource_name(error: type[ProgramError], kind: str, name: object) -> str:
    """``name``, if a resource of this ``kind`` can have it: Pulumi takes a text that is not empty, and Outputs never.

    Raises:
        ProgramError: it can't.
    """
    if isinstance(name, str) and name:
        return name
    fact = "it is empty" if name in ("", None) else "it is an Output" if not is_plain(name) else f"it is of type {type(name).__name__}"
    raise error(f"the name of a {kind}", fact, "give a plain text; it is the resource's name in Pulumi, and can't change")


def sendable(error: type[ProgramError], what: str, value: Any) -> Any:
    """``value`` as it is, if Pulumi can send it to a provider; each Output in it is looked at when it is known.

    Raises:
        ProgramError: it can't be sent. Pulumi's own error would be a traceback.
    """
    if isinstance(value, pulumi.Output | Awaitable):
        return pulumi.Output.from_input(value).apply(lambda known: sendable(error, what, known))
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise error(what, f"it has a name of type {type(name).__name__}", "use texts for the names in an object")
        return {characters(error, what, name): sendable(error, what, each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [sendable(error, what, each) for each in value]
    if isinstance(value, str):
        return characters(error, what, value)
    if isinstance(value, int | float) and not _is_finite(value):
        raise error(what, "it is a number that is not finite, or too large", "use an ordinary number")
    if value is None or isinstance(value, int | float | Enum | pulumi.Resource | pulumi.Asset | pulumi.Archive | Unknown):
        return value
    if getattr(type(value), "_pulumi_input_type", False):
        return value
    raise error(what, f"it is of type {type(value).__name__}", "use texts, numbers, True, False, lists and objects")


def characters(error: type[ProgramError], what: str, value: str) -> str:
    """``value``, if it has characters only.

    Raises:
        ProgramError: it has half of a surrogate pair, which no file and no message can have (RFC 3629 section 3).
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        fact = "it has half of a surrogate pair, which is not a character"
        raise error(what, fact, "decode the text with its own encoding, such as UTF-8") from None
    return value


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
