"""Automatic configurations and IoT Edge deployments: creating, changing and deleting them, and their JSON in Azure's answers.

Sources: Azure's OpenAPI file, https://learn.microsoft.com/azure/iot-hub/iot-hub-automatic-device-management-cli, and
az CLI's extension (github.com/Azure/azure-iot-cli-extension), whose tests have a configuration as a hub answers it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import configuration_content, entries, errors, twins
from local_azure_iot.microsoft_devices.lifecycle import CONFIGURATION
from local_azure_iot.query_language.query import QueryError, Source

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.query_language.query import Query
    from local_azure_iot.store import Document

MAX_CONFIGURATIONS = 100  # of a hub; 20 of a free one
MAX_OF_FREE_HUB = 20
_MAX_METRICS = 5
_ID = re.compile(r"[a-z0-9\-+%_*!'.:$=@,;?()~#]{1,128}")


def all_of(azure: Azure, hub_key: str) -> list[Document]:
    """The configurations of a hub, oldest first."""
    return azure.store.list(CONFIGURATION, f"{hub_key}/")


def require(azure: Azure, hub_key: str, configuration_id: str) -> Document:
    """The configuration, which must exist.

    Raises:
        RegistryError: It does not exist.
    """
    found = azure.store.get(CONFIGURATION, entries.store_key(hub_key, configuration_id))
    if found is None:
        raise errors.configuration_not_found(configuration_id)
    return found


def create(azure: Azure, hub_key: str, body: dict[str, Any], *, most: int) -> Document:
    """Create a configuration.

    Raises:
        RegistryError: It exists, the hub has ``most`` of them, or a member of the body is invalid.
    """
    configuration_id = str(body.get("id") or "")
    if not _ID.fullmatch(configuration_id):
        raise errors.argument_invalid(f"The configuration id '{configuration_id[:129]}' is not valid: 1 to 128 characters, no capitals")
    if azure.store.get(CONFIGURATION, entries.store_key(hub_key, configuration_id)) is not None:
        raise errors.configuration_exists(configuration_id)
    if azure.store.count(CONFIGURATION, f"{hub_key}/") >= most:
        raise errors.too_many_configurations(most)
    content = body.get("content") or {}
    now = twins.format_time(azure.clock.now())
    number = azure.store.next_number("configuration")
    created: Document = {"id": configuration_id, "content": content, "created": now, "etag": 0, "number": number}
    created["kind"] = configuration_content.kind_of(content)
    return _write(azure, hub_key, created, body)


def update(azure: Azure, hub_key: str, configuration: Document, body: dict[str, Any]) -> Document:
    """Replace a configuration's members, except for its content, which can't change.

    Raises:
        RegistryError: The content is another one, or a member of the body is invalid.
    """
    content = body.get("content")
    if content is not None and {name: part for name, part in content.items() if part is not None} != {
        name: part for name, part in configuration["content"].items() if part is not None
    }:
        raise errors.configuration_content_immutable(configuration["id"])
    return _write(azure, hub_key, configuration, body)


def delete(azure: Azure, hub_key: str, configuration: Document) -> None:
    """Delete a configuration."""
    azure.store.delete(CONFIGURATION, entries.store_key(hub_key, configuration["id"]))


def _write(azure: Azure, hub_key: str, configuration: Document, body: dict[str, Any]) -> Document:
    condition, priority = body.get("targetCondition") or "", body.get("priority") or 0
    if priority < 0:
        raise errors.argument_invalid(f"priority must be 0 or more, not {priority}")
    queries = (body.get("metrics") or {}).get("queries") or {}
    if len(queries) > _MAX_METRICS:
        raise errors.metric_query_invalid(f"{len(queries)} metrics; at most {_MAX_METRICS} are allowed")
    for name, text in queries.items():
        if problem := metric_problem(text):
            raise errors.metric_query_invalid(f"metric '{name}': {problem}")
    if problem := condition_problem(condition, configuration["kind"]):
        raise errors.target_condition_invalid(problem)
    configuration |= {
        "etag": configuration["etag"] + 1,
        "schemaVersion": body.get("schemaVersion") or configuration.get("schemaVersion") or "1.0",
        "labels": body.get("labels") or {},
        "condition": condition,
        "priority": priority,
        "metrics": queries,
        "updated": twins.format_time(azure.clock.now()),
    }
    azure.store.put(CONFIGURATION, entries.store_key(hub_key, configuration["id"]), configuration)
    return configuration


def condition_problem(condition: str, kind: str = "") -> str:
    """Why a target condition is invalid for a kind of content (any kind where it is empty); the empty string where it is valid."""
    if not condition.strip():
        return ""  # no target
    try:
        query = _parse_target(condition)
    except QueryError as error:
        return str(error)
    if kind and (query.source is Source.MODULES) != (kind == "moduleContent"):
        return f"'{condition[:80]}' selects {query.source}: with moduleContent it must begin with 'FROM devices.modules WHERE'"
    return ""


def metric_problem(text: str | None) -> str:
    """Why a metric's query is invalid; the empty string where it is valid."""
    from local_azure_iot.query_language import parser

    try:
        parser.parse(text or "")
    except QueryError as error:
        return str(error)
    return ""


