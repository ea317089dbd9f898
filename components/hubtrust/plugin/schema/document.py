"""The schema as one document, as the code says it is: `python -m hubtrust.plugin.schema` writes it to `schema.json`."""

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pulumi

import hubtrust
from hubtrust import shell
from hubtrust.dynamic.lifecycle import Reconciled
from hubtrust.plugin import tokens
from hubtrust.plugin.annotations import component_arguments, component_outputs, resource_inputs, resource_outputs
from hubtrust.plugin.argument_types import Argument, Choice, InputOf, Record, Reference, Scalar
from hubtrust.plugin.components import PROVE
from hubtrust.plugin.schema import descriptions
from hubtrust.plugin.schema.types import Types, required_of

_REPOSITORY: Final = "https://github.com/hubtrust/hubtrust"
_TEXT: Final = InputOf(Scalar("string"))


def generated() -> dict[str, Any]:
    """The schema as the code says it is."""
    types = Types(_described)
    found = {shell.token(one.__name__): _component(one, types) for one in components()}
    custom = {shell.token(name): _custom(tokens.resource(name), types) for name in tokens.MODULES}
    if both := found.keys() & custom.keys():
        raise ValueError(f"both a component and a resource: {', '.join(sorted(both))}")
    found[shell.token("CertificateAuthority")]["methods"] = {"prove": PROVE}
    return {
        **_HEAD,
        "provider": {
            "description": "The provider of hubtrust. It takes Azure's login from the environment, and has no settings of its own."
        },
        "functions": {PROVE: _prove(types)},
        "resources": dict(sorted((found | custom).items())),
        "types": dict(sorted(types.found.items())),
    }


def text_of(document: Mapping[str, Any]) -> str:
    """The document as the file has it."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def components() -> Iterator[type[pulumi.ComponentResource]]:
    """Every public component."""
    for name in dir(hubtrust):
        found = getattr(hubtrust, name)
        if isinstance(found, type) and issubclass(found, pulumi.ComponentResource):
            yield found


def _component(component: Any, types: Types) -> dict[str, Any]:
    declared, outputs = component_arguments(component), component_outputs(component)
    said = descriptions.of_arguments(component.__init__)
    return {
        "isComponent": True,
        "description": descriptions.of_class(component),
        "inputProperties": types.properties(declared, said, plain=True),
        **required_of(declared, "requiredInputs"),
        "properties": types.properties(outputs, descriptions.of_attributes(component)),
        **required_of(outputs),
    }


def _custom(resource: type[Reconciled], types: Types) -> dict[str, Any]:
    declared, outputs = resource_inputs(resource), resource_outputs(resource)
    inputs = types.properties(declared, {one.name: descriptions.adapted(one.doc) for one in declared})
    for one in declared:
        inputs[one.wire]["description"] = descriptions.adapted(one.doc)
        if one.replaces:  # `replaceOnChanges` would replace also where the plugin finds that old and new mean the same
            inputs[one.wire]["willReplaceOnChanges"] = True
    said = {name: inputs.get(wire, {}).get("description", "") for name, wire in ((one.name, one.wire) for one in outputs)}
    said |= descriptions.of_attributes(resource.provider.results)
    return {
        "description": descriptions.of_class(resource),
        "inputProperties": inputs,
        **required_of(declared, "requiredInputs"),
        "properties": types.properties(outputs, said),
        **required_of(outputs),
    }


def _prove(types: Types) -> dict[str, Any]:
    from hubtrust.authority import CertificateAuthority  # needs azure-native, which only components do

    said = descriptions.of_arguments(CertificateAuthority.prove)
    inputs = (
        Argument("self", "__self__", InputOf(Reference(CertificateAuthority)), required=True, doc="The authority."),
        Argument("hub", "hub", Scalar("string"), required=True),
        Argument("code", "code", _TEXT),
    )
    outputs = (Argument("proof", "proof", Scalar("string"), doc="The proof of possession, PEM; not set while the hub asks for none."),)
    summary = inspect.cleandoc(CertificateAuthority.prove.__doc__ or "").partition("\n")[0]
    return {
        "description": descriptions.adapted(summary),
        "inputs": {"properties": types.properties(inputs, said, plain=True), **required_of(inputs)},
        "outputs": {"properties": types.properties(outputs, {})},
    }


def _described(kind: Record | Choice) -> Mapping[str, str]:
    """What is said of a named type, where it is declared."""
    python = kind.python
    if python is None:
        return {"": kind.doc}
    said = {"": descriptions.of_class(python)} | dict(descriptions.of_attributes(python))
    if isinstance(kind, Choice):
        return said | {str(one.value): said.get(one.name, "") for one in python}
    return said


_README: Final = """{summary}.

```ts
import * as hubtrust from "@hubtrust/hubtrust";

const plant = new hubtrust.CertificateAuthority("plant", {{ source: {{ generate: {{ commonName: "Contoso Plant" }} }} }});
const hub = new hubtrust.TrustedHub("plant", {{ authorities: [plant], operators: ["deployer"] }});
new hubtrust.TrustedDevice("robot-001", {{ hub, authority: plant, makeKey: true }});
```

`pulumi package add <folder of the plugin>` makes this SDK for your project, with the plugin's version. {repository} has the guide
(`docs/languages.md`) and programs in other languages. All of it is generated; where it is checked in, it has no version yet.
"""
_SUMMARY: Final = "Azure IoT hubs and provisioning services that trust CAs because possession of their keys was proven"
_HEAD: Final[Mapping[str, Any]] = {
    "name": "hubtrust",
    "displayName": "hubtrust",
    "description": _SUMMARY,
    "keywords": ["pulumi", "azure", "iot", "x509", "category/cloud", "kind/native"],
    "homepage": _REPOSITORY,
    "repository": _REPOSITORY,
    "license": "Apache-2.0",
    "publisher": "hubtrust",
    "language": {
        "nodejs": {
            "packageName": "@hubtrust/hubtrust",
            "readme": _README.format(summary=_SUMMARY, repository=_REPOSITORY),
            "respectSchemaVersion": True,
        },
        "python": {"packageName": "pulumi_hubtrust", "respectSchemaVersion": True, "pyproject": {"enabled": True}},
        "go": {
            "importBasePath": "github.com/hubtrust/hubtrust/sdk/go/hubtrust",
            "generateResourceContainerTypes": True,
            "respectSchemaVersion": True,
        },
        "csharp": {"namespaces": {"hubtrust": "Hubtrust"}, "rootNamespace": "Pulumi", "respectSchemaVersion": True},
        "java": {"basePackage": "io.hubtrust", "buildFiles": "gradle"},
    },
}
