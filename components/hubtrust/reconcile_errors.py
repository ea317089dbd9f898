"""What reconciling can meet that is neither a certificate's fault nor Azure's."""

import pulumi

from hubtrust.errors import HubtrustError


class DynamicError(HubtrustError):
    """The root of this room's errors."""


class TakenError(DynamicError):
    """Something of the same name is there and is not ours: it is refused unless `adopt` says otherwise."""


class QuotaError(DynamicError):
    """The hub or service holds as many certificates as Azure allows."""


class ProofRejectedError(DynamicError):
    """The service read the proof and does not accept it."""


class DeclarationError(DynamicError):
    """An input that can't be meant; `check` tells it, and so does every later call that meets it."""


class RosterError(DynamicError, pulumi.RunError):
    """The list of a fleet's devices can't be meant; every bad line of a file is told, by number."""


class FleetError(DynamicError):
    """The hub did not take some of a fleet's devices; the others stand, and the next run goes on from there."""


class BrokenLinkError(DynamicError):
    """A device can't connect to its hub; the link that broke is named."""


class DependantsError(DynamicError):
    """Devices may depend on an authority that is to go."""
