"""A generation of an authority that gets another key, by another custody or algorithm: devices below the old key must not lose their hub.

The certificate of the new key is trusted before that of the old one is deleted. The old one stays while a device may depend on it.
"""

from hubtrust.azure.errors import AzureError
from hubtrust.azure.service import Service
from hubtrust.dynamic import trusted_generations
from hubtrust.dynamic.dependants import count_dependants
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.errors import PkiError
from hubtrust.pki.links import require_signed_by
from hubtrust.reconcile_errors import DependantsError


def require_unused_key(hub: Service, authority: str, generation: int, deleted: Certificate) -> None:
    """Refuse to delete the certificate ``deleted`` of a generation that has another key now, while devices may depend on the old one.

    A certificate with the same key, or one directly above or below it in its path, keeps devices connected. A `destroy`, and a service
    without an AuthorityGeneration, is not asked about.

    Raises:
        DependantsError: there are such devices, or nobody can say whether there are.
    """
    successors = trusted_generations.declared(hub, authority, generation)
    if not successors or any(_keeps_devices(one, deleted) for one in successors):
        return
    declared = trusted_generations.declared_hub(hub)
    if generation in declared.droppable if declared else not trusted_generations.has_record(hub, authority):
        return
    what = f"authority '{authority}': generation {generation} has another key now, and the certificate of the old key is to be deleted"
    remedy = (
        f"make such a change with the next generation (caGeneration: {generation + 1}, caKeepPrevious: true); "
        f"if no device needs the old key any more, set caDropGeneration: {generation} (drop_generation of TrustedHub)"
    )
    if declared is None:  # the engine goes on to its deletions with `--continue-on-error`
        raise DependantsError(
            what, "whether devices depend on it was not asked, because an earlier step failed", "correct that, then run again"
        )
    try:
        depending, unseen = count_dependants(declared.inputs, declared.stacks)
    except AzureError as error:
        raise DependantsError(what, f"whether devices depend on it is unknown, because {error.what}: {error.fact}", remedy) from None
    if depending + unseen:
        devices = "device" if depending + unseen == 1 else "devices"
        raise DependantsError(
            what, f"{depending + unseen:,} enabled {devices} of this stack may still use certificates of the old key", remedy
        )


def _keeps_devices(trusted: Certificate, deleted: Certificate) -> bool:
    return trusted.public_key() == deleted.public_key() or _is_below(deleted, trusted) or _is_below(trusted, deleted)


def _is_below(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        require_signed_by(certificate, issuer)
    except PkiError:
        return False
    return True
