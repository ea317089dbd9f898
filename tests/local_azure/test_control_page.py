"""docs/control-port.md names every operation, fault and setting that the code has, and no other. tests/docs runs its commands."""

import dataclasses
import re
from types import SimpleNamespace
from typing import Any

from local_azure_iot import control, faults
from local_azure_iot.settings import Settings
from tests.kit.repository import ROOT

PAGE = (ROOT / "docs" / "control-port.md").read_text(encoding="utf-8")


def first_column(section: str) -> list[str]:
    """What is in backticks in the first column of a section's tables."""
    text = PAGE.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_every_operation_has_a_row() -> None:
    """Each route of the control port, with each of its methods."""
    nothing: Any = SimpleNamespace(azure=None)
    routes: Any = control.operations(nothing, nothing, {}).routes
    served = sorted(f"{method} {route.path}" for route in routes for method in route.methods - {"HEAD"})
    assert sorted(first_column("Operations")) == served


def test_every_fault_and_setting_has_a_row() -> None:
    """Each kind of fault, each name of a rule, each setting."""
    names = {"retry-after" if name == "retry_after" else name for name in _rule_names()}
    assert sorted(first_column("Faults")) == sorted({*faults.KINDS, *names})
    assert first_column("Settings") == [field.name for field in dataclasses.fields(Settings)]


def _rule_names() -> set[str]:
    counted = {"fault", "seen", "hits"}
    return {field.name for field in dataclasses.fields(faults.Rule) if not field.name.startswith("_")} - counted
