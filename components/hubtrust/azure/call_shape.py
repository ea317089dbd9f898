"""What can be told of a call to Azure without telling what it was about: its form, with every id, name and value masked.

Only what is known to be Azure's own word is kept; everything else is a placeholder. So a new path or header can hide a fact, and never
tell one. Pure: bytes and texts in, a JSON document out.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from hubtrust.azure.clouds import KNOWN

Shape = dict[str, list[str]]
"""The types at each place of a JSON document: `{"properties.etag": ["null", "string"], "value[]": ["object"]}`."""

# After these a path has a name, except for the words beside them. Lower case: Azure takes paths in any case.
_COLLECTIONS: dict[str, set[str]] = {
    "subscriptions": set(),
    "resourcegroups": set(),
    "iothubs": set(),
    "provisioningservices": set(),
    "certificates": set(),
    "iothubkeys": set(),
    "vaults": set(),
    "deletedvaults": set(),
    "roleassignments": set(),
    "roledefinitions": set(),
    "locations": set(),
    "operationresults": set(),
    "operationstatuses": set(),
    "devices": {"query"},
    "modules": set(),
    "twins": set(),
    "enrollments": {"query"},
    "enrollmentgroups": {"query"},
    "registrations": set(),
}
_WORDS = {"providers", "generateverificationcode", "verify", "query", "listkeys", "checknameavailability", "metadata", "endpoints"}
_PROVIDER = re.compile(r"Microsoft\.[A-Za-z]{1,40}", re.IGNORECASE)
_QUERY_NAME = re.compile(r"[$A-Za-z-]{1,40}")
_API_VERSION = re.compile(r"\d{4}-\d\d-\d\d(-preview)?")
_KEY = re.compile(r"[$@A-Za-z_][$@A-Za-z0-9_.-]{0,63}")
_KEY_WITH_NUMBER = re.compile(r"\d{4}")
# Their keys are the user's own names: tags, twins, identities, and what Azure keeps for others and doesn't read.
_FREE_MAPS = {"tags", "desired", "reported", "$metadata", "userassignedidentities", "optionaldeviceinformation", "payload", "labels"}
_FREE_MAPS |= {"devicecontent", "modulescontent", "modulecontent", "queries", "results", "parameters"}
_CODE = re.compile(r"\w{1,60}")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}(; ?charset=[a-z0-9-]{1,20})?", re.IGNORECASE)
_RFC1123 = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
_ISO8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
REQUEST_HEADERS = ("content-type", "if-match", "if-none-match", "x-ms-max-item-count", "x-ms-continuation")
ANSWER_HEADERS = (
    *("content-type", "etag", "location", "azure-asyncoperation", "retry-after", "www-authenticate", "iothub-errorcode"),
    *("x-ms-continuation", "x-ms-item-type", "x-ms-request-id", "x-ms-correlation-request-id", "x-ms-failure-cause"),
)


def masked_url(url: str) -> tuple[str, str]:
    """The form of ``url``, such as `{resource-manager}/subscriptions/{…}/resourceGroups/{…}`, and its api-version ("" if it has none)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "{address}", ""
    query = parse_qsl(parts.query, keep_blank_values=True)
    version = next((value for name, value in query if name == "api-version"), "")
    names = sorted({name if _QUERY_NAME.fullmatch(name) else "{name}" for name, _ in query if name != "api-version"})
    asked = f"?{'&'.join(names)}" if names else ""
    return f"{_masked_host(host)}{_masked_path(parts.path)}{asked}", _masked_version(version)


def shape(data: bytes | None) -> Shape | str | None:
    """The shape of a JSON document; None if there is none, "not JSON" if it is something else."""
    if not data or not data.strip():
        return None
    try:
        document = json.loads(data.decode("utf-8-sig"))
        found: dict[str, set[str]] = {}
        _collect(document, "", found, free=False)
    except (ValueError, RecursionError):
        return "not JSON"
    return {place: sorted(types) for place, types in sorted(found.items())}


