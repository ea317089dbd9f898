"""Declares the resources in plan.json: noun, name, properties and options.

`{"secret": …}` becomes a secret, `{"asset": …}` an asset of text.
"""

import json
import os
from pathlib import Path
from typing import Any

import hand_made
import pulumi


def value(found: Any) -> Any:
    """The planned value, with its secrets and assets."""
    if isinstance(found, dict) and found.keys() == {"secret"}:
        return pulumi.Output.secret(value(found["secret"]))
    if isinstance(found, dict) and found.keys() == {"asset"}:
        return pulumi.StringAsset(found["asset"])
    return {name: value(each) for name, each in found.items()} if isinstance(found, dict) else found


for each in json.loads(Path(os.environ["PLAN"]).read_text()):
    properties = {name: value(found) for name, found in each["properties"].items()}
    options = pulumi.ResourceOptions(**each.get("options", {}))
    if ":" in each["noun"]:
        pulumi.CustomResource(each["noun"], each["name"], properties, options)
    else:
        getattr(hand_made, each["noun"])(hand_made.AsDeclared(), each["name"], properties, options)
