"""Errors of vaults at ARM (Microsoft.KeyVault), in its envelope `{"error": {"code", "message"}}`: one constructor for each.

Source: errors that users of Azure's clients reported. Texts that nobody reported are guesses, and say so.
"""

from __future__ import annotations

from local_azure_iot.wire import Moment, Reply, ServiceError

_SOFT_DELETE = "https://go.microsoft.com/fwlink/?linkid=2149745"


class VaultManagementError(ServiceError):
    """An error answer of Microsoft.KeyVault at ARM."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def reply(self, moment: Moment) -> Reply:  # noqa: ARG002 - it has neither time nor correlation id in the body
        """The HTTP answer."""
        return Reply(status=self.status, body={"error": {"code": self.code, "message": self.message}})


def bad_request(message: str) -> VaultManagementError:
    """A property has a value that a vault can't have."""
    return VaultManagementError(400, "BadRequest", message)


def name_invalid(name: str) -> VaultManagementError:
    """No vault can have the name."""
    return VaultManagementError(400, "VaultNameNotValid", name_invalid_message(name))


def name_invalid_message(name: str) -> str:
    """Why the name is invalid, which the name check says too."""
    return (
        f"The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin with a "
        "letter, end with a letter or digit, and not contain consecutive hyphens. Follow this link for more information: "
        "https://go.microsoft.com/fwlink/?linkid=2147742"
    )


def name_taken(name: str) -> VaultManagementError:
    """Another vault has the name, somewhere in Azure."""
    return VaultManagementError(409, "VaultAlreadyExists", name_taken_message(name))


def name_taken_message(name: str) -> str:
    """Why the name is not free, which the name check says too."""
    return (
        f"The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the name is already taken. "
        "If you are sure that the vault name was not taken then it is possible that a vault with the same name was recently deleted but "
        "not purged after being placed in a recoverable state. If the vault is in a recoverable state then the vault will need to be "
        "purged before reusing the name. For more information about VaultAlreadyExists, soft delete and purging a vault follow this link "
        "https://go.microsoft.com/fwlink/?linkid=2147740."
    )


def name_soft_deleted() -> VaultManagementError:
    """A soft-deleted vault of the same subscription has the name."""
    message = (
        "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. "
        f"Follow this link {_SOFT_DELETE} for more information on soft delete."
    )
    return VaultManagementError(409, "ConflictError", message)


def nothing_to_recover() -> VaultManagementError:
    """No soft-deleted vault has this resource id and location. The status is a guess."""
    message = (
        "A soft deleted vault with the given name does not exist. Please make sure that the name for the vault that is being attempted "
        f"to be recovered is in a recoverable state. For more information on soft delete please follow this link {_SOFT_DELETE}"
    )
    return VaultManagementError(400, "SoftDeletedVaultDoesNotExist", message)


def deleted_vault_not_found(name: str) -> VaultManagementError:
    """No soft-deleted vault has the name in this location. A guess."""
    return VaultManagementError(404, "DeletedVaultNotFound", f"The specified deleted vault '{name}' does not exist.")


def purge_refused() -> VaultManagementError:
    """The vault is protected against purge. The code is a guess."""
    return VaultManagementError(405, "MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed.")


def being_purged() -> VaultManagementError:
    """A purge of the vault has begun. A guess."""
    return VaultManagementError(409, "ConflictError", "The vault is being purged; the operation can't be performed.")
