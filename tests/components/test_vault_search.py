"""Where a vault's name is not free, or the vault not as declared: each is one line with what to do, and nothing is changed."""

from collections.abc import Mapping
from typing import Any

import pytest

from hubtrust.azure.vaults import DeletedVault
from hubtrust.azure_search import Found
from hubtrust.errors import HubtrustError
from hubtrust.vault_identity import VaultError
from hubtrust.vault_search import elsewhere, require_usable
from tests.kit.scripted_azure import Reply, scripted

ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/plant-vault"
OURS = {"hubtrust": "o/p/prod 0123456789abcdef"}
VALUES = {
    "name": "plant-vault",
    "group": "g",
    "has_own_group": False,
    "location": "West Europe",
    "subscription": "s",
    "tenant": "T",
    "token": "0123456789abcdef",
}
FREE: Reply = (200, {}, {"nameAvailable": True})
TAKEN: Reply = (200, {}, {"nameAvailable": False, "reason": "AlreadyExists", "message": "It is taken."})
DENIED: Reply = (403, {}, {"error": {"code": "AuthorizationFailed", "message": "It may not."}})


def listed(resource_id: str = ID, **more: Any) -> Reply:
    """A list with one vault."""
    return 200, {}, {"value": [{"id": resource_id, "name": resource_id.rpartition("/")[2], "location": "westeurope", **more}]}


def deleted(vault_id: str = ID, location: str = "westeurope", tags: Mapping[str, str] = OURS) -> Reply:
    """A list with one deleted vault."""
    properties = {"vaultId": vault_id, "location": location, "tags": tags, "deletionDate": "D", "scheduledPurgeDate": "P"}
    return 200, {}, {"value": [{"id": "/deleted", "name": "plant-vault", "properties": properties}]}


NONE: Reply = (200, {}, {"value": []})
OTHER_GROUP = ID.replace("/g/", "/other/")
REFUSED: dict[str, tuple[list[Reply], str]] = {
    "another stack's": (
        [listed(OTHER_GROUP, tags={"hubtrust": "o/p/other fedcba9876543210"})],
        "belongs to stack 'o/p/other' by its tag 'hubtrust'; set another name (vault_name, caVaultName)",
    ),
    "somebody's": ([listed(OTHER_GROUP)], "/vaults/plant-vault exists and has no tag 'hubtrust'; set another name"),
    "ours in another group": ([listed(OTHER_GROUP, tags=OURS)], "it is in resource group 'other', and 'g' is declared; declare the group"),
    "ours by another name in another group": (
        [listed(OTHER_GROUP.replace("plant-vault", "earlier"), tags=OURS)],
        "vault 'earlier': it is in resource group 'other', and 'g' is declared",
    ),
    "elsewhere in Azure": (
        [NONE, TAKEN, NONE],
        "the name is taken by a vault elsewhere in Azure, or by one that was deleted there in the last",
    ),
    "not a name": (
        [NONE, (200, {}, {"nameAvailable": False, "reason": "AccountNameInvalid"})],
        "Azure says that no vault can have that name; set another name",
    ),
    "deleted, another stack's": (
        [NONE, TAKEN, deleted(tags={"hubtrust": "o/p/other fedcba9876543210"})],
        "a deleted vault of stack 'o/p/other' has the name until P; set another name (vault_name, caVaultName), or recover it by hand",
    ),
    "deleted, somebody's": ([NONE, TAKEN, deleted(tags={})], "a deleted vault without the tag 'hubtrust' has the name until P"),
    "deleted in another group": (
        [NONE, TAKEN, deleted(OTHER_GROUP)],
        "it was deleted in resource group 'other', and 'g' is declared; Azure reco",
    ),
    "deleted in another place": (
        [NONE, TAKEN, deleted(location="northeurope")],
        "it was deleted in northeurope, and West Europe is declared",
    ),
    "no right to ask": (
        [NONE, *[DENIED] * 9],
        "this login is not allowed to ask whether the name is free (Azure answers 403 AuthorizationFailed",
    ),
    "no right to see": (
        [DENIED] * 4 + [TAKEN] + [DENIED] * 9,
        "its name is taken, and this login is not allowed to see whether a deleted vault has it",
    ),
    "not Azure": ([(200, {}, {"value": [{"no": "id"}]})] * 40, "the answer is not Azure's"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_name_that_is_not_free_is_one_line(case: str) -> None:
    """It names the vault, the fact and the setting; no request changes anything."""
    replies, line = REFUSED[case]
    with scripted(*replies) as script, pytest.raises(HubtrustError) as raised:
        elsewhere(script.client(deadline=10.0, denied=2.0, not_found=0.0), VALUES, is_named=False)
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)
    assert {(one.method, one.path.partition("?")[0].rpartition("/")[2]) for one in script.requests} <= {
        ("GET", "vaults"),
        ("GET", "deletedVaults"),
        ("POST", "checkNameAvailability"),
    }


def test_what_is_free_renamed_or_recoverable_is_found() -> None:
    """A vault with this stack's token under an earlier name is the stack's, unless the program names one; a deleted one is recovered."""
    renamed = listed(ID.replace("plant-vault", "earlier"), tags=OURS)
    for replies, is_named, expected in (
        ([NONE, FREE], False, None),
        ([renamed], False, Found),
        ([renamed, FREE], True, None),
        ([NONE, TAKEN, deleted()], True, DeletedVault),
    ):
        with scripted(*replies) as script:
            found = elsewhere(script.client(), VALUES, is_named=is_named)
        assert found is None if expected is None else isinstance(found, expected)


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({}, ""),
        ({"location": "northeurope"}, "it is in northeurope, and West Europe is declared; Azure can't move it; set the location back"),
        ({"tenantId": "other"}, "it is in tenant other, but this login is in T; log in to the vault's tenant"),
        (
            {"enableRbacAuthorization": False},
            "somebody has set it to access policies, but this stack uses roles; set it back (az keyvault upd",
        ),
        ({"enableRbacAuthorization": None}, "somebody has set it to access policies"),
        ({"token": "fedcba9876543210"}, "exists and belongs to stack 'o/p/prod'"),
    ],
)
def test_a_vault_that_is_not_as_declared_is_one_line(changed: dict[str, Any], line: str) -> None:
    """What Azure can't change, or somebody has changed in a way that this stack must not undo."""
    properties = {"tenantId": "t", "enableRbacAuthorization": True, **changed}
    found = Found(
        ID,
        str(changed.get("location", "westeurope")),
        "o/p/prod",
        str(changed.get("token", VALUES["token"])),
        answer={"properties": properties},
    )
    if not line:
        require_usable("plant-vault", found, VALUES)
        return
    with pytest.raises(VaultError) as raised:
        require_usable("plant-vault", found, VALUES)
    assert line in str(raised.value)
