"""Microsoft's newest previews of Resource Manager's SDKs, unmodified: they speak api-versions that no stable release has."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.kit.local_azure import LocalAzure
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

pytestmark = pytest.mark.stranger

_PYTHON = ROOT / ".strangers" / "previews" / "bin" / "python"
_DRIVER = Path(__file__).parent / "drivers" / "azure_mgmt_iothub.py"


def test_every_operation_of_the_newest_iothub_sdk(azure: LocalAzure, environment: dict[str, str]) -> None:
    """A hub's life with its etag, a certificate with its proof, failover, routes, private links, usages and operations."""
    need(_PYTHON.exists(), "the previews of Microsoft's SDKs are not installed; `make strangers` installs them")
    group = f"/subscriptions/{azure.ready['subscription_id']}/resourceGroups/newest"
    azure.ask("PUT", group, json={"location": "westeurope"})
    done = subprocess.run(
        [_PYTHON, _DRIVER], env={**environment, "GROUP": "newest"}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "state": "Active",
        "storage": {},
        "root": True,
        "updated": True,
        "tags": [{"a": "b"}, {"c": "d"}],
        "locations": ["North Europe", "West Europe"],
        "lists": [["newest-hub"], ["newest-hub"]],
        "name": False,
        "policies": 5,
        "policy": "ServiceConnect",
        "quotas": {"TotalMessages": 400_000, "TotalDeviceCount": 1_000_000},
        "devices": 0,
        "skus": 6,
        "jobs": 0,
        "groups": ["cg", ["$Default", "cg"]],
        "routes": ["false", ["$fallback"]],
        "health": 0,
        "certificate": [True, ["ca"]],
        "links": ["iotHub"],
        "connections": [],
        "operations": True,
        "usages": {"FreeHubCount": 0, "PaidHubCount": 1},
        "after": 404,
    }
