"""The operations of LinkPolicy: the shared access policy of a hub that a provisioning service signs in with."""

from collections.abc import Callable, Mapping
from typing import Any

from hubtrust.azure.hub_policies import LINK_RIGHTS
from hubtrust.dynamic.link_policy import LinkPolicyProvider
from tests.faults.case_hub import CaseHub
from tests.faults.scenario import Scenario
from tests.faults.stack import Declared

NAME = "hubtrust-dps-7"
_OTHER_KEY = "bmV3IGtleSBvZiBzb21lYm9keSBlbHNl"
_DEFAULTS = ("iothubowner", "service", "device", "registryRead", "registryReadWrite")


def _link(case: CaseHub) -> Declared:
    return {"link": (LinkPolicyProvider, {"hubId": case.hub.id, "policyName": NAME, "deadline": case.deadline})}


def _nothing(_case: CaseHub) -> Declared:
    return {}


def _policies(case: CaseHub) -> list[dict[str, str]]:
    found: list[dict[str, str]] = case.azure.ask("POST", f"{case.hub.id}/listkeys").json()["value"]
    return found


def found(case: CaseHub) -> Mapping[str, Any]:
    """The hub's policies: of Azure's own that they are there; of ours its rights, and whether the state has its key."""
    known = case.stack.resources.get("link")
    linked = str(known.created.outs.get("connectionString")) if known else ""
    return {
        one["keyName"]: (one["rights"], linked.endswith(f"SharedAccessKey={one['primaryKey']}")) if one["keyName"] == NAME else True
        for one in _policies(case)
    }


def _by_hand(**changes: str | None) -> Callable[[CaseHub], None]:
    """Somebody else changes the policy, or with None removes it."""

    def changed(case: CaseHub) -> None:
        kept = [one | changes if one["keyName"] == NAME else one for one in _policies(case)]
        case.hub.set_properties(authorizationPolicies=[one for one in kept if one["keyName"] is not None])

    return changed


def _row(operation: str, *, there: bool = True, **fields: Any) -> Scenario:
    wanted = dict.fromkeys(_DEFAULTS, True) | ({NAME: (LINK_RIGHTS, True)} if there else {})
    return Scenario(resource="LinkPolicy", operation=operation, wanted=lambda _case: wanted, found=found, **fields)


SCENARIOS = (
    _row("first create", declared=_link),
    _row("drift: deleted", before=_link, meanwhile=_by_hand(keyName=None), declared=_link),
    _row(
        "drift: another key, and fewer rights",
        before=_link,
        meanwhile=_by_hand(primaryKey=_OTHER_KEY, rights="ServiceConnect"),
        declared=_link,
    ),
    _row("delete", there=False, before=_link, declared=_nothing),
)
