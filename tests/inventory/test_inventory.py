"""The inventory of a deployed stack: every part, as resources of real runs have it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from hubtrust.cli.stack_export import deployment_of
from hubtrust.inventory.inventory import Inventory


@pytest.fixture(scope="module")
def found(plant: Any) -> dict[str, Any]:
    inventory = Inventory.of(deployment_of(plant.exported.encode(), "the export"), datetime.now(UTC))
    return inventory.document()


def test_x(found: Any) -> None:
    print(json.dumps(found, indent=1))
    assert 0
