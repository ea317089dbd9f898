"""The results of configurations' metrics, as of now: each twin is looked at once for all of them, and others have their turn meanwhile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from local_azure_iot.hub_registry import configurations, query_scans
from local_azure_iot.microsoft_devices.lifecycle import DEVICE, MODULE

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document


async def results(azure: Azure, hub_key: str, known: list[Document]) -> dict[str, dict[str, int]]:
    """The results of each configuration by its id, as `configurations.to_json` takes them. Not within a transaction."""
    reached = {kind: await _reached(azure, hub_key, kind) for kind in {_kind(each) for each in known}}
    found: dict[str, dict[str, int]] = {}
    texts: dict[tuple[str, str], str] = {}
    for each in known:
        statuses = reached[_kind(each)].get(each["id"], {})
        applied = statuses.get("Applied", 0)
        found[each["id"]] = {"targetedCount": applied + statuses.get("Targeted", 0), "appliedCount": applied}
        queries = configurations.system_queries(each) | {f"custom {name}": text for name, text in each["metrics"].items()}
        texts |= {(each["id"], name): text for name, text in queries.items() if name not in found[each["id"]]}
    for (configuration_id, name), number in (await query_scans.counts(azure, hub_key, texts)).items():
        found[configuration_id][name] = number
    return found


def _kind(configuration: Document) -> str:
    return MODULE if configuration["kind"] == "moduleContent" else DEVICE


async def _reached(azure: Azure, hub_key: str, kind: str) -> dict[str, dict[str, int]]:
    """How many devices or modules have each status of each configuration.

    These are the counts of `configurations.system_queries`, read from where each twin's configurations are kept: few combinations occur.
    """
    found: dict[str, dict[str, int]] = {}
    for combination, number in (await azure.store.count_by(kind, f"{hub_key}/", "deployed.statuses")).items():
        for configuration_id, each in json.loads(combination or "{}").items():
            statuses = found.setdefault(configuration_id, {})
            statuses[each["status"]] = statuses.get(each["status"], 0) + number
    return found
