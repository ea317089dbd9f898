"""The pages of local-azure-iot name the commands, flags, fixtures and methods that there are."""

import argparse
import inspect
import re
from pathlib import Path

import pytest

from local_azure_iot import commands, installation, pytest_plugin
from local_azure_iot.testing import DeviceCa, Hub
from tests.kit.repository import ROOT

DISTRIBUTION = ROOT / "sandbox" / "local-azure-iot"
README = (DISTRIBUTION / "README.md").read_text(encoding="utf-8")
PAGES = [DISTRIBUTION / "README.md", *(ROOT / "docs" / name for name in ("local-azure.md", "clients.md"))]
_COMMAND = re.compile(r"local-azure-iot ((?:attach|control|env|reset|run|start|status|stop|why)\b[^`\n#)]*)")


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command."""
    parser = commands._parser("local-azure-iot", installation.current("local-azure-iot"))
    (choices,) = [each.choices for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    return dict(choices)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_flag_of_a_command_is_there(page: Path) -> None:
    """What stands behind `--` of `run` belongs to the command that it runs."""
    known = parsers()
    named = [words.split(" -- ")[0].split() for words in _COMMAND.findall(page.read_text(encoding="utf-8"))]
    assert named
    for command, *words in named:
        for flag in (re.split(r"[=;,.]", word)[0] for word in words if word.startswith("--")):
            assert flag in known[command]._option_string_actions, f"{command} {flag}"


def test_each_command_is_on_the_page() -> None:
    """A command that nobody reads of is not used."""
    page = (ROOT / "docs" / "local-azure.md").read_text(encoding="utf-8").split("\n## Commands\n")[1].split("\n## ")[0]
    assert {name for name in parsers() if f"`local-azure-iot {name}" not in page and f"`{name}`" not in page} == set()


def test_each_fixture_and_what_it_offers_is_in_the_readme() -> None:
    """The table of fixtures has every fixture, every method of a hub, and nothing that is not there."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", README, re.MULTILINE))
    fixtures = set(re.findall(r"@pytest\.fixture.*\ndef (\w+)", inspect.getsource(pytest_plugin)))
    assert set(rows) == fixtures
    for made, row in ((Hub, rows["local_hub"]), (DeviceCa, rows["device_ca"])):
        named = set(re.findall(r"`(\w+)[(`]", row)) - fixtures
        assert {name for name in named if not hasattr(made, name) and f"self.{name} =" not in inspect.getsource(made)} == set()
    methods = {name for name in vars(Hub) if not name.startswith("_")} - {
        "create",
        "delete",
        "azure",
        "id",
    }  # what the fixture itself calls
    assert {name for name in methods if f"`{name}" not in rows["local_hub"]} == set()
