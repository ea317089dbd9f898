"""The classes of Azure's generated models are complete before two threads can use one for the first time."""

import subprocess
import sys
from types import ModuleType

import pytest

from hubtrust.azure import generated_models
from tests.kit.repository import ROOT

# Runs in a process of its own, because a class is completed once in a process. Prints the models that are not complete.
_SCRIPT = """
{start}
import sys
models = [
    model for name, module in list(sys.modules.items()) if name.startswith("{package}.") and name.endswith(".models")
    for model in vars(module).values() if isinstance(model, type) and hasattr(model, "_calculated")
]
assert models, "no generated model is loaded"
print(*(model.__name__ for model in models if f"{{model.__module__}}.{{model.__qualname__}}" not in model._calculated))
"""
_VAULT = """
from hubtrust.custody import key_vault
key_vault.read({"key": "https://plant.vault.azure.net/keys/ca"})._client.keys
"""
_PROVISIONING = """
from types import SimpleNamespace
from hubtrust.azure.certificate_operations import operations
from hubtrust.azure.service import service
group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g"
owner = service(group + "/providers/Microsoft.Devices/provisioningServices/dps")
operations(SimpleNamespace(login=object(), endpoint="https://management.azure.com", pipeline=None), owner, "2022-12-12")
"""


@pytest.mark.parametrize(
    ("package", "start"),
    [("azure.keyvault.keys", _VAULT), ("azure.mgmt.iothubprovisioningservices", _PROVISIONING)],
    ids=["vault", "provisioning service"],
)
def test_a_client_comes_with_complete_models(package: str, start: str) -> None:
    """Whoever uses the client in a second thread finds no class half done, and reads models where models belong."""
    script = _SCRIPT.format(package=package, start=start)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr


class Importing(str):
    """The name of a module; whoever reads it finds that another thread has just imported one."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        """Import one more."""
        sys.modules[f"{self!s}_{len(sys.modules)}"] = ModuleType("another")
        return super().__format__(spec)


def test_other_threads_may_import_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two certificates at once, on a hub and on a provisioning service, load two clients."""
    monkeypatch.setattr(sys, "modules", {**sys.modules, Importing("importing"): ModuleType("importing")})
    generated_models.complete("importing")