def target(configuration: Document) -> Query | None:
    """What selects the devices or modules of a configuration; None: it has no targets."""
    return _parse_target(configuration["condition"]) if configuration["condition"].strip() else None


def _parse_target(condition: str) -> Query:
    from local_azure_iot.query_language import parser

    return parser.parse_target(condition)


def system_queries(configuration: Document) -> dict[str, str]:
    """The queries of the metrics that a hub has for each configuration; the first selects all its targets."""
    condition, kind = configuration["condition"].strip(), configuration["kind"]
    applied = f"configurations.[[{configuration['id']}]].status = 'Applied'"
    where = re.sub(r"(?i)^from\s+devices\.modules(\s+where)?\s*", "", "" if condition == "*" else condition)
    if kind == "modulesContent":
        edge = _select("deviceId", Source.DEVICES, "capabilities.iotEdge = true", f"({where})" if where else "")
        agents = _select("deviceId", Source.MODULES, "moduleId = '$edgeAgent'", applied)
        answered = f"{agents} and properties.desired.$version = properties.reported.lastDesiredVersion"
        code = "properties.reported.lastDesiredStatus.code"
        return {
            "targetedCount": edge if condition else "",
            "appliedCount": agents,
            "reportedSuccessfulCount": f"{answered} and {code} = 200",
            "reportedFailedCount": f"{answered} and {code} != 200",
        }
    columns, source = ("deviceId, moduleId", Source.MODULES) if kind == "moduleContent" else ("deviceId", Source.DEVICES)
    return {
        "targetedCount": _select(columns, source, where) if condition else "",
        "appliedCount": _select(columns, source, applied),
    }


def _select(columns: str, source: Source, *conditions: str) -> str:
    where = " and ".join(each for each in conditions if each)
    return " ".join(["select", columns, "from", source, *(["where", where] if where else [])])


def to_json(configuration: Document, counts: dict[str, int]) -> dict[str, Any]:
    """A configuration as Azure returns it; ``counts`` are the results of its metrics."""
    system, own = system_queries(configuration), configuration["metrics"]
    return {
        "id": configuration["id"],
        "schemaVersion": configuration["schemaVersion"],
        "labels": configuration["labels"],
        "content": configuration["content"],
        "targetCondition": configuration["condition"],
        "createdTimeUtc": configuration["created"],
        "lastUpdatedTimeUtc": configuration["updated"],
        "priority": configuration["priority"],
        "systemMetrics": {"results": {name: counts[name] for name in system if name in counts}, "queries": system},
        "metrics": {"results": {name: counts[f"custom {name}"] for name in own if f"custom {name}" in counts}, "queries": own},
        "etag": entries.etag(configuration),
    }
