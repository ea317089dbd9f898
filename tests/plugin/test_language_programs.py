"""Programs and templates in other languages, without Pulumi's CLI: they declare what the plugin's schema has, and TypeScript compiles."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

_SCHEMA = json.loads((ROOT / "components/hubtrust/plugin/schema.json").read_text(encoding="utf-8"))
_YAML = ("examples/yaml/Pulumi.yaml", "templates/azure-iot-trust-yaml/trust.yaml")
_TYPESCRIPT = ("examples/typescript/index.ts", "templates/azure-iot-trust-typescript/index.ts")
_TSC = ROOT / ".strangers/typescript/node_modules/.bin/tsc"
_TEMPLATES = sorted((ROOT / "templates").iterdir())


def _of_object(declared: dict[str, Any], given: dict[str, Any], where: str) -> Iterator[str]:
    """What is wrong with an object's properties."""
    properties = declared.get("inputProperties") or declared.get("properties") or {}
    yield from (
        f"{where}: {name!r} is missing" for name in declared.get("requiredInputs", declared.get("required", [])) if name not in given
    )
    for name, value in given.items():
        if name in properties:
            yield from _of_value(properties[name], value, f"{where}.{name}")
        else:
            yield f"{where}: there is no {name!r}"


def _of_value(declared: dict[str, Any], value: Any, where: str) -> Iterator[str]:
    """What is wrong with a value; a reference (`${…}`) is known only when the program runs."""
    if isinstance(value, str) and value.startswith("${"):
        return
    if "oneOf" in declared:
        found = [list(_of_value(each, value, where)) for each in declared["oneOf"]]
        yield from [] if [] in found else [one for each in found for one in each]
    elif declared.get("$ref", "").startswith("#/types/"):
        type_ = _SCHEMA["types"][declared["$ref"].removeprefix("#/types/")]
        if "enum" in type_:
            yield from [] if value in [one["value"] for one in type_["enum"]] else [f"{where}: {value!r} is none of its values"]
        elif isinstance(value, dict):
            yield from _of_object(type_, value, where)
        else:
            yield f"{where}: {value!r} is no object"
    elif declared.get("type") == "array":
        yield from [] if isinstance(value, list) else [f"{where}: {value!r} is no list"]
        for one in value if isinstance(value, list) else ():
            yield from _of_value(declared["items"], one, where)
    else:
        of_python: dict[str, Any] = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "object": dict}
        if "type" in declared and not isinstance(value, of_python[declared["type"]]):
            yield f"{where}: {value!r} is no {declared['type']}"


def _faults(text: str) -> list[str]:
    program = yaml.safe_load(text)
    found = list[str]()
    for name, resource in program["resources"].items():
        declared = _SCHEMA["resources"].get(resource["type"].replace("hubtrust:", "hubtrust:index:"))
        found += [f"{name}: there is no {resource['type']}"] if declared is None else _of_object(declared, resource["properties"], name)
    for name, value in program["outputs"].items():
        resource, attribute = value.removeprefix("${").removesuffix("}").split(".")
        type_ = program["resources"][resource]["type"].replace("hubtrust:", "hubtrust:index:")
        if attribute not in _SCHEMA["resources"].get(type_, {"properties": ()})["properties"]:
            found.append(f"output {name}: {type_} has no {attribute!r}")
    return found


@pytest.mark.parametrize("file", _YAML)
def test_yaml_says_what_the_schema_has(file: str) -> None:
    """Every type, property and output of a YAML program is one of the schema's."""
    assert _faults((ROOT / file).read_text(encoding="utf-8")) == []


def test_a_yaml_program_that_the_schema_refuses() -> None:
    """The check above sees a wrong name, a wrong type and a missing property, at any depth."""
    right = (ROOT / _YAML[0]).read_text(encoding="utf-8")
    for before, after, fault in (
        ("commonName:", "commonNam:", "there is no 'commonNam'"),
        ("protect: false", "protect: [1]", "is no boolean"),
        ("authorities: [", "authoritie: [", "'authorities' is missing"),
        ("hubtrust:TrustedFleet", "hubtrust:TrustedFleets", "there is no hubtrust:TrustedFleets"),
    ):
        assert fault in " ".join(_faults(right.replace(before, after, 1))), after


@pytest.mark.parametrize("file", _TYPESCRIPT)
def test_typescript_compiles(file: str, tmp_path: Path) -> None:
    """Against the checked-in SDK, strictly."""
    need(_TSC.exists(), "the TypeScript compiler is missing: `make strangers`")
    shutil.copy(ROOT / file, tmp_path / "index.ts")
    (tmp_path / "node_modules").symlink_to(_TSC.parents[1])
    options = {
        "strict": True,
        "noEmit": True,
        "skipLibCheck": True,
        "esModuleInterop": True,
        "target": "es2022",
        "types": ["node"],
        "module": "commonjs",
        "moduleResolution": "node10",
        "preserveSymlinks": True,
        "ignoreDeprecations": "6.0",
        "paths": {"@hubtrust/hubtrust": [str(ROOT / "sdk/nodejs/index.ts")], "*": ["./node_modules/*", "./node_modules/@types/*"]},
    }
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["index.ts"]}))
    done = subprocess.run([_TSC, "-p", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("folder", _TEMPLATES, ids=[each.name for each in _TEMPLATES])
def test_a_template_asks_and_names(folder: Path) -> None:
    """Three files, the two names that Pulumi fills in, and a default for each question; no answer is a secret in the clear."""
    assert len(list(folder.iterdir())) == 3
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert (project["name"], project["description"]) == ("${PROJECT}", "${DESCRIPTION}")
    questions = project["template"]["config"]
    assert set(questions) == {"azure-native:location", "caName", "devices", "protect"}
    assert all(question["default"] and question["description"] for question in questions.values())
    assert questions["protect"]["default"] == "true"
