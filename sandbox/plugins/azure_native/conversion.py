"""Converts a resource's values between Pulumi's inputs, ARM's request body, ARM's response and Pulumi's outputs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sandbox.plugins.azure_native.fields import Field, Kind
from sandbox.plugins.azure_native.resource_types import PARAMETER, SUBSCRIPTION
from sandbox.plugins.property_values import UNKNOWN, Unknown
from sandbox.plugins.resource import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.plugins.azure_native.resource_types import ResourceType
    from sandbox.plugins.property_values import Properties

    Identities = Callable[[Field, Any], Any]

API_VERSION: Final = "azureApiVersion"


def resource_path(kind: ResourceType, inputs: Properties, subscription: str) -> str:
    """The path of the resource with these inputs. Every value is percent-encoded, including the slashes of a scope."""

    def filled(found: re.Match[str]) -> str:
        name = found[1]
        value = subscription if name == SUBSCRIPTION else inputs.get(name)
        if not isinstance(value, str) or not value:
            raise PluginError(f"{kind.token}: missing value for the path parameter '{name}': set it in the program's arguments")
        return quote(value, safe="")

    return PARAMETER.sub(filled, kind.path)


def request_body(kind: ResourceType, inputs: Properties) -> Properties:
    """The body of the PUT: the known writable properties, inside the container that ARM expects."""
    sent = _known(kind.body, inputs, answered=False, identities=_identities_sent)
    return {kind.container: sent} if kind.container else sent


def outputs(kind: ResourceType, answer: Properties) -> Properties:
    """The outputs for ARM's response: the known properties that are not null."""
    inner = answer.get(kind.container) if kind.container else None
    flat = {**answer, **inner} if isinstance(inner, dict) else answer
    return {**_known(kind.body, flat, answered=True, identities=_identities_answered), API_VERSION: kind.api_version}


def as_inputs(kind: ResourceType, values: Properties) -> Properties:
    """The outputs in the form of inputs: only writable properties, identities as a list, no path parameters."""
    return _known(kind.body, values, answered=False, identities=_identities_listed)


def leaves_out_kept(kind: ResourceType, inputs: Properties) -> bool:
    """Whether the inputs leave out a list that keeps what is in Azure."""
    return _with_kept(kind.body, inputs, None) != inputs


def with_kept(kind: ResourceType, inputs: Properties, answer: Properties | None) -> Properties:
    """The inputs, with lists that they leave out as Azure has them in `answer`; empty without an answer, for a new resource."""
    return _with_kept(kind.body, inputs, answer)


def _with_kept(fields: Mapping[str, Field], inputs: Properties, answer: Properties | None) -> Properties:
    result = dict(inputs)
    for name, field in fields.items():
        found = (answer or {}).get(name)
        if field.kept and name not in inputs:
            result[name] = found or []
        elif field.fields and isinstance(inputs.get(name), dict):
            result[name] = _with_kept(field.fields, inputs[name], found if isinstance(found, dict) else None)
    return result


def _identities_sent(field: Field, value: Any) -> Any:
    del field
    return {identity: {} for identity in value} if isinstance(value, list) else value


def _identities_answered(field: Field, value: Any) -> Any:
    return _converted(replace(field, kind=Kind.MAP), value, answered=True, identities=_identities_answered)


def _identities_listed(field: Field, value: Any) -> Any:
    del field
    return sorted(value) if isinstance(value, dict) else value


def _known(fields: Mapping[str, Field], values: Properties, *, answered: bool, identities: Identities) -> Properties:
    """The values that the table knows and that are not null; read-only ones only if `answered`, write-only ones only if not."""
    known = {
        name: field
        for name, field in fields.items()
        if not (field.write_only if answered else field.read_only) and values.get(name) is not None
    }
    return {name: _converted(field, values[name], answered=answered, identities=identities) for name, field in known.items()}


def _converted(field: Field, value: Any, *, answered: bool, identities: Identities) -> Any:
    match field.kind, value:
        case Kind.OBJECT, dict():
            return _known(field.fields, value, answered=answered, identities=identities)
        case Kind.ARRAY, list() if field.item:
            return [_converted(field.item, item, answered=answered, identities=identities) for item in value]
        case Kind.MAP, dict() if field.item:
            return {name: _converted(field.item, item, answered=answered, identities=identities) for name, item in value.items()}
        case Kind.IDENTITIES, _:
            return identities(field, value)
    return value


def imported_inputs(kind: ResourceType, identity: str, answer: Properties) -> Properties:
    """The inputs of an imported resource: path parameters from its id, writable non-empty properties from the response."""
    return {**path_parameters(kind, identity), **_without_empty(as_inputs(kind, outputs(kind, answer)))}


def _without_empty(values: Any) -> Any:
    if isinstance(values, dict):
        inner = {name: _without_empty(value) for name, value in values.items()}
        return {name: value for name, value in inner.items() if value not in ({}, [])}
    return values


def path_parameters(kind: ResourceType, identity: str) -> Properties:
    """The path parameters in an id. ARM ignores case in the fixed parts of a path."""
    pattern = PARAMETER.sub(lambda found: f"(?P<{found[1]}>{'.+' if found[1] == 'scope' else '[^/]+'})", kind.path)
    # A scope is itself a path with a leading slash.
    found = re.fullmatch(pattern.replace("/(?P<scope>", "(?P<scope>"), identity, re.IGNORECASE)
    if found is None:
        raise PluginError(f"cannot import '{identity}' as {kind.token}: its id must have the form {kind.path}")
    return {name: value for name, value in found.groupdict().items() if name != SUBSCRIPTION}


def preview(kind: ResourceType, inputs: Properties) -> Properties:
    """The outputs shown in a preview: an output with the name of an input has its value, every other one is unknown."""
    known = {**inputs, API_VERSION: inputs.get(API_VERSION, kind.api_version)}
    return {API_VERSION: known[API_VERSION], **_previewed_fields(kind.body, known)}


def _previewed_fields(fields: Mapping[str, Field], inputs: Properties) -> Properties:
    return {name: _previewed(field, inputs.get(name)) for name, field in fields.items() if not field.write_only}


def _previewed(field: Field, value: Any) -> Any:
    if value is None or isinstance(value, Unknown):
        return UNKNOWN
    match field.kind, value:
        case Kind.OBJECT, dict():
            return _previewed_fields(field.fields, value)
        case Kind.ARRAY, list() if field.item:
            return [_previewed(field.item, item) for item in value]
        case Kind.MAP, dict() if field.item:
            return {name: _previewed(field.item, item) for name, item in value.items()}
        case ((Kind.OBJECT | Kind.ARRAY | Kind.MAP | Kind.IDENTITIES), _):
            return UNKNOWN
    return value
