"""What a hub has in Azure and the program does not declare: which of it stays, and how it is told."""

from collections.abc import Iterator, Mapping
from typing import Any

from hubtrust.hub_args import PROPERTIES, HubArgs
from hubtrust.inputs import wire_name

_ENDPOINTS = ("event_hubs", "service_bus_queues", "service_bus_topics", "storage_containers", "cosmos_db_sql_containers")
_SHOWN = frozenset({"minTlsVersion", "publicNetworkAccess", "features"})  # properties whose values are shown
# What Azure's answer has for every hub, whether or not anybody has set it.
_ALWAYS = frozenset(
    "eventHubEndpoints messagingEndpoints cloudToDevice features enableFileUploadNotifications authorizationPolicies".split()
)


def undeclared_paths(declared: Mapping[str, Any], args: HubArgs) -> list[str]:
    """The paths, for the option `ignoreChanges`, of what is not in ``declared``: the arguments of the hub by Azure's names."""
    properties = declared.get("properties")
    named = properties if isinstance(properties, Mapping) else {PROPERTIES[name] for name in args.declared(defaults=True)}
    paths = [f"properties.{name}" for name in PROPERTIES.values() if name not in named]
    return paths if declared.get("identity") is not None else [*paths, "identity"]


def told_of_adopted(properties: Any, args: HubArgs) -> list[str]:
    """Every property that the hub has and ``args`` does not declare."""
    return [*_told(properties, {name for name in PROPERTIES if getattr(args, name) is None})]


def told_of_kept(answer: Mapping[str, Any], paths: list[str]) -> list[str]:
    """What somebody has set in ``answer``, Azure's, below the undeclared ``paths``."""
    names = {name for name, wire in PROPERTIES.items() if f"properties.{wire}" in paths and wire not in _ALWAYS}
    found = answer.get("properties") or {}
    names -= {name for name in names if _member(found, name) in (False, "Enabled")}
    told = [one for one in _told(found, names) if one != "fallback route on"]
    kind = (answer.get("identity") or {}).get("type")
    return [*told, f"identity {kind}"] if "identity" in paths and kind not in (None, "None") else told


def _told(properties: Any, names: set[str]) -> Iterator[str]:
    if "routing" in names:
        yield from _routing(_member(properties, "routing"))
    for name, title in PROPERTIES.items():
        value = _member(properties, name)
        if name == "routing" or name not in names or _is_empty(value):
            continue
        if isinstance(value, bool):
            yield f"{title} {str(value).lower()}"
        elif isinstance(value, list | tuple):
            yield f"{len(value)} {title}"
        else:
            # Some properties have secrets in them, so that most values are not told.
            yield f"{title} {value}" if title in _SHOWN else title


def _routing(routing: Any) -> Iterator[str]:
    routes, enrichments, fallback = (_member(routing, name) for name in ("routes", "enrichments", "fallback_route"))
    if routes:
        yield f"routes {' '.join(_member(route, 'name') for route in routes)}"
    kinds = _member(routing, "endpoints")
    endpoints = [_member(one, "name") for kind in _ENDPOINTS for one in _member(kinds, kind) or []]
    if endpoints:
        yield f"endpoints {' '.join(endpoints)}"
    if enrichments:
        yield f"{len(enrichments)} enrichments"
    if fallback:
        yield f"fallback route {'on' if _member(fallback, 'is_enabled') else 'off'}"


def _member(value: Any, name: str) -> Any:
    """Of one of azure-native's outputs, or of Azure's answer."""
    if hasattr(type(value), name):
        return getattr(value, name)
    return value.get(PROPERTIES.get(name) or wire_name(name)) if isinstance(value, Mapping) else None


def _is_empty(value: Any) -> bool:
    """Whether there is nothing: Azure's answer has empty storage endpoints for every hub."""
    if isinstance(value, Mapping):
        return all(_is_empty(one) for key, one in value.items() if key not in ("sasTtlAsIso8601", "sas_ttl_as_iso8601"))
    return value is None or value in ("", [], ())
