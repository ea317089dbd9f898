"""The pages of Pulumi's registry: in its form, with programs that tests run, and names that exist."""

import json
import re
from typing import Any

import pytest
import yaml

from tests.kit.repository import ROOT

PAGES = ("_index.md", "installation-configuration.md")
INDEX = (ROOT / "docs/_index.md").read_text(encoding="utf-8")
SCHEMA: dict[str, Any] = json.loads((ROOT / "components/hubtrust/plugin/schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PAGES)
def test_front_matter(name: str) -> None:
    """What the registry reads of a page, and short enough for a search engine."""
    _, head, body = (ROOT / "docs" / name).read_text(encoding="utf-8").split("---\n", 2)
    found = yaml.safe_load(head)
    assert found.keys() == {"title", "meta_desc", "layout"}
    assert found["layout"] == "package"
    assert len(found["meta_desc"]) <= 160
    assert body.startswith("\n")
    assert "\n# " not in body  # the title is the page's only heading of the first level


def _program(language: str) -> str:
    begin, end = f"{{{{% choosable language {language} %}}}}\n\n```{language}\n", "```\n\n{{% /choosable %}}"
    (found,) = re.findall(f"{re.escape(begin)}(.*?){re.escape(end)}", INDEX, re.DOTALL)
    return str(found)


def test_the_programs_are_those_that_tests_run() -> None:
    """Word for word those of README.md and of `examples/`; only a program in this repository has the plugin beside it."""
    (offered,) = re.findall(r'{{< chooser language "([\w,]+)" >}}', INDEX)
    assert set(offered.split(",")) == set(re.findall(r"{{% choosable language (\w+) %}}", INDEX)) == {"typescript", "python", "go", "yaml"}
    assert f"```python\n{_program('python')}```" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert _program("typescript") == (ROOT / "examples/typescript/index.ts").read_text(encoding="utf-8")
    assert _program("go") == (ROOT / "examples/go/main.go").read_text(encoding="utf-8")
    here = yaml.safe_load((ROOT / "examples/yaml/Pulumi.yaml").read_text(encoding="utf-8"))
    assert yaml.safe_load(_program("yaml")) == {name: value for name, value in here.items() if name != "packages"}


def test_what_is_named_exists() -> None:
    """Each component and resource is in the schema, under the right heading; each variable of the login is read."""
    lists = re.findall(r"^- \*\*(Components|Resources)\*\*(.*)$", INDEX, re.MULTILINE)
    assert [kind for kind, _ in lists] == ["Components", "Resources"]
    for kind, text in lists:
        for name in re.findall(r"`(\w+)`", text):
            assert SCHEMA["resources"][f"hubtrust:index:{name}"].get("isComponent", False) == (kind == "Components"), name
    components = {token.rpartition(":")[2] for token, one in SCHEMA["resources"].items() if one.get("isComponent")}
    assert components - set(re.findall(r"`(\w+)`", lists[0][1])) <= {"AuthorityVault"}  # a part of an authority's custody
    page = (ROOT / "docs/installation-configuration.md").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "components/hubtrust").rglob("*.py"))
    variables = set(re.findall(r"`(ARM_\w+)`", page)) - {"ARM_SUBSCRIPTION_ID"}  # azure-native's own
    assert variables
    assert {name for name in variables if name not in source} == set()
