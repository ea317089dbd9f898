"""What is worth knowing of a chain that was loaded, and keeps no device from connecting: one line each."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from hubtrust.pki.certificate import Certificate, display
from hubtrust.pki.errors import NotValidNowError, PkiError
from hubtrust.pki.links import is_signed_by, require_link, require_signed_by
from hubtrust.pki.path import Bundle
from hubtrust.pki.path_choice import names
from hubtrust.pki.profile import can_be_sent, departures, is_self_issued, require_may_sign, require_strong_signature, require_valid_at

_MOST = 12  # notices; what is above is not worth more lines in each run


def chain_notices(
    chain: Sequence[Certificate], place: int, given: Sequence[Certificate], bundle: Bundle, *, what: str, now: datetime
) -> tuple[str, ...]:
    """The notices for ``chain``, in which the certificate at ``place`` is trusted, out of those ``given``."""
    found = [*_of_choice(chain, given, bundle, what)]
    for number, certificate in enumerate(chain):
        if number <= place:
            found += _of_path(certificate, now, trusted=number == place)
        if number >= place:
            found += _of_above(certificate, chain[number + 1 :], now, trusted=number == place)
    more = len(found) - _MOST
    return (*found[:_MOST], f"{what}: there are {more} more notices like these") if more > 0 else tuple(found)


def _of_choice(chain: Sequence[Certificate], given: Sequence[Certificate], bundle: Bundle, what: str) -> Iterator[str]:
    """What was chosen out of the file, and what was not."""
    if len(bundle.certificates) < len(given):
        yield f"{what}: it contains a certificate twice; the second one is ignored"
    if [one for one in bundle.certificates if one in chain] != list(chain):
        yield f"{what}: the certificates were put into order: {' < '.join(display(certificate) for certificate in chain)}"
    top = chain[-1]
    if not is_self_issued(top):
        yield f"{what}: the chain ends at {display(top)}; {_why_it_ends(top, bundle)}"
    left_out = [one for one in bundle.certificates if one not in chain]
    if left_out:
        yield f"{what}: left out, because the chain of {display(chain[0])} does not need it: {names(left_out)}"


def _why_it_ends(top: Certificate, bundle: Bundle) -> str:
    for other in bundle.named(top):
        try:
            require_signed_by(top, other)
        except PkiError as error:
            return error.fact
        return f"TLS libraries send none as weak as {display(other)} above it, and devices connect anyway"
    return f"its issuer '{top.issuer.rfc4514_string()}' is not in it"


def _of_path(certificate: Certificate, now: datetime, *, trusted: bool) -> Iterator[str]:
    """Where a certificate falls short of RFC 5280 section 4, and whether it is valid now."""
    for fact in departures(certificate):
        yield f"{display(certificate)}: {fact}; devices connect anyway, so have it corrected when it is next reissued"
    try:
        require_valid_at(certificate, now=now)
    except NotValidNowError as error:
        kept = "nothing new is trusted or signed below it until then, and what is there already can still be changed or removed"
        yield f"{error.what}: {error.fact}; {error.remedy}: {kept}"
    if trusted:
        yield from _of_own_signature(certificate)


def _of_own_signature(certificate: Certificate) -> Iterator[str]:
    """The signature of the trusted certificate, which no path depends on."""
    why = "a trusted certificate's own signature is not checked, so devices connect anyway"
    if not can_be_sent(certificate):
        why += ", if they don't send it: OpenSSL refuses to"
    try:
        require_strong_signature(certificate)
    except PkiError as error:
        yield f"{error.what}: {error.fact}; {why}"
        return
    if (
        is_self_issued(certificate)
        and certificate.is_signed_by(certificate.public_key()) is False
        and not is_signed_by(certificate, certificate)
    ):
        yield f"{display(certificate)}: its own signature does not verify; {why}; compare its thumbprint with the one that its owner gives"


def _of_above(certificate: Certificate, above: Sequence[Certificate], now: datetime, *, trusted: bool) -> Iterator[str]:
    """The first fault of a certificate above the trusted one, or of the way from the trusted one to it."""
    try:
        if not trusted:
            require_may_sign(certificate)
            require_strong_signature(certificate)
            require_valid_at(certificate, now=now)
        require_link(certificate, above)
    except PkiError as error:
        yield f"{error.what}: {error.fact}; devices connect anyway, because nothing above the trusted certificate is judged"
