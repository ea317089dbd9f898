"""Fixtures for tests of devices and of whatever talks to Azure: `local_azure`, `local_hub`, `device_ca`, `local_azure_environment`.

pytest loads this module wherever the package is installed, so it imports nothing until a fixture is used.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_azure_iot.testing import AzureClient, DeviceCa, Hub

_FLAGS = "local_azure_flags"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The setting `local_azure_flags`."""
    parser.addini(_FLAGS, "flags of `local-azure-iot start` for the fixture local_azure, such as: --strict --throttle", default="")


@pytest.fixture(scope="session")
def local_azure(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureClient]:
    """Local Azure: the one that LOCAL_AZURE_HOME names, if it runs; otherwise one that lasts as long as the test session."""
    from local_azure_iot.installation import HOME_VARIABLE, Installation
    from local_azure_iot.start_command import FREE_PORTS
    from local_azure_iot.testing import AzureClient

    home = os.environ.get(HOME_VARIABLE)
    if home and (ready := Installation(Path(home)).running()):
        yield AzureClient(ready)
        return
    own = Installation(tmp_path_factory.mktemp("local-azure"))
    # Azure asks clients to wait 15 s before they ask whether a deletion is done; here it is done at once.
    with own.started(*FREE_PORTS, "--retry-after", "0", *shlex.split(request.config.getini(_FLAGS))) as ready:
        yield AzureClient(ready)


@pytest.fixture
def local_azure_environment(local_azure: AzureClient, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """This process's own environment leads to local Azure while the test runs: for SDKs that the test calls."""
    variables = local_azure.environment
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def local_hub(local_azure: AzureClient) -> Iterator[Hub]:
    """An IoT hub of the test's own."""
    from local_azure_iot.testing import Hub

    hub = Hub.create(local_azure)
    yield hub
    hub.delete()


@pytest.fixture
def device_ca(local_azure: AzureClient, local_hub: Hub, tmp_path: Path) -> DeviceCa:
    """A root CA that `local_hub` trusts: possession of its key was proven."""
    from local_azure_iot.testing import DeviceCa

    ca = DeviceCa.new(tmp_path / "devices", local_azure.now())
    local_hub.trust(ca)
    return ca