def masked_headers(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """Those headers of ``names`` that are there, each with the form of its value."""
    given = {name.lower(): str(value) for name, value in headers.items() if value}
    return {name: _masked_header(name, given[name]) for name in names if name in given}


def masked_code(code: str) -> str | None:
    """Azure's error code, if it is one: a single word."""
    return code if _CODE.fullmatch(code) else None


def _masked_version(version: str) -> str:
    return version if not version or _API_VERSION.fullmatch(version) else "{other}"


def _masked_host(host: str) -> str:
    for cloud in KNOWN.values():
        manager = urlsplit(cloud.resource_manager).hostname or ""
        kinds = {manager: "resource-manager", cloud.hub_suffix: "hub", cloud.provisioning_suffix: "provisioning-service"}
        kinds |= dict.fromkeys(cloud.vault_suffixes, "vault")
        for suffix, kind in kinds.items():
            if host == suffix or host.endswith(f".{suffix}"):
                return f"{{{kind}}}"
    return "{host}"


def _masked_path(path: str) -> str:
    masked, before = [], ""
    for each in path.split("/")[1:]:
        word = unquote(each)
        is_name = before in _COLLECTIONS and word.lower() not in _COLLECTIONS[before]
        is_known = word.lower() in _COLLECTIONS or word.lower() in _WORDS or bool(_PROVIDER.fullmatch(word))
        keeps = word == "" or (is_known and not is_name)
        masked.append(word if keeps else "{…}")
        before = word.lower() if keeps else ""
    return "".join(f"/{each}" for each in masked)


def _masked_header(name: str, value: str) -> str:
    form = _HEADER_FORMS.get(name)
    return form(value) if form else "present"


def _etag_form(value: str) -> str:
    weak, quoted = value.startswith("W/"), value.removeprefix("W/").startswith('"')
    return "*" if value == "*" else f"{'W/' if weak else ''}{'quoted' if quoted else 'bare'}"


def _challenge_form(value: str) -> str:
    scheme = value.split(" ", 1)[0]
    return scheme if scheme.lower() in {"bearer", "sharedaccesssignature", "basic"} else "{other}"


def _address_form(value: str) -> str:
    return masked_url(value)[0]


_HEADER_FORMS: dict[str, Callable[[str], str]] = {
    "content-type": lambda value: value.lower() if _MEDIA_TYPE.fullmatch(value) else "{other}",
    **dict.fromkeys(("location", "azure-asyncoperation"), _address_form),
    **dict.fromkeys(("etag", "if-match", "if-none-match"), _etag_form),
    "retry-after": lambda value: "seconds" if value.strip().isdigit() else "other",
    "www-authenticate": _challenge_form,
    "iothub-errorcode": lambda value: masked_code(value) or "{other}",
}


def _collect(value: Any, place: str, found: dict[str, set[str]], *, free: bool) -> None:
    """Add the types of ``value`` and of all within it. ``free``: within a map whose keys are the user's own names."""
    found.setdefault(place, set()).add(_type(value))
    if isinstance(value, dict):
        for key, inner in value.items():
            shown = _masked_key(key, free=free)
            _collect(inner, f"{place}.{shown}" if place else shown, found, free=free or key.lower() in _FREE_MAPS)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, f"{place}[]", found, free=free)


def _masked_key(key: str, *, free: bool) -> str:
    is_azures = bool(_KEY.fullmatch(key)) and not _KEY_WITH_NUMBER.search(key) and (not free or key in {"$metadata", "$version"})
    return key if is_azures else "{key}"


def _type(value: Any) -> str:
    if value is None or isinstance(value, (bool, int, float)):
        return {type(None): "null", bool: "boolean"}.get(type(value), "number")
    if isinstance(value, str):
        return _text_type(value)
    return "list" if isinstance(value, list) else "object"


def _text_type(text: str) -> str:
    if not text:
        return "empty string"
    if _RFC1123.fullmatch(text):
        return "date of RFC 1123"
    if _ISO8601.fullmatch(text):
        return "date of ISO 8601"
    return "resource id" if text.lower().startswith("/subscriptions/") else "string"
