"""Fixtures: a running plugin, the recordings of the real plugins, and a scripted Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kit.repository import SHARED
from tests.plugins.driving import Plugin, running
from tests.plugins.scripted_azure import ScriptedAzure, scripted_azure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """The tls plugin."""
    with running("tls", tmp_path_factory.mktemp("program")) as plugin:
        yield plugin


@pytest.fixture
def traces() -> Path:
    """The recordings of the real engine; tests that need them are skipped where they are absent."""
    folder = SHARED / "engine-traces"
    if not folder.is_dir():
        pytest.skip(f"no recordings of the real engine: {folder} does not exist (HUBTRUST_SHARED names the folder above engine-traces)")
    return folder


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedAzure]:
    """A scripted Azure whose root certificate the environment trusts."""
    with scripted_azure(tmp_path) as scripted:
        monkeypatch.setenv("SSL_CERT_FILE", scripted.roots)
        yield scripted
