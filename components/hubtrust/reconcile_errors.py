"""Errors of reconciling that neither a certificate nor Azure causes."""

from hubtrust.errors import HubtrustError


class DynamicError(HubtrustError):
    """The base of these errors."""


class AlreadyExistsError(DynamicError):
    """Something of the same name exists and is not ours: it is refused unless `adopt` names it."""


class QuotaError(DynamicError):
    """The hub or service holds as many certificates as Azure allows."""


class ProofRejectedError(DynamicError):
    """The service read the proof and does not accept it."""


class DeclarationError(DynamicError):
    """An invalid input; `check` reports it, and so does every later call that reads it."""


class FleetError(DynamicError):
    """The hub refused some of a fleet's devices; the others are kept, and the next run continues from there."""


class EnrollmentError(DynamicError):
    """An enrollment that no device could use, or that can't be written."""


class LossError(DynamicError):
    """A fleet would lose more of its devices than its declaration says."""


class ConnectionFailedError(DynamicError):
    """A device can't connect to its hub; the error says why. ``temporary``: a retry may help."""

    def __init__(self, what: str, fact: str, remedy: str, *, temporary: bool) -> None:
        super().__init__(what, fact, remedy)
        self.temporary = temporary


class DependantsError(DynamicError):
    """Devices may depend on an authority that is to be deleted."""


class RevocationError(DynamicError):
    """An enrollment is disabled, and some of its devices are not, or the other way round; the others are done."""


class MovedHubError(DynamicError):
    """The stack's hub became another one while the old one still answers."""
