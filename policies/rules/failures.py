"""A rule that fails says so: what it has not checked counts as a violation, and never as compliant.

An exception that left a rule would end the engine's call for all policies, with a message that names neither the rule nor the resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_policy.proxy import UnknownValueError

from .resource import NotKnownYetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .resource import Resource


def failure_on(rule: str, resource: Resource, error: Exception) -> str:
    """The violation. It has the exception's kind and not its text, which may have a property's value, and so a secret."""
    return _failure(rule, f"'{resource.name}' ({resource.declared_type})", error)


def _failure(rule: str, what: str, error: Exception) -> str:
    fact = f"the rule '{rule}' failed on {what} with {type(error).__name__}, so it has not been checked"
    return f"{fact}: look for an odd value among its properties, and report this as a fault of the policies"


def messages_of(rule: str, resource: Resource, check: Callable[[], Iterator[str]]) -> Iterator[str]:
    """What a rule on single resources reports, and its failure.

    Raises:
        NotKnownYetError: the rule can't be checked before the update.
    """
    try:
        yield from check()
    except NotKnownYetError:
        raise
    except UnknownValueError as unknown:
        raise NotKnownYetError(".".join(unknown.props)) from None
    except Exception as error:  # noqa: BLE001 - whatever a rule raises, its resource is not checked
        yield failure_on(rule, resource, error)


def messages_at_the_end(
    rule: str, resources: Sequence[Resource], check: Callable[[Sequence[Resource]], Iterator[tuple[str, str]]]
) -> Iterator[tuple[str, str | None]]:
    """What a rule on a whole stack reports, each with a URN. A resource on which it fails is reported, and the others are checked.

    Raises:
        NotKnownYetError: the rule can't be checked before the update for some resources.
    """
    found: list[tuple[str, str | None]] = []
    try:
        for each in check(resources):
            found.append(each)  # noqa: PERF402 - what was found before an exception is kept
    except NotKnownYetError:
        yield from found
        raise
    except UnknownValueError as unknown:
        yield from found
        raise NotKnownYetError(".".join(unknown.props)) from None
    except Exception as error:  # noqa: BLE001 - as above
        failed = [(each, reason) for each in resources if (reason := _failure_alone(each, check))]
        yield from ((failure_on(rule, each, reason), each.urn) for each, reason in failed)
        if failed:
            known = {id(each) for each, _ in failed}
            yield from messages_at_the_end(rule, [each for each in resources if id(each) not in known], check)
        else:  # it fails on them together only
            yield from found
            yield _failure(rule, f"the stack's {len(resources)} resources", error), None
    else:
        yield from found


def _failure_alone(resource: Resource, check: Callable[[Sequence[Resource]], Iterator[Any]]) -> Exception | None:
    try:
        for _ in check([resource]):
            pass
    except (NotKnownYetError, UnknownValueError):
        return None
    except Exception as error:  # noqa: BLE001 - as above
        return error
    return None
