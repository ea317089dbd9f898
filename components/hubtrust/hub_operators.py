"""The operators of a hub, or a vault, as a program gives them: a list or a mapping, of texts that may not be known yet."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import pulumi

from hubtrust.known_values import is_plain
from hubtrust.operator_roles import AzureRole, OperatorRole, Owner
from hubtrust.operators import Operator, OperatorError


@dataclass(frozen=True)
class Operators:
    """Who gets the role on a hub.

    In a list, each role's resource has the operator's object id in its name, so that no other role changes if one is removed. An Output
    has no name before it is known: a preview that does not know it shows no role. In a mapping, the key is in the name, and a preview
    shows every role. The operator of a key may change; the key of an operator may not, in one run.
    """

    named: Mapping[str, pulumi.Input[str]]
    """By what is in the names of their resources: plain ones of a list by their object ids, those of a mapping by their keys."""
    unnamed: tuple[pulumi.Input[str], ...]
    """Outputs of a list."""
    by_key: bool
    """They are those of a mapping."""

    @classmethod
    def read(cls, given: Any) -> Self:
        """From the argument ``operators``.

        Raises:
            OperatorError: it is neither a list nor a mapping, or one that is plain is wrong or given twice.
        """
        if isinstance(given, Mapping):
            _require_valid(given)
            return cls(dict(given), (), by_key=True)
        if given is not None and not isinstance(given, list | tuple):
            fact = "it is an Output; it decides which resources there are" if _waits(given) else f"it is of type {type(given).__name__}"
            raise OperatorError("operators", fact, "give a list of object ids, or a mapping; the ids may be Outputs")
        named, seen = dict[str, str](), dict[str, Operator]()
        for text in filter(is_plain, given or ()):
            operator = Operator.read(text)
            other = seen.setdefault(operator.principal.lower(), operator)
            if other.kind != operator.kind:
                raise _twice(operator, other)
            if other is operator:
                named[operator.principal] = text
        return cls(named, tuple(one for one in given or () if not is_plain(one)), by_key=False)

    def declare(
        self,
        prefix: str,
        owner: Owner,
        role: AzureRole,
        resource_id: pulumi.Output[str],
        *,
        may_exist: bool,
        keeps_deployer: bool = False,
        opts: pulumi.ResourceOptions,
    ) -> list[pulumi.Output[str]]:
        """Declare the role for each of them on a resource; ``prefix`` begins the names of the assignments.

        Returns what identifies each assignment: its id, and since when there is it.
        """
        taken, seen = dict[str, str](), dict[str, Operator]()

        def declare(name: str, operator: pulumi.Input[str]) -> pulumi.Output[str]:
            given = OperatorRole(owner, role, operator, resource_id, may_exist, name, self.by_key, taken, keeps_deployer)
            assignment = given.declare(f"{prefix}-operator-{name}", opts)
            return pulumi.Output.all(assignment.id, assignment.created_on).apply(lambda known: " ".join(map(str, known)))

        def declare_known(text: Any) -> pulumi.Output[str] | str:
            operator = Operator.read(text)
            other = seen.setdefault(operator.principal.lower(), operator)
            if other.kind != operator.kind:
                raise _twice(operator, other)
            return declare(operator.principal, text) if other is operator else ""

        declared = []
        for name, operator in self.named.items():
            declared.append(declare(name, operator))
            if not self.by_key:
                seen[name.lower()] = Operator.read(operator)
        return declared + [pulumi.Output.from_input(one).apply(declare_known) for one in self.unnamed]


def _require_valid(operators: Mapping[Any, Any]) -> None:
    seen = dict[str, str]()
    for key, value in operators.items():
        if not isinstance(key, str) or not key:
            raise OperatorError("operators", f"a key is {key!r}", "use texts as keys: each is in the name of a role's resource")
        principal = Operator.read(value).principal if is_plain(value) else None
        if principal and (other := seen.setdefault(principal.lower(), key)) != key:
            raise OperatorError(f"operators '{other}' and '{key}'", f"both are {principal}", "give each operator once")


def _twice(operator: Operator, other: Operator) -> OperatorError:
    return OperatorError(f"operator '{operator.principal}'", f"it is given as {other.kind} and as {operator.kind}", "give it once")


def _waits(value: object) -> bool:
    return isinstance(value, pulumi.Output | Awaitable)
