"""Compares what local Azure answers with the newest SDKs of Microsoft's in the registry, previews included.

    python -m docs.newer_sdks

It installs each SDK into a folder of its own, asks it which requests it can build, and names the api-versions that local Azure does not
take and the operations that docs/azure-coverage.md does not list. Exit code 1: there are some. It needs PyPI, so no test runs it whole.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docs.sdk_requests import SdkRequest, shape
from local_azure_iot import arm
from local_azure_iot.key_vault import known_operations as vaults
from local_azure_iot.key_vault import routes as vault_routes
from local_azure_iot.microsoft_devices import known_operations as devices
from local_azure_iot.resource_manager import known_operations as resources
from local_azure_iot.routing import absent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local_azure_iot.routing import KnownOperation, Route

_READER = Path(__file__).with_name("sdk_requests.py")
# Paths that take any resource: local Azure answers them for its own types, and others stay unknown.
OF_ANY_RESOURCE = ("/{resource_id}", "{parent_resource_path}", "/subscriptions/{subscription_id}/resources")


@dataclass(frozen=True)
class Sdk:
    """One SDK: its name in the registry, its package, and local Azure's tables for the same service."""

    distribution: str
    package: str
    known: tuple[KnownOperation, ...]
    routes: list[Route]


SDKS = (
    Sdk("azure-mgmt-iothub", "azure.mgmt.iothub", devices.KNOWN_AT_ARM, arm.ROUTES),
    Sdk("azure-mgmt-iothubprovisioningservices", "azure.mgmt.iothubprovisioningservices", devices.KNOWN_AT_ARM, arm.ROUTES),
    Sdk("azure-mgmt-keyvault", "azure.mgmt.keyvault", vaults.KNOWN_AT_ARM, arm.ROUTES),
    Sdk("azure-mgmt-resource", "azure.mgmt.resource.resources", resources.KNOWN, arm.ROUTES),
    Sdk("azure-keyvault-keys", "azure.keyvault.keys._generated", vaults.KNOWN, vault_routes.ROUTES),
)


@dataclass(frozen=True)
class Comparison:
    """What an SDK asks and local Azure does not know."""

    versions: list[str]  # api-versions that no route of the same request takes
    unknown: list[str]  # requests of no known operation
    absent: list[str]  # known operations that are answered 501, by name


def compare(sdk: Sdk, requests: Iterable[SdkRequest]) -> Comparison:
    """Compare an SDK's requests with the tables."""
    asked = {each.shape: each for each in requests if not any(part in each.path for part in OF_ANY_RESOURCE)}
    known = {shape(each.method, each.path): each.operation for each in sdk.known}
    missing = {shape(each.method, each.path) for each in absent(sdk.routes, sdk.known)}
    answered: dict[tuple[str, str], set[str]] = {}
    for route in sdk.routes:
        answered.setdefault(shape(route.method, route.path), set()).update(route.versions)
    versions = {one.version for key, one in asked.items() if one.version and one.version not in answered.get(key, {one.version})}
    return Comparison(
        versions=sorted(versions),
        unknown=sorted(f"{one.method} {one.path}" for key, one in asked.items() if key not in known),
        absent=sorted(known[key] for key in asked if key in missing),
    )


def newest(sdk: Sdk, folder: Path) -> tuple[str, list[SdkRequest]]:
    """Install the newest release, previews included, into ``folder``; returns its version and its requests.

    Raises:
        subprocess.CalledProcessError: The registry does not have it, or does not answer; pip has said why.
    """
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--pre", "--only-binary", ":all:"]
    # pip also compares what it installs there with this environment, and prints conflicts that are none.
    installed = subprocess.run(
        [*pip, "--target", str(folder), sdk.distribution], check=False, capture_output=True, text=True, encoding="utf-8"
    )
    if installed.returncode:
        print(installed.stderr, end="", file=sys.stderr)
        installed.check_returncode()
    (found,) = (each for each in importlib.metadata.distributions(path=[str(folder)]) if each.name == sdk.distribution)
    # No environment's packages beside it: those of this one would be found first.
    command = [sys.executable, "-S", str(_READER), sdk.package]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(folder)}, check=True, capture_output=True, text=True, encoding="utf-8"
    )
    return found.version, [SdkRequest(**each) for each in json.loads(done.stdout)]


def report(sdk: Sdk, version: str, found: Comparison) -> str:
    """What was found, as lines for a person."""
    lines = [f"{sdk.distribution} {version}"]
    lines += [f"  api-version that local Azure does not take: {each}" for each in found.versions]
    lines += [f"  operation that the coverage page does not have: {each}" for each in found.unknown]
    if found.absent:
        lines.append(f"  answered 501, by name: {', '.join(found.absent)}")
    return "\n".join(lines)


def main() -> int:
    """Compare all SDKs."""
    news = False
    for sdk in SDKS:
        with tempfile.TemporaryDirectory() as folder:
            version, requests = newest(sdk, Path(folder))
        found = compare(sdk, requests)
        print(report(sdk, version, found), flush=True)
        news = news or bool(found.versions or found.unknown)
    return int(news)


if __name__ == "__main__":
    sys.exit(main())
