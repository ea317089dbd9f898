"""What `from hubtrust import …` offers: the exact names, and what importing them loads."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import hubtrust

PUBLIC = """
    AuthorityGeneration CertificateAuthority ConnectionCheck DeviceFleet DeviceIdentity Generate HubSettings HubtrustError Import
    InKeyVault InToken IssuedBatch IssuedCertificate KeyAlgorithm Request Roster SigningKey Trust TrustedDevice TrustedFleet TrustedHub
    VerifiedCertificate from_csv from_ids from_json_lines from_pattern retain_everything
""".split()
HEAVY = ("pulumi_azure_native", "pulumi_tls", "hubtrust.authority", "hubtrust.device", "hubtrust.fleet", "hubtrust.hub")


def test_the_public_names_are_these() -> None:
    """A public name is added or removed on purpose only."""
    assert sorted(hubtrust.__all__) == PUBLIC
    assert set(dir(hubtrust)) >= set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_is_its_modules_own(name: str) -> None:
    """It is loaded on first use, from the module that type checkers see."""
    seen_by_editors = _imports_for_type_checkers()
    assert getattr(hubtrust, name) is getattr(importlib.import_module(seen_by_editors[name]), name)


def test_editors_and_python_see_the_same_names() -> None:
    """The imports for type checkers name what is loaded at run time, each from the same module."""
    at_run_time = {name: f"hubtrust.{module}" for module, names in hubtrust._MODULES.items() for name in names}
    assert _imports_for_type_checkers() == at_run_time
    assert sorted(at_run_time) == PUBLIC


def test_an_unknown_name_raises_attribute_error() -> None:
    """`hasattr` and `from … import` rely on it."""
    assert not hasattr(hubtrust, "TrustedHubs")
    with pytest.raises(ImportError, match="TrustedHubs"):
        from hubtrust import TrustedHubs  # noqa: F401 - the import that must fail


@pytest.mark.parametrize("module", ["hubtrust", "hubtrust.dynamic.verified_certificate", "hubtrust.dynamic.device_fleet"])
def test_a_provider_process_loads_no_component(module: str) -> None:
    """In a fresh interpreter: neither the package nor a provider's module loads the SDKs of thousands of classes."""
    program = f"import sys, {module}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def _imports_for_type_checkers() -> dict[str, str]:
    """The names of the `if TYPE_CHECKING:` block, and the module of each."""
    tree = ast.parse(Path(hubtrust.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert len(imports) == len(block.body)
    return {alias.name: str(node.module) for node in imports for alias in node.names}
