"""Build certification paths out of the certificates that a file holds (RFC 5280 6, RFC 4158).

A file may have certificates in any order, twice, renewed with the same name and key, cross-signed, or of other people. Which of them is
trusted decides what belongs to the path; no certificate above the trusted one can make a path impossible.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes

from hubtrust.pki.certificate import Certificate, thumbprint
from hubtrust.pki.errors import PkiError
from hubtrust.pki.keys import PublicKey
from hubtrust.pki.links import is_signed_by, may_be_issuer
from hubtrust.pki.names import Comparable, comparable
from hubtrust.pki.profile import is_self_issued, require_may_sign, require_valid_at

_MOST_WAYS = 8  # up to one certificate that are followed: a bundle of cross-signed authorities has more than anybody could try
_MOST_TRIES = 1000  # signatures in one file that are verified: only hundreds of authorities of one name need more
_Holder = tuple[Comparable, bytes]  # a name and a key: certificates of the same holder take each other's place in a path


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which certificate of a file is trusted: the issuing authority's, the highest one (``top``), or the one with this ``thumbprint``.

    ``key`` is the trusted certificate's, if it is known, and ``thumbprint`` its SHA-1 or SHA-256, upper-case hex.
    """

    top: bool = False
    key: PublicKey | None = None
    thumbprint: str | None = None

    def place(self, path: Sequence[Certificate]) -> int | None:
        """Where in ``path`` it is; None if it is not in it."""
        if self.thumbprint is not None:
            return next((place for place, one in enumerate(path) if self.thumbprint in _thumbprints(one)), None)
        place = len(path) - 1 if self.top else 0
        return place if self.key is None or has_key(path[place], self.key) else None


class Bundle:
    """The certificates of a file, each once, and which of them issued which."""

    def __init__(self, certificates: Iterable[Certificate], *, now: datetime) -> None:
        self.certificates = tuple(dict.fromkeys(certificates))
        self._tries = _MOST_TRIES
        self._holders: dict[Certificate, _Holder] = {one: (comparable(one.subject), one.key_info) for one in self.certificates}
        self._ranks = {one: (_is_bad(one, now), -one.not_valid_after_utc.timestamp(), thumbprint(one)) for one in self.certificates}
        self._by_name: dict[Comparable, list[Certificate]] = {}
        for one, (name, _) in self._holders.items():
            self._by_name.setdefault(name, []).append(one)
        self._issuers: dict[Certificate, list[Certificate]] = {}

    def is_good(self, certificate: Certificate) -> bool:
        """Whether it can sign and is valid now."""
        return not self._ranks[certificate][0]

    def named(self, certificate: Certificate) -> list[Certificate]:
        """Those that have the name of its issuer, whether they signed it or not."""
        return [one for one in self._by_name.get(comparable(certificate.issuer), ()) if one != certificate]

    def issuers(self, certificate: Certificate) -> list[Certificate]:
        """Those that signed it, other than its holder's own; all have the same key, because one key made the signature."""
        if certificate not in self._issuers:
            self._issuers[certificate] = self._signers(certificate)
        return self._issuers[certificate]

    def _signers(self, certificate: Certificate) -> list[Certificate]:
        if is_self_issued(certificate) and self._tries > 0 and self._is_signed_by(certificate, certificate):
            return []
        by_key: dict[bytes, list[Certificate]] = {}
        for one in self.named(certificate):
            if self._holders[one] != self._holders[certificate]:
                by_key.setdefault(self._holders[one][1], []).append(one)
        for group in by_key.values():
            if self._tries <= 0:
                break
            possible = [one for one in group if may_be_issuer(one, certificate)]
            if possible and self._is_signed_by(certificate, possible[0]):
                return possible
        return []

    def _is_signed_by(self, certificate: Certificate, issuer: Certificate) -> bool:
        self._tries -= 1
        return is_signed_by(certificate, issuer)

    def lowest(self) -> list[list[Certificate]]:
        """The holders that issued no other certificate of the file, each with its certificates, the best one first."""
        above = {self._holders[issuer] for one in self.certificates for issuer in self._above(one)}
        found: dict[_Holder, list[Certificate]] = {}
        for one in self.certificates:
            if self._holders[one] not in above:
                found.setdefault(self._holders[one], []).append(one)
        return [self._best_first(group) for group in found.values()]

    def of_key(self, key: PublicKey) -> list[Certificate]:
        """The certificates of this key, the best one first."""
        return self._best_first([one for one in self.certificates if has_key(one, key)])

    def below(self, authorities: Iterable[Certificate]) -> list[Certificate]:
        """Those that one of ``authorities`` issued, by its name."""
        holders = {self._holders[one] for one in authorities}
        return [one for one in self.certificates if holders & {self._holders[each] for each in self._above(one)}]

    def paths(self, start: Certificate) -> Iterator[tuple[Certificate, ...]]:
        """The paths from ``start`` up to a root, or to where an issuer is missing: the best one first.

        Better are those of which every certificate is valid and can sign, then those that end in a root, then shorter ones, and then those
        that last longer. No holder is in a path twice, so that authorities which sign each other end nothing and loop nowhere.
        """
        ways: dict[Certificate, int] = {}
        heap: list[tuple[Any, tuple[Certificate, ...], bool]] = [(self._cost((start,), open_end=False), (start,), False)]
        while heap:
            _, path, ends = heapq.heappop(heap)
            if ends:
                yield path
                continue
            ways[path[-1]] = ways.get(path[-1], 0) + 1
            if ways[path[-1]] > _MOST_WAYS:
                continue
            held = {self._holders[one] for one in path}
            further = [one for one in self.issuers(path[-1]) if self._holders[one] not in held]
            for one in further:
                heapq.heappush(heap, (self._cost((*path, one), open_end=False), (*path, one), False))
            if not further:
                heapq.heappush(heap, (self._cost(path, open_end=not is_self_issued(path[-1])), path, True))

    def _above(self, certificate: Certificate) -> list[Certificate]:
        """The authorities that it names. A name that it has itself says nothing: only a signature does then."""
        return self.issuers(certificate) if is_self_issued(certificate) else self.named(certificate)

    def _best_first(self, group: list[Certificate]) -> list[Certificate]:
        return sorted(group, key=self._ranks.__getitem__)

    def _cost(self, path: tuple[Certificate, ...], *, open_end: bool) -> tuple[object, ...]:
        ranks = [self._ranks[one] for one in path]
        return (sum(bad for bad, *_ in ranks), open_end, len(path), ranks)


def has_key(certificate: Certificate, key: PublicKey) -> bool:
    """Whether ``key`` is the certificate's."""
    try:
        return certificate.public_key() == key
    except PkiError:
        return False


def _is_bad(certificate: Certificate, now: datetime) -> bool:
    try:
        require_may_sign(certificate)
        require_valid_at(certificate, now=now)
    except PkiError:
        return True
    return False


def _thumbprints(certificate: Certificate) -> tuple[str, str]:
    return thumbprint(certificate), certificate.fingerprint(hashes.SHA256()).hex().upper()
