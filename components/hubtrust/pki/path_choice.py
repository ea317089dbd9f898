"""Which path of a file is meant: by the trusted certificate's key or thumbprint, or else the only one there is."""

from collections.abc import Sequence
from datetime import datetime

from hubtrust.pki.certificate import Certificate, display, thumbprint
from hubtrust.pki.errors import ChainError, KeyMismatchError, PkiError
from hubtrust.pki.keys import key_thumbprint
from hubtrust.pki.links import require_link, require_signed_by
from hubtrust.pki.path import Bundle, Wanted
from hubtrust.pki.policies import require_no_policy_needed
from hubtrust.pki.profile import authority_key_identifier, is_authority, is_self_issued, require_may_sign, require_strong_signature

LONGEST_PATH = 10  # certificates: Azure's and OpenSSL's TLS stacks have about the same limit
_MOST_NAMED = 5  # certificates in an error
_Chosen = tuple[tuple[Certificate, ...], int]  # a path, and the place of the trusted certificate in it


def choose(bundle: Bundle, wanted: Wanted, *, what: str) -> _Chosen:
    """The path that is meant, the issuing authority first, and the place of the trusted certificate in it.

    Of several ways up to the trusted certificate the first one is taken that is sound and valid now; above it, the best one.

    Raises:
        KeyMismatchError: the key belongs to no certificate of the file.
        ChainError: there are several chains and nothing says which one is meant, or a certificate below the trusted one is missing.
    """
    if wanted.key is not None and not bundle.of_key(wanted.key):
        key, named = f"the key {key_thumbprint(wanted.key)[:16]}…", names(bundle.certificates)
        raise KeyMismatchError(key, f"it belongs to none of {named}", "give the key of one of them, or the chain that this key belongs to")
    groups = _starts(bundle, wanted)
    chosen = [found for group in groups if (found := _best(bundle, group, wanted))]
    if not chosen and wanted.thumbprint:
        fact = f"no chain in it has a certificate with the thumbprint {wanted.thumbprint}"
        raise ChainError(what, fact, "give the thumbprint of one of its certificates, or add the missing ones")
    if not chosen and wanted.key is not None:
        return choose(bundle, Wanted(top=wanted.top), what=what)  # the key is another one's; whoever knows where it came from says so
    if len(chosen) > 1:
        chosen = _above_a_gap(chosen)
    if len(chosen) != 1:
        raise _not_one_chain_error(bundle, [path for path, _ in chosen], what)
    path, place = chosen[0]
    if place == len(path) - 1 and wanted.top:
        _require_whole(bundle, path, what)
    return path, place


def path_to(anchor: Certificate, certificates: Sequence[Certificate], *, now: datetime) -> tuple[Certificate, ...]:
    """The path from the first of ``certificates`` up to ``anchor``, by way of the others; the best one at ``now``.

    Raises:
        ChainError: there is none.
    """
    found = _best(Bundle((*certificates, anchor), now=now), [certificates[0]], Wanted(thumbprint=thumbprint(anchor)))
    if found is None:
        fact = f"it issued neither {display(certificates[0])} nor any of the given authorities above it"
        raise ChainError(display(anchor), fact, "name the certificate that the hub trusts, and give those between the two")
    path, place = found
    return path[: place + 1]


def require_sound(path: Sequence[Certificate]) -> None:
    """Check that devices can connect below ``path``, of which the last certificate is trusted (RFC 5280 6.1), dates aside.

    Raises:
        PkiError: an authority can't do its work, or one below the trusted certificate is not signed or not allowed by those above.
    """
    for place in reversed(range(len(path))):
        require_may_sign(path[place])
        if place < len(path) - 1:
            require_strong_signature(path[place])
            _require_distinct_issuer(path[place])
            require_link(path[place], path[place + 1 :])
    require_no_policy_needed(path)


