"""AuthorityGeneration: which generation of an authority a stack or a hub has, so that a step of a rotation is judged before it is taken."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult

from hubtrust.azure import clouds
from hubtrust.azure.certificates import service
from hubtrust.dynamic.dependants import enabled_devices
from hubtrust.dynamic.lifecycle import (
    Change,
    Properties,
    Reconciled,
    Reconciler,
    Validator,
    is_unknown,
    require_bool,
    require_number,
    say,
)
from hubtrust.reconcile_errors import DependantsError

_JUDGED = ("authority", "generation", "keepPrevious")


class AuthorityGenerationProvider(Reconciler):
    """Remembers, and refuses what a rotation can't mean; it makes nothing anywhere.

    With a hub, it also refuses to let a generation go on which enabled devices may depend. What goes is deleted at the end of a run,
    so that a refusal here comes before.
    """

    validators: ClassVar[Mapping[str, Validator]] = {
        "authority": str,
        "generation": lambda value: require_number(value, least=1, most=9999, whole=True),
        "keepPrevious": require_bool,
        "hubId": lambda value: service(str(value)),
        "hostName": str,
        "cloud": lambda value: clouds.require_name(str(value)),
        "devicesOf": str,
        "dropPrevious": require_bool,
    }
    required = frozenset(_JUDGED)
    outputs = frozenset({*_JUDGED, "hubId", "hostName", "cloud", "devicesOf"})

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Beside what each input may be: generations go up, and what is to be kept is there."""
        result = super().check(olds, news)
        if not result.failures and not any(is_unknown(news.get(name)) for name in _JUDGED):
            fault = _fault(olds, news)
            result.failures.extend([CheckFailure("", fault)] if fault else [])
        return result

    def on_diff(self, olds: Properties, news: Properties) -> Change:
        """Another authority is another resource; all else is remembered in place."""
        replaces = [] if olds.get("authority") == news.get("authority") else ["authority"]
        return Change(replaces, updates=any(olds.get(name) != news.get(name) for name in self.outputs))

    def on_create(self, news: Properties) -> tuple[str, dict[str, Any]]:
        """Remember."""
        return str(news["authority"]), _outs(news)

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """There is nothing to look at."""
        return dict(olds)

    def on_update(self, _id: str, olds: Properties, news: Properties) -> dict[str, Any]:
        """Remember, once nobody depends on what goes."""
        going = sorted(_standing(olds) - _standing(news))
        if going and news.get("devicesOf") and news.get("dropPrevious") is not True and news.get("hubId") == olds.get("hubId"):
            _require_unused(news, going)
        return _outs(news)

    def on_delete(self, _id: str, _olds: Properties) -> None:
        """Nothing was made."""


def _outs(news: Properties) -> dict[str, Any]:
    return {name: value for name, value in news.items() if name != "dropPrevious"}


def _standing(properties: Properties) -> set[int]:
    """The generations that are trusted."""
    generation = int(properties["generation"])
    return {generation, generation - 1} if properties.get("keepPrevious") else {generation}


def _require_unused(news: Properties, going: list[int]) -> None:
    """Refuse while devices may depend on what goes."""
    what = f"authority '{news['authority']}': generation {going[0]} is to go"
    count = enabled_devices(news)
    if count is None:
        say(f"{what}: devices are not counted, for this login may not read the registry; it has made none, then")
    elif count:
        fact = f"{count} enabled {'device' if count == 1 else 'devices'} of this stack may still show certificates under it"
        raise DependantsError(what, fact, "keep it until they have moved (caKeepPrevious), or say that they have: caDropPrevious")


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
        self,
        resource_name: str,
        *,
        authority: str,
        generation: int,
        keep_previous: bool,
        hub_id: pulumi.Input[str] | None = None,
        host_name: pulumi.Input[str] | None = None,
        cloud: str | None = None,
        devices_of: str | None = None,
        drop_previous: bool | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it.

        Args:
            resource_name: Pulumi's name for it.
            authority: the authority's name.
            generation: 1, 2, …
            keep_previous: the generation before stands too.
            hub_id: ARM id of a hub that trusts it; with
            host_name: its name on the network,
            cloud: its cloud, and
            devices_of: the stack whose devices count, `organization/project/stack`.
            drop_previous: they have moved: what goes may go.
            opts: Pulumi's options.
        """
        inputs = {
            "authority": authority,
            "generation": generation,
            "keep_previous": keep_previous,
            "hub_id": hub_id,
            "host_name": host_name,
            "cloud": cloud,
            "devices_of": devices_of,
            "drop_previous": drop_previous,
        }
        super().__init__(AuthorityGenerationProvider(), resource_name, inputs, opts)
