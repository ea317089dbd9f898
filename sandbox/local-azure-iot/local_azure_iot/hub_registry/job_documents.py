"""The documents of a hub's jobs, of either kind: scheduled ones (`scheduled_jobs`), imports and exports (`registry_jobs`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local_azure_iot.hub_registry import entries, errors

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

OVER = ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class JobDocuments:
    """The jobs of one kind, as the store names it."""

    kind: str

    def find(self, azure: Azure, hub_key: str, job_id: str) -> Document | None:
        """A job, or None."""
        return azure.store.get(self.kind, entries.store_key(hub_key, job_id))

    def require(self, azure: Azure, hub_key: str, job_id: str) -> Document:
        """The job, which must exist.

        Raises:
            RegistryError: It does not exist.
        """
        job = self.find(azure, hub_key, job_id)
        if job is None:
            raise errors.job_not_found()
        return job

    def all_of(self, azure: Azure, hub_key: str) -> list[Document]:
        """The jobs of a hub, oldest first."""
        return azure.store.list(self.kind, f"{hub_key}/")

    def save(self, azure: Azure, hub_key: str, job: Document) -> None:
        """Write a job."""
        azure.store.put(self.kind, entries.store_key(hub_key, job["id"]), job)
