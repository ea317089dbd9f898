"""AuthorityGeneration: which generation of an authority a stack has, so that a step of a rotation is judged before it is taken."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult

from .lifecycle import Change, Judge, Properties, Reconciled, Reconciler, is_unknown, require_bool, require_number


class AuthorityGenerationProvider(Reconciler):
    """Remembers, and refuses what a rotation can't mean; it makes nothing anywhere."""

    judges: ClassVar[Mapping[str, Judge]] = {
        "authority": str,
        "generation": lambda value: require_number(value, least=1, most=9999, whole=True),
        "keepPrevious": require_bool,
    }
    required = frozenset({"authority", "generation", "keepPrevious"})
    outputs = required

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Beside what each input may be: generations go up, and what is to be kept is there."""
        result = super().check(olds, news)
        if not result.failures and not is_unknown(news):
            fault = _fault(olds, news)
            result.failures.extend([CheckFailure("", fault)] if fault else [])
        return result

    def change(self, olds: Properties, news: Properties) -> Change:
        """Another authority is another resource; all else is remembered in place."""
        replaces = [] if olds.get("authority") == news.get("authority") else ["authority"]
        return Change(replaces, updates=any(olds.get(name) != news.get(name) for name in self.outputs))

    def make(self, news: Properties) -> tuple[str, dict[str, Any]]:
        """Remember."""
        return str(news["authority"]), dict(news)

    def look(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """There is nothing to look at."""
        return dict(olds)

    def alter(self, _id: str, _olds: Properties, news: Properties) -> dict[str, Any]:
        """Remember."""
        return dict(news)

    def remove(self, _id: str, _olds: Properties) -> None:
        """Nothing was made."""


def _fault(olds: Properties, news: Properties) -> str | None:
    """What is wrong with the step from the old inputs to the new ones; None when nothing is."""
    what, wanted, keep = f"authority '{news['authority']}'", int(news["generation"]), news["keepPrevious"]
    stands = int(olds["generation"]) if olds.get("authority") == news["authority"] else None
    if stands is not None and wanted < stands:
        return f"{what}: generation {wanted} was before generation {stands}, which stands; generations go up: write {stands + 1}"
    if not keep:
        return None
    before = wanted - 1
    if wanted == 1 or stands is None:
        return f"{what}: the previous generation is to be kept and there is none in this stack; bring generation {max(before, 1)} up first"
    if wanted > stands + 1:
        return f"{what}: generation {before} is to be kept and {stands} is what stands; write {stands + 1}, one generation at a time"
    if wanted == stands and not olds.get("keepPrevious"):
        return f"{what}: generation {before} is to be kept and it has been dropped; leave keepPrevious out until the next generation"
    return None


class AuthorityGeneration(Reconciled, module="hubtrust", name="AuthorityGeneration"):
    """The generation that a stack has; everything of an authority comes after it."""

    def __init__(
        self, resource_name: str, *, authority: str, generation: int, keep_previous: bool, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare it.

        Args:
            resource_name: Pulumi's name for it.
            authority: the authority's name.
            generation: 1, 2, …
            keep_previous: the generation before stands too.
            opts: Pulumi's options.
        """
        inputs = {"authority": authority, "generation": generation, "keep_previous": keep_previous}
        super().__init__(AuthorityGenerationProvider(), resource_name, inputs, opts)
