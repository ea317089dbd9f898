"""What `from hubtrust import …` offers: the exact names, and what importing them loads."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import hubtrust

PUBLIC = """
    AuthorityGeneration AuthorityVault CertificateAuthority ConnectionCheck DeviceFleet DeviceIdentity EnrollmentCanary EnrollmentFleet
    EnrollmentFleetEntries EnrollmentGroup EnrollmentGroupEntry EnrollmentRoster EnrollmentState EvidenceLog
    EvidenceRecords FleetConnection FleetDevices
    FleetEnrollments Generate HubArgs HubtrustError Import InKeyVault InToken IndividualEnrollment IndividualEnrollmentEntry IssuedBatch
    IssuedCertificate KeyAlgorithm LinkPolicy LinkedHub ModuleIdentity PossessionProof ProvisioningService ProvisioningServiceArgs Request
    Roster SigningKey Trust TrustedCertificate TrustedDevice TrustedFleet TrustedHub TrustedModule VerifiedCertificate enrollments_from_csv
    enrollments_from_file enrollments_from_json_lines enrollments_from_list from_csv from_file from_ids from_json_lines from_pattern
    retain_everything signer_inputs use_plugin
""".split()
KEY_VAULT = "pulumi_azure_native.keyvault."
HEAVY = ("pulumi_azure_native", "pulumi_tls", "hubtrust.authority", "hubtrust.device", "hubtrust.fleet", "hubtrust.hub")


def test_the_public_names_are_these() -> None:
    """A public name is added or removed on purpose only."""
    assert sorted(hubtrust.__all__) == PUBLIC
    assert set(dir(hubtrust)) >= set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_is_its_modules_own(name: str) -> None:
    """It is loaded on first use, from the module that type checkers see."""
    assert getattr(hubtrust, name) is getattr(importlib.import_module(_exports_of_the_stub()[name]), name)


def test_type_checkers_see_the_same_names() -> None:
    """The stub exports each public name, and no other."""
    assert sorted(_exports_of_the_stub()) == PUBLIC


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


def test_a_program_without_a_vault_loads_nothing_of_key_vault() -> None:
    """azure-native's classes for vaults are loaded with AuthorityVault alone."""
    names = ", ".join(name for name in PUBLIC if name != "AuthorityVault")
    program = f"import sys; from hubtrust import {names}; print(*(name for name in sys.modules if name.startswith('{KEY_VAULT}')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def _exports_of_the_stub() -> dict[str, str]:
    """The names that `__init__.pyi` exports (`import X as X`, PEP 484), and the module of each."""
    imports = ast.parse(Path(hubtrust.__file__).with_suffix(".pyi").read_text()).body
    assert all(isinstance(node, ast.ImportFrom) and node.level == 1 for node in imports)
    return {
        alias.name: f"hubtrust.{node.module}" if node.module else "hubtrust"
        for node in imports
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
