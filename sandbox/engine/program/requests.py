"""Reads what a program sends when it registers a resource: gRPC requests as goals."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from sandbox.engine.providers.provider_error import ProviderError
from sandbox.engine.steps.goal import Alias, Goal
from sandbox.engine.steps.hooks import BINDINGS
from sandbox.engine.values import property_values
from sandbox.engine.values import urn as urns
from sandbox.engine.values.property_path import parse_property_path

if TYPE_CHECKING:
    from pathlib import Path

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)")


def goal_of(request: Any, *, inputs: property_values.Properties, provider: str, root: Path) -> Goal:
    """The goal of a RegisterResourceRequest.

    Raises:
        ProviderError: a timeout is not a duration.
        PathError: a path is invalid.
    """
    # Older SDKs send only the value, and only if it is true.
    given = request.deleteBeforeReplaceDefined or request.deleteBeforeReplace
    return Goal(
        type=request.type,
        name=request.name,
        custom=request.custom,
        inputs=inputs,
        parent=request.parent,
        provider=provider,
        dependencies=tuple(sorted(set(request.dependencies))),
        property_dependencies=property_dependencies(request),
        protect=request.protect if request.HasField("protect") else None,
        retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
        delete_before_replace=request.deleteBeforeReplace if given else None,
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        replacement_trigger=property_values.from_proto(request.replacement_trigger) if request.HasField("replacement_trigger") else None,
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        aliases=aliases(request),
        import_id=request.importId,
        custom_timeouts=timeouts(request.customTimeouts),
        deleted_with=request.deletedWith,
        replace_with=tuple(request.replace_with),
        hide_diff=tuple(list(parse_property_path(path)) for path in request.hideDiffs),
        **source_position(request, root),
        resource_hooks={kind: tuple(names) for name, kind in BINDINGS.items() if (names := getattr(request.hooks, name))},
    )


def property_dependencies(request: Any) -> dict[str, tuple[str, ...]]:
    """Which resources each property depends on; without that in the request, each depends on all the resource's dependencies."""
    if request.propertyDependencies:
        return {key: tuple(sorted(set(item.urns))) for key, item in sorted(request.propertyDependencies.items())}
    return {key: tuple(sorted(set(request.dependencies))) for key in sorted(request.object.fields)}


def source_position(request: Any, root: Path) -> dict[str, Any]:
    """The fields `source_position` and `stack_trace` of the resource that a request is about.

    They are the places in the project's files that declare it, as state keeps them: `project:///path#line,column`.
    """
    frames = [_position(frame.pc, root) for frame in request.stackTrace.frames]
    trace = tuple({"sourcePosition": frame} if frame else {} for frame in frames)
    return {"source_position": _position(request.sourcePosition, root), "stack_trace": trace}


def _position(raw: Any, root: Path) -> str:
    """One `SourcePosition`, its path relative to the project's root; empty if it is not a file."""
    uri = urlsplit(raw.uri)
    if uri.scheme != "file":
        return ""
    path = quote(os.path.relpath(unquote(uri.path), root))
    return f"project:///{path}#{raw.line}" + (f",{raw.column}" if raw.column else "")


def aliases(request: Any) -> tuple[Alias, ...]:
    """The names that the resource may have had before."""
    found = [Alias(urn=urn) for urn in request.aliasURNs]
    for item in request.aliases:
        if item.WhichOneof("alias") == "urn":
            found.append(Alias(urn=item.urn))
            continue
        spec = item.spec
        parent = "" if spec.noParent else spec.parentUrn or None
        found.append(Alias(name=spec.name, type=spec.type, stack=spec.stack, project=spec.project, parent=parent))
    return tuple(found)


def timeouts(message: Any) -> dict[str, float]:
    """Custom timeouts in seconds; those not given are omitted."""
    return {name: seconds(text) for name in ("create", "update", "delete", "read") if (text := getattr(message, name, ""))}


def seconds(text: str) -> float:
    """A duration as Go writes it (`1h30m`, `5s`) in seconds.

    Raises:
        ProviderError: the text is not a duration.
    """
    if not re.fullmatch(rf"(?:{_DURATION.pattern})+", text):
        raise ProviderError(f"custom timeout {text!r} is not a duration: write it like '5m' or '1h30m'")
    total = sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))
    return int(total) if float(total).is_integer() else total


def inherit(request: Any, parent: Goal | None) -> None:
    """Copy into a registration the options that a child inherits from its parent."""
    if parent is None:
        return
    if not request.deletedWith:
        request.deletedWith = parent.deleted_with
    if not request.HasField("protect") and parent.protect is not None:
        request.protect = parent.protect
    if not request.HasField("retainOnDelete") and parent.retain_on_delete is not None:
        request.retainOnDelete = parent.retain_on_delete
    if not request.provider and parent.provider:
        package = urns.provided_package(urns.split_reference(parent.provider)[0])
        if not (request.custom or request.remote) or package == urns.package_of(request.type):
            request.provider = parent.provider
