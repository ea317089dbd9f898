"""A chain of certificate authorities: chosen out of what a file holds, and judged from the trusted certificate down (RFC 5280 6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from hubtrust.pki.certificate import Certificate, display, load_certificates, pem
from hubtrust.pki.chain_notices import chain_notices
from hubtrust.pki.errors import ChainError, KeyMismatchError
from hubtrust.pki.keys import PublicKey, key_thumbprint
from hubtrust.pki.links import is_signed_by, require_link, require_signed_by
from hubtrust.pki.path import Bundle, Wanted, has_key
from hubtrust.pki.path_choice import LONGEST_PATH, choose, require_sound
from hubtrust.pki.profile import can_be_sent, is_self_issued, require_authority, require_end_entity, require_valid_at

_MOST_GIVEN = 200  # certificates in one file: Debian's public roots are 142
_ISSUING = Wanted()


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain for devices: the issuing authority, then its issuer, and so on up to the highest certificate that was given.

    ``place`` is the trusted certificate's in it. What is above that one judges nothing.
    """

    certificates: tuple[Certificate, ...]
    notices: tuple[str, ...] = ()  # what was corrected, left out, or is worth knowing, one line each
    place: int = 0

    @property
    def issuing(self) -> Certificate:
        """The authority that signs devices."""
        return self.certificates[0]

    @property
    def anchor(self) -> Certificate:
        """The trusted certificate (RFC 5280 6.1.1 d)."""
        return self.certificates[self.place]

    @property
    def path(self) -> tuple[Certificate, ...]:
        """The certificates that judge what is signed: from the issuing authority up to the trusted one."""
        return self.certificates[: self.place + 1]

    @property
    def top(self) -> Certificate:
        """The root, or the highest certificate that was given without it."""
        return self.certificates[-1]

    def require_valid_at(self, now: datetime) -> None:
        """Check that every certificate of ``path`` is valid at ``now`` (aware). A device can't connect where one is not.

        Raises:
            NotValidNowError: one has expired, or is not valid yet.
        """
        for certificate in reversed(self.path):
            require_valid_at(certificate, now=now)

    def of_key(self, key: PublicKey) -> Certificate:
        """The certificate that belongs to ``key``.

        Raises:
            KeyMismatchError: the key belongs to no certificate of the chain.
        """
        for certificate in self.certificates:
            if has_key(certificate, key):
                return certificate
        what, named = f"the key {key_thumbprint(key)[:16]}…", ", ".join(display(certificate) for certificate in self.certificates)
        raise KeyMismatchError(what, f"it belongs to none of {named}", "give the key of one of them, or the chain that this key belongs to")

    @property
    def sent(self) -> str:
        """As PEM what a TLS library sends besides a device's own certificate. A hub has the trusted certificate itself."""
        return "".join(map(pem, takewhile(can_be_sent, self.certificates)))

    @property
    def pem(self) -> str:
        """All certificates as PEM, the issuing authority first."""
        return "".join(pem(certificate) for certificate in self.certificates)


def load_chain(text: str | bytes, *, what: str, now: datetime, wanted: Wanted = _ISSUING) -> Chain:
    """The chain in ``text``, in any encoding and order, and among others; ``wanted`` says which certificate is trusted.

    It is judged from that one down, by RFC 5280 section 6. Everything else is a notice. So are dates at ``now`` (aware): a chain that has
    expired must not keep a run from taking something away. Whoever trusts or signs calls ``Chain.require_valid_at``.

    Raises:
        PkiError: see ``load_certificates`` and ``choose``; or an authority of the path can't do its work (``require_sound``).
    """
    given = load_certificates(text, what=what)
    bundle = Bundle(given, now=now)
    if len(bundle.certificates) > _MOST_GIVEN:
        fact = f"it contains {len(bundle.certificates)} certificates, and at most {_MOST_GIVEN} are looked through"
        raise ChainError(what, fact, "give one chain, not a bundle")
    chosen, place = choose(bundle, wanted, what=what)
    if place >= LONGEST_PATH:
        fact = f"{place + 1} certificates are between the devices and the trusted one, and TLS takes {LONGEST_PATH}"
        raise ChainError(what, fact, "trust an authority nearer to the devices")
    require_sound(chosen[: place + 1])
    above = takewhile(can_be_sent, chosen[place + 1 : LONGEST_PATH])
    kept = (*chosen[: place + 1], *above)
    return Chain(kept, chain_notices(kept, place, given, bundle, what=what, now=now), place)


def validate(chain: Sequence[Certificate], *, now: datetime) -> None:
    """Check that every certificate of ``chain`` (the issuing authority first) is what is issued here: by section 4, from the root down.

    Raises:
        PkiError: the first violation, from the root downwards.
    """
    for place in reversed(range(len(chain))):
        require_authority(chain[place], now=now)
        require_link(chain[place], chain[place + 1 :])
    if is_self_issued(chain[-1]):
        require_signed_by(chain[-1], chain[-1])


def validate_leaf(leaf: Certificate, chain: Chain, *, now: datetime) -> None:
    """Check that ``chain`` issued ``leaf`` (the certificate of a device, or a proof), and that it is valid at ``now``.

    Raises:
        PkiError: the first violation.
    """
    validate_issued(leaf, chain.path, leaf=True, now=now)


def validate_issued(certificate: Certificate, above: Sequence[Certificate], *, leaf: bool, now: datetime) -> None:
    """Check that the first authority of ``above`` issued ``certificate``, that all of them allow it, and that it is valid at ``now``.

    ``above`` are valid themselves. ``leaf``: it is that of a device, and not an authority's.

    Raises:
        PkiError: the first violation.
    """
    if leaf:
        require_end_entity(certificate, now=now)
    else:
        require_authority(certificate, now=now)
    require_link(certificate, above, leaf=leaf)


def path_upwards(given: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """The first certificate of ``given``, its issuer among the others, and so on. Others that are given are left out."""
    path, others = [given[0]], list(given[1:])
    while not is_self_issued(path[-1]) and (issuer := next((one for one in others if is_signed_by(path[-1], one)), None)):
        others.remove(issuer)
        path.append(issuer)
    return tuple(path)