def _require_distinct_issuer(certificate: Certificate) -> None:
    """Check that OpenSSL sees that another certificate of the same name signed this one, as after a change of keys."""
    identifier = authority_key_identifier(certificate)
    if is_self_issued(certificate) and (identifier is None or identifier.key_identifier is None):
        fact = "it has the name of its issuer and no authority key identifier, so OpenSSL treats it as self-signed (RFC 5280 4.2.1.1)"
        raise ChainError(display(certificate), fact, "have it reissued with one, or trust this certificate itself")


def names(certificates: Sequence[Certificate]) -> str:
    """The names of the first few, and how many more there are."""
    more = len(certificates) - _MOST_NAMED
    return ", ".join(map(display, certificates[:_MOST_NAMED])) + (f" and {more} more" if more > 0 else "")


def _starts(bundle: Bundle, wanted: Wanted) -> list[list[Certificate]]:
    """The certificates with which the path may begin, by holder."""
    lowest = bundle.lowest()
    authorities = [group for group in lowest if any(map(_says_it_is_a_ca, group))]
    if wanted.key is None or wanted.top or wanted.thumbprint:
        return authorities or lowest
    owners = bundle.of_key(wanted.key)
    if authorities and any(map(_says_it_is_a_ca, bundle.below(owners))):
        return authorities  # it is not the lowest authority's
    return [owners]


def _says_it_is_a_ca(certificate: Certificate) -> bool:
    try:
        return is_authority(certificate)
    except PkiError:
        return True  # damaged: who knows what it was to be


def _best(bundle: Bundle, group: list[Certificate], wanted: Wanted) -> _Chosen | None:
    """The best path from one of the certificates of a holder that has the trusted certificate in it."""
    first: _Chosen | None = None
    for start in group:
        for path in bundle.paths(start):
            place = wanted.place(path)
            if place is None:
                continue
            first = first or (path, place)
            if all(map(bundle.is_good, path[: place + 1])) and _is_sound(path[: place + 1]):
                return path, place
            if place >= LONGEST_PATH:
                break  # the others of this start are not better
    return first


def _is_sound(path: Sequence[Certificate]) -> bool:
    if len(path) > LONGEST_PATH:
        return False
    try:
        require_sound(path)
    except PkiError:
        return False
    return True


def _above_a_gap(chosen: list[_Chosen]) -> list[_Chosen]:
    """The chain whose issuer is missing, if all else is a single root: that may be above the gap."""
    open_ended = [one for one in chosen if not is_self_issued(one[0][-1])]
    single_roots = [one for one in chosen if len(one[0]) == 1 and is_self_issued(one[0][0])]
    return open_ended if (len(chosen), len(open_ended), len(single_roots)) == (2, 1, 1) else chosen


def _require_whole(bundle: Bundle, path: Sequence[Certificate], what: str) -> None:
    """Check that the highest certificate of ``path`` is the highest one that was meant: that the way to it has no gap."""
    top = path[-1]
    if is_self_issued(top):
        return
    for named in bundle.named(top):
        require_signed_by(top, named)
    if any(is_self_issued(one) for one in bundle.certificates):
        raise _missing_error(bundle, top, what)


def _missing_error(bundle: Bundle, certificate: Certificate, what: str) -> ChainError:
    missing = certificate.issuer.rfc4514_string()
    fact = f"{display(certificate)} was issued by '{missing}', which is not among the {len(bundle.certificates)} given"
    remedy = "add the missing certificate, or remove the certificates that don't belong to the chain"
    return ChainError(what, f"a certificate is missing: {fact}", remedy)


def _not_one_chain_error(bundle: Bundle, chains: list[tuple[Certificate, ...]], what: str) -> ChainError:
    """The error for certificates that are no chain, or several of which none is known to be meant."""
    if not chains:
        remedy = "give the key of the authority that signs devices, or the chain from that authority to the root"
        return ChainError(what, "its certificates sign each other in a loop", remedy)
    fact = f"it contains {len(chains)} chains, which end in {names([path[0] for path in chains])}"
    for path in chains:
        if not is_self_issued(path[-1]):
            fact += f" ({_missing_error(bundle, path[-1], what).fact})"
            break
    return ChainError(what, fact, "give the key of the authority that signs devices, or give one chain, not a bundle")
