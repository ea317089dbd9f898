"""Inputs of every resource that is in Azure: which cloud, and how long to retry; and the client of Resource Manager they lead to."""

import os
from dataclasses import dataclass
from typing import Any

from hubtrust.azure import clouds
from hubtrust.azure.absence import is_known_gone
from hubtrust.azure.client import AzureClient
from hubtrust.azure.clock import require_true_clock
from hubtrust.azure.login import login
from hubtrust.azure.retry import DEADLINE, MAX_DEADLINE, MIN_DEADLINE, RetryLimits
from hubtrust.azure.service import Service
from hubtrust.inputs import Inputs, input_field, number
from hubtrust.process import now, show_message

_told: set[str] = set()  # services whose absence the user was told of; a process lasts for one run


def report_if_gone(owner: Service) -> None:
    """Tell the user, once a run, that a service which had this stack's resources is confirmed to be gone."""
    if is_known_gone(owner) and owner.id.lower() not in _told:
        _told.add(owner.id.lower())
        show_message(
            f"{owner.title} does not exist any more: it was deleted outside of this stack; `up` creates again what this stack declares"
        )


def same_id(old: object, new: object) -> bool:
    """ARM ids are compared without case."""
    return str(old).rstrip("/").lower() == str(new).rstrip("/").lower()


def cloud_name(*, kept: bool = True) -> Any:
    """The declaration of the input `cloud`."""
    doc = "`public` (default), `usgovernment`, `china` or the https URL of a metadata host."
    return input_field(clouds.require_name, doc, kept=kept, default=clouds.PUBLIC.name)


@dataclass(frozen=True, kw_only=True)
class CloudInputs(Inputs):
    """Which Azure."""

    cloud: str = cloud_name()

    def require_true_clock(self) -> None:
        """Refuse to date anything by this machine's clock if it differs from Azure's. To be called before a certificate is signed.

        Raises:
            ClockError: it differs, or Azure's time can't be learned.
            CloudError: there is no such cloud.
        """
        require_true_clock(clouds.cloud_named(self.cloud), now)


@dataclass(frozen=True, kw_only=True)
class AzureInputs(CloudInputs):
    """Which Azure, and how long to retry there."""

    deadline: float = input_field(
        number(MIN_DEADLINE, MAX_DEADLINE),
        f"seconds, {MIN_DEADLINE} to {MAX_DEADLINE}, to retry what Azure refuses temporarily; default {DEADLINE:g}.",
        kept=True,
        default=DEADLINE,
    )

    def resource_manager(self, limits: RetryLimits | None = None) -> AzureClient:
        """A client of Azure Resource Manager, for one operation: its requests share the deadline. For a `with`.

        Raises:
            CloudError: there is no such cloud.
        """
        cloud = clouds.cloud_named(self.cloud)
        limits = (limits or RetryLimits(deadline=self.deadline)).starting_now()
        return AzureClient(cloud.resource_manager, cloud.arm_scope, login(cloud, os.environ), limits, show_message)
