"""Errors of jobs: one constructor for each. Names are documented, numbers and messages are guesses."""

from __future__ import annotations

from local_azure_iot.hub_registry.errors import RegistryError


def job_exists(job: str) -> RegistryError:
    """A job with this id exists."""
    return RegistryError(409, 409003, "JobAlreadyExists", f"A job with the id '{job}' already exists.")


def not_cancellable(job: str, status: str) -> RegistryError:
    """The job runs, or is over."""
    return RegistryError(400, 400003, "InvalidOperation", f"The job '{job}' can't be cancelled: it is {status}.")


def container_invalid(reason: str) -> RegistryError:
    """A blob container's address can't be used."""
    return RegistryError(400, 400012, "BlobContainerValidationError", reason)


def identity_not_implemented() -> RegistryError:
    """A job is to reach its blobs as the hub's own identity. No Azure answers so: only the envelope is a hub's."""
    message = "storageAuthenticationType 'identityBased' is Azure's; local Azure reaches blobs by a SAS token in the container's URI only."
    return RegistryError(501, 501000, "NotImplemented", message)
