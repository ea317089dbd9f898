"""Certificate policies, as far as they keep devices from connecting (RFC 5280 6.1): devices here have none, and no path is asked for one.

An authority may still require one of all that is below it, by policyConstraints. OpenSSL does not look at that unless it is asked to.
"""

from collections.abc import Sequence

from cryptography import x509

from hubtrust.pki.certificate import Certificate, display
from hubtrust.pki.errors import ProfileError
from hubtrust.pki.names import same_name

_AT_THE_DEVICE = 1  # RFC 5280 6.1.5 a: one certificate, the device's, is still counted


def require_no_policy_needed(path: Sequence[Certificate]) -> None:
    """Check that no authority of ``path``, the issuer first, requires a policy of a device below (RFC 5280 4.2.1.11).

    Where the extension is not critical, whoever does not process policies may ignore it (4.2), and it is not processed here.

    Raises:
        ProfileError: one does.
    """
    for place, authority in enumerate(path):
        skipped = _certificates_without(authority)
        counted = sum(not same_name(one.subject, one.issuer) for one in path[:place])
        if skipped is not None and skipped <= counted + _AT_THE_DEVICE:
            fact = f"it requires a certificate policy of what is {skipped} below it (policyConstraints, RFC 5280 4.2.1.11)"
            raise ProfileError(display(authority), f"{fact}, and devices have none", "have it reissued without requireExplicitPolicy")


def _certificates_without(authority: Certificate) -> int | None:
    """How many certificates below it need no policy; None if none needs one."""
    try:
        found = authority.extensions.get_extension_for_class(x509.PolicyConstraints)
    except x509.ExtensionNotFound:
        return None
    return found.value.require_explicit_policy if found.critical else None
