"""Declares the resources in plan.json: noun, name, properties and options. A property `{"secret": …}` becomes a secret."""

import json
import os
from pathlib import Path
from typing import Any

import hand_made
import pulumi


def value(found: Any) -> Any:
    """The planned value, or a secret of it."""
    return pulumi.Output.secret(found["secret"]) if isinstance(found, dict) and found.keys() == {"secret"} else found


for each in json.loads(Path(os.environ["PLAN"]).read_text()):
    properties = {name: value(found) for name, found in each["properties"].items()}
    options = pulumi.ResourceOptions(**each.get("options", {}))
    if ":" in each["noun"]:
        pulumi.CustomResource(each["noun"], each["name"], properties, options)
    else:
        getattr(hand_made, each["noun"])(hand_made.AsDeclared(), each["name"], properties, options)
