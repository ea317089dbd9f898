"""The program with a vault of its own: its keys are never in the state, and outlive the stack."""

import json
import uuid
from typing import Any

import pytest

from tests.kit.local_azure import LocalAzure
from tests.kit.program import Program

_KEY = ":SigningKey"
_OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


def keys(stack: Program) -> dict[str, str]:
    """The SHA-256 of each key in a vault, by its address without the version."""
    resources = json.loads(stack.engine_says("stack", "export"))["deployment"].get("resources", [])
    found = [one["outputs"] for one in resources if one["type"].endswith(_KEY)]
    assert all(one["hardware"] is True for one in found)
    return {one["declared"]: one["keyThumbprint"] for one in found}


def changed(stack: Program) -> list[str]:
    """The changes in Azure since the log was emptied, by Resource Manager's paths and the vault's."""
    found: list[str] = [f"{one['method']} {one['path']}" for one in stack.control("GET", "/requests?mutating=1")]
    stack.control("DELETE", "/requests")
    return found


def test_the_vault_and_its_keys_outlive_the_stack(stack: Program) -> None:
    """A preview changes nothing. Destroyed: said so. Deleted: recovered. Not declared any more: it stays, and that is said.

    The keys are the same each time, and the state never has one.
    """
    few: dict[str, Any] = {"devices": "", "canary": ""}
    made = {"caCustody": "key-vault", "caVault": "make", "caVaultHsm": True, **few}
    stack.configure(**made)
    assert stack.sandbox("preview", "--engine", stack.engine) == 0, stack.printed
    assert changed(stack) == []
    stack.up()
    first, outputs = keys(stack), stack.outputs()
    assert (len(first), outputs["trust"][0]["proof"]) == (2, "possession")
    assert "PRIVATE KEY" not in stack.engine_says("stack", "export", "--show-secrets")
    changed(stack)
    stack.up()
    assert (changed(stack), stack.outputs()) == ([], outputs)
    name = next(iter(first)).removeprefix("https://").partition(".")[0]
    kept = f"vault '{name}' is not deleted, with its keys and its resource group: the next `up` of this stack uses them again"

    assert stack.run("destroy") == 0, stack.printed
    assert kept in stack.printed
    with stack.azure() as azure:
        vault = next(one["id"] for one in _vaults(azure) if one["name"] == name)
        azure.ask("DELETE", f"{vault}")
        stack.up()
        assert f"vault '{name}' was deleted on " in stack.printed
        assert " and is recovered with its keys" in stack.printed
        assert keys(stack) == first

        if stack.engine == "pulumi":
            return  # what is left is the program's own doing, and the other engine shows it
        stack.configure(**few)
        stack.up()
        assert (keys(stack), kept in stack.printed) == ({}, True)
        assert name in [one["name"] for one in _vaults(azure)]


def _vaults(azure: LocalAzure) -> list[dict[str, Any]]:
    path = f"/subscriptions/{azure.ready['subscription_id']}/providers/Microsoft.KeyVault/vaults"
    found: list[dict[str, Any]] = azure.ask("GET", path).json()["value"]
    return found


def test_the_first_deployers_role_stays_theirs(stack: Program) -> None:
    """Another identity deploys: it has the role by somebody else, and is named beside the deployer. Nobody loses theirs."""
    if stack.engine == "pulumi":
        pytest.skip("an import is the same on both engines, and the other test has shown it on each")
    declared: dict[str, Any] = {
        "caCustody": "key-vault",
        "caVault": "make",
        "caIntermediates": 0,
        "devices": "",
        "canary": "",
        "operators": [],
    }
    stack.configure(**declared)
    stack.up()
    with stack.azure() as azure:
        (vault,) = (one["id"] for one in _vaults(azure))
        first = _officers(azure, vault)
        pipeline = stack.control("POST", "/principals", {"role": "Key Vault Crypto Officer", "scope": vault})
        owner = f"/subscriptions/{azure.ready['subscription_id']}/providers/Microsoft.Authorization"
        properties = {"roleDefinitionId": f"{owner}/roleDefinitions/{_OWNER}", "principalId": pipeline["object_id"]}
        path = f"{owner}/roleAssignments/{uuid.uuid4()}?api-version=2022-04-01"
        azure.http.put(path, headers=azure.token, json={"properties": properties}).raise_for_status()
        stack.configure(**declared, caVaultOperators=["deployer", pipeline["object_id"]])
        ready = {**stack.ready, "client_id": pipeline["client_id"], "client_secret": pipeline["client_secret"]}
        (stack.home / "azure.json").write_text(json.dumps(ready))
        for _ in range(2):
            stack.up()
            assert _officers(azure, vault).items() >= first.items()
            assert _officers(azure, vault).keys() == {*first, pipeline["object_id"]}


def _officers(azure: LocalAzure, vault: str) -> dict[str, str]:
    """The names of the assignments at the vault, by their principals."""
    url = f"{vault}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=atScope()"
    found = [one for one in azure.http.get(url, headers=azure.token).json()["value"] if one["properties"]["scope"].lower() == vault.lower()]
    return {one["properties"]["principalId"]: one["name"] for one in found}
