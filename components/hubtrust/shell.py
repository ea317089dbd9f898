"""Which of its two shells runs this program's custom resources: Pulumi's dynamic provider, or the plugin `pulumi-resource-hubtrust`.

Both run the same lifecycle, with the same inputs, outputs and ids. The dynamic provider is the default: it needs no plugin.
"""

import functools
import re
from importlib import metadata

PLUGIN = "hubtrust"  # the package of the plugin's tokens: `hubtrust:index:DeviceIdentity`
_VERSION = re.compile(r"(\d+\.\d+\.\d+)(?:\.?(dev|a|b|rc|post)(\d+))?(?:\+([0-9A-Za-z.-]+))?")
_chosen: set[str] = set()


def use_plugin() -> None:
    """Let the plugin run every custom resource that this program declares from here on. To be called before the first one.

    A stack whose resources were run by the dynamic provider moves by it: each resource has an alias of its former type.
    """
    _chosen.add(PLUGIN)


def uses_plugin() -> bool:
    """Whether the plugin runs the custom resources."""
    return PLUGIN in _chosen


def token(name: str) -> str:
    """The plugin's type of a resource: `hubtrust:index:DeviceIdentity`."""
    return f"{PLUGIN}:index:{name}"


def dynamic_type(name: str) -> str:
    """The type of the same resource with the dynamic provider: `pulumi-python:dynamic/hubtrust:DeviceIdentity`."""
    return f"pulumi-python:dynamic/hubtrust:{name}"


@functools.cache
def plugin_version() -> str:
    """This package's version as engines compare versions: by semver.org, where Python's `1.2.0.dev3` is `1.2.0-dev.3`."""
    found = metadata.version("hubtrust")
    parts = _VERSION.fullmatch(found)
    if parts is None:
        return found
    number, stage, count, build = parts.groups()
    return f"{number}{f'-{stage}.{count}' if stage else ''}{f'+{build}' if build else ''}"
