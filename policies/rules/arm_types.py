"""ARM's types and paths, as text that a program gives: which type a resource gets in Azure.

A path is read from its beginning, in pairs of a key and a name, so that a resource may have any name, `providers` too. What has other
characters than a type or a path is not read at all: `..`, `?` or `%2F` make another path of it on its way to ARM.
Source: learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource (the format of ids), and
.../management/resource-name-rules.
"""

from __future__ import annotations

import re
from typing import Final

_TYPE: Final = re.compile(r"[A-Za-z0-9_.-]+")
_NAME: Final = re.compile(r"[^/\\?#%\x00-\x1f\x7f]+")
_DOTS: Final = {".", ".."}
_ROOTS: Final = {"subscriptions", "providers"}


def read_type(text: str) -> str:
    """The type in lower case and without an API version, such as `microsoft.devices/iothubs`; empty if it can't be read.

    Of the type of an extension, such as a role on a hub, it is the part from the last namespace on.
    """
    every = text.partition("@")[0].strip("/ ").lower().split("/")
    starts = [at + 1 for at, each in enumerate(every) if each == "providers" and at + 1 < len(every)]
    found = every[starts[-1] :] if starts else every
    return "/".join(found) if len(found) > 1 and "." in found[0] and all(map(_is_key, every)) else ""


def read_short_type(text: str) -> str:
    """What older templates write for an extension, whose namespace is in its name: `roleassignments` of `…/providers/roleAssignments`."""
    found = f"/{text.partition('@')[0].strip('/ ').lower()}".rpartition("/providers/")
    return found[2] if found[1] and "." not in found[2] and all(map(_is_key, found[2].split("/"))) else ""


def types_at(path: str) -> list[str]:
    """The types, in lower case, of what a request to a path may make or change; none if the path can't be read.

    A path that ends in a key ends in an action of a resource, or in a child: both types are given.
    """
    every = path.strip().strip("/").split("/")
    keys = [each.lower() for each in every[::2]]
    if not is_path(path) or not all(map(_is_key, keys)) or keys[0] not in _ROOTS:
        return []
    found = ["microsoft.resources"]
    for key, name in zip(keys, [*every[1::2], ""], strict=False):
        found = [name.lower()] if key == "providers" else [*found, key]
    named = found[: len(found) - len(every) % 2]
    if len(named) == 1:  # a namespace alone, or with an action: it is registered
        return ["microsoft.resources/providers"]
    return ["/".join(each) for each in ((found,) if named == found else (found, named))]


def is_path(text: str) -> bool:
    """Whether ARM gets the path as it is written."""
    return all(map(is_name, text.strip().strip("/").split("/")))


def is_name(text: str) -> bool:
    """Whether the name of a resource, or of a group, is one part of a path, and stays it."""
    return bool(_NAME.fullmatch(text)) and text.strip() not in _DOTS


def _is_key(text: str) -> bool:
    return bool(_TYPE.fullmatch(text)) and text not in _DOTS
