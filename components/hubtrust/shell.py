"""Which of its two shells runs this program's custom resources: Pulumi's dynamic provider, or the plugin `pulumi-resource-hubtrust`.

Both run the same lifecycle, with the same inputs, outputs and ids. The dynamic provider is the default: it needs no plugin.
"""

PLUGIN = "hubtrust"  # the package of the plugin's tokens: `hubtrust:index:DeviceIdentity`
_chosen: set[str] = set()


def use_plugin() -> None:
    """Let the plugin run every custom resource that this program declares from here on. To be called before the first one.

    A stack whose resources were run by the dynamic provider moves by it, and moves back without it: each resource has an alias of its
    type in the other shell. Nothing is written to Azure.
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
