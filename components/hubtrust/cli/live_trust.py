"""Asks Azure which certificates each hub and provisioning service of an inventory has now. Only GET requests go to Resource Manager."""

from hubtrust.azure.certificates import Certificates
from hubtrust.azure.errors import AzureError, NotFoundError
from hubtrust.azure.retry import READ_DEADLINE, READ_DENIED, READ_NOT_FOUND, READ_UNREACHABLE, RetryLimits
from hubtrust.azure.service import service as read_id
from hubtrust.azure_inputs import AzureInputs
from hubtrust.errors import HubtrustError
from hubtrust.inventory.inventory import Inventory
from hubtrust.inventory.live import LiveService, Registered, compared
from hubtrust.inventory.records import Service

_LIMITS = RetryLimits(READ_DEADLINE, READ_DENIED, READ_UNREACHABLE, READ_NOT_FOUND)


def asked(inventory: Inventory) -> tuple[LiveService, ...]:
    """What each service answers, beside its state. One that does not answer is told with the reason, and the others are asked."""
    return tuple(_asked(one, inventory) for one in inventory.services)


def _asked(service: Service, inventory: Inventory) -> LiveService:
    try:
        owner = read_id(service.id)
        with AzureInputs.read({"cloud": service.cloud}).resource_manager(_LIMITS) as client:
            found = Certificates(client, owner).every()
    except NotFoundError:
        return LiveService(service.id, unseen="Azure says that it does not exist: it was deleted, or this login is of another subscription")
    except AzureError as error:
        return LiveService(service.id, unseen=f"{error.fact}; {error.remedy}")
    except HubtrustError as error:
        return LiveService(service.id, unseen=str(error))
    registered = [Registered(one.name, one.thumbprint, one.verified, one.etag) for one in found]
    return compared(service, registered, inventory.authorities)
