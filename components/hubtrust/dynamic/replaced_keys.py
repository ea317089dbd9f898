"""A generation of an authority that gets another key, by another custody or algorithm: devices below the old key must not lose it.

The certificate of the new key is trusted before that of the old one is deleted. The old one stays while a device may depend on it.
"""

from hubtrust.azure.errors import AzureError
from hubtrust.azure.service import Service
from hubtrust.dynamic import trusted_generations
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.errors import PkiError
from hubtrust.pki.links import require_signed_by
from hubtrust.reconcile_errors import DependantsError


def require_unused_key(service: Service, authority: str, generation: int, deleted: Certificate) -> None:
    """Refuse to delete the certificate ``deleted`` of a generation that has another key now, while devices may depend on the old one.

    A certificate with the same key, or one directly above or below it in its path, keeps devices connected. A `destroy`, and a service
    without an AuthorityGeneration, is not asked about.

    Raises:
        DependantsError: there are such devices, or nobody can say whether there are.
    """
    successors = trusted_generations.declared(service, authority, generation)
    if not successors or any(_keeps_devices(one, deleted) for one in successors):
        return
    declared = trusted_generations.declared_service(service, authority)
    if generation in declared.droppable if declared else not trusted_generations.has_record(service, authority):
        return
    what = f"authority '{authority}': generation {generation} has another key now, and the certificate of the old key is to be deleted"
    remedy = f"make this change with the next generation (caGeneration: {generation + 1}, caKeepPrevious: true)"
    if declared is None:  # the engine goes on to its deletions with `--continue-on-error`
        raise DependantsError(
            what, "whether devices depend on it was not asked, because an earlier step failed", "correct that, then run again"
        )
    dependants = declared.dependants
    remedy += f"; if no device needs the old key any more, set caDropGeneration: {generation} ({dependants.argument})"
    try:
        depending, unseen = dependants.count()
    except AzureError as error:
        raise DependantsError(what, f"whether devices depend on it is unknown, because {error.what}: {error.fact}", remedy) from None
    if depending + unseen:
        raise DependantsError(what, dependants.fact(depending + unseen, "the old key"), remedy)


def _keeps_devices(trusted: Certificate, deleted: Certificate) -> bool:
    return trusted.public_key() == deleted.public_key() or _is_below(deleted, trusted) or _is_below(trusted, deleted)


def _is_below(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        require_signed_by(certificate, issuer)
    except PkiError:
        return False
    return True
