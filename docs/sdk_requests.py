"""The requests that one of Microsoft's Python SDKs can build: `python docs/sdk_requests.py PACKAGE` prints them as JSON.

It imports nothing of this project, so that it also runs where another version of the SDK is installed.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class SdkRequest:
    """One request: its method, its path with `{name}` where an argument goes, and the api-version that the SDK sends by itself."""

    method: str
    path: str
    version: str = ""

    @property
    def shape(self) -> tuple[str, str]:
        """A request whose variable parts have no names."""
        return shape(self.method, self.path)


def shape(method: str, path: str) -> tuple[str, str]:
    """A method and a path whose variable parts have no names, to compare those of different sources."""
    return method, re.sub(r"/?\{[^}]+\}", "/{}", path).lower()


def requests_of(package: str) -> Iterator[SdkRequest]:
    """Every request that the installed SDK can build."""
    found = importlib.import_module(package)
    for module in pkgutil.walk_packages(found.__path__, f"{package}."):
        if not module.name.endswith("operations") or ".aio." in module.name:
            continue
        for name, build in vars(importlib.import_module(module.name)).items():
            if re.fullmatch(r"build_\w+_request", name):
                needed = [each for each in inspect.signature(build).parameters.values() if each.default is each.empty]
                request = build(**{each.name: f"{{{each.name}}}" for each in needed if each.kind is not each.VAR_KEYWORD})
                path, _, query = request.url.partition("?")
                yield SdkRequest(request.method, unquote(path), dict(parse_qsl(query)).get("api-version", ""))


if __name__ == "__main__":
    print(json.dumps([asdict(each) for each in requests_of(sys.argv[1])]))
