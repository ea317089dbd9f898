"""The schema as it is checked in, `schema.json`: what the plugin sends, and SDKs are made of."""

import json
from importlib import resources
from typing import Any, Final

FILE: Final = "schema.json"


def checked_in() -> dict[str, Any]:
    """The schema, without a version."""
    found: dict[str, Any] = json.loads(resources.files("hubtrust.plugin").joinpath(FILE).read_text(encoding="utf-8"))
    return found


def of_version(version: str) -> str:
    """The schema of a version, as JSON text.

    Args:
        version: a SemVer version, such as 1.2.3.
    """
    return json.dumps({**checked_in(), "version": version})
