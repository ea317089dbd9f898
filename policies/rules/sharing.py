"""The rule that two environments trust no CA in common: by which devices their services would let in, not by single certificates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .certificate import UnreadableError
from .certificates import authorities_in, lets_devices_in, load, readable_ca_certificates
from .declarations import Fact, Kind, declaration
from .resource import NotKnownYetError, items, on_each
from .signature import may_have_issued

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .certificate import Certificate
    from .resource import Resource

    Settings = Mapping[str, Any]

_TRUSTS, _ABOVE, _BELOW = "trusts", "above", "below"
_THUMBPRINT: Final = re.compile(r"[0-9A-F]{64}")
_REMEDY = "create another (hubtrust:caGeneration) below a root of this environment alone, or import another"


def authority_not_shared(resource: Resource, settings: Settings) -> Iterator[str]:
    """No CA is trusted by which devices of another environment enter, or this one's enter there: not the same, not above, not below it.

    Reason: a hub accepts every device whose chain reaches a CA that it trusts, whichever CAs are in between. If prod trusts a root, and
    staging's CA is below that root, then staging's devices enter prod. A path is seen where `elsewhere` has certificates: a thumbprint
    says nothing about who is above or below. An enrollment lets devices in too, by its signing certificate, or by the name of a
    certificate of its service, which this stack must declare: of any other nobody knows which CA it is.
    Source: learn.microsoft.com/azure/iot-hub/iot-hub-x509-certificate-concepts; RFC 5280 6.1.1 (d), the trust anchor, and 6.1.3 (a).
    """
    if lets_devices_in(resource):
        yield from _shared(resource, _Elsewhere.all(settings), known=())


def sharing_at_the_end(resources: Sequence[Resource], settings: Settings) -> Iterator[tuple[str, str]]:
    """``authority_not_shared`` for a path through CAs that other resources of the stack hold."""
    elsewhere = _Elsewhere.all(settings)
    known = {found.encoding: found for each in resources for found in (authorities_in(each) if elsewhere else ())}
    declared = _References.of(resources)

    def check(each: Resource) -> Iterator[str]:
        yield from _shared_through(each, elsewhere, known.values())
        if elsewhere:
            yield from declared.unseen(each, elsewhere[0].name)

    return on_each(resources, check)


@dataclass(frozen=True)
class _References:
    """The certificates of provisioning services that the stack declares: by service and name, in lower case."""

    declared: frozenset[tuple[str, str]]
    not_known: NotKnownYetError | None  # of a name that is not known yet: any reference may be to it

    @classmethod
    def of(cls, resources: Sequence[Resource]) -> _References:
        found, not_known = set(), None
        for each in resources:
            try:
                one = declaration(each)
                if one and one.kind is Kind.CERTIFICATE:
                    found.add((_last_part(one.known(Fact.SERVICE)), str(one.known(Fact.NAME)).lower()))
            except NotKnownYetError as error:
                not_known = error
        return cls(frozenset(found), not_known)

    def unseen(self, resource: Resource, other: str) -> Iterator[str]:
        """The CA references of an enrollment that are to a certificate of nobody here.

        Raises:
            NotKnownYetError: a name is not known yet.
        """
        found = declaration(resource)
        if found is None or found.kind is not Kind.ENROLLMENT or not found.known(Fact.REFERENCES):
            return
        service = _last_part(found.known(Fact.SERVICE))
        for name in items(found.known(Fact.REFERENCES), found.where(Fact.REFERENCES)):
            if (service, str(name).lower()) in self.declared:
                continue
            if self.not_known:
                raise self.not_known
            fact = f"its CA reference '{name}' is to a certificate of '{service}' that is not declared here, and {other} may trust it too"
            yield f"{fact}: declare it here (authorities of ProvisioningService), or give the CA as a signing certificate"


def _last_part(service: Any) -> str:
    """The name of a service that is given by its name or its id."""
    return str(service or "").rstrip("/").rpartition("/")[2].lower()


def _shared_through(resource: Resource, elsewhere: Sequence[_Elsewhere], known: Iterable[Certificate]) -> Iterator[str]:
    if lets_devices_in(resource):
        before = set(_shared(resource, elsewhere, known=()))  # reported before the step
        yield from (message for message in _shared(resource, elsewhere, known) if message not in before)


@dataclass(frozen=True)
class _Elsewhere:
    """What another environment trusts, and the CAs above and below that.

    In the settings it is an object of three lists, `trusts`, `above` and `below`, of SHA-256 thumbprints (of certificates or keys) and
    certificates (PEM, or base64 of DER). A list alone is `trusts`.
    """

    name: str
    trusts: tuple[Certificate, ...]
    above: tuple[Certificate, ...]
    below: tuple[Certificate, ...]
    thumbprints: Mapping[str, str]  # each with the list that has it
    unreadable: tuple[str, ...]

    @classmethod
    def all(cls, settings: Settings) -> list[_Elsewhere]:
        return [cls._of(name, found) for name, found in sorted(settings["elsewhere"].items())]

    @classmethod
    def _of(cls, name: str, found: Any) -> _Elsewhere:
        lists = found if isinstance(found, Mapping) else {_TRUSTS: [found] if isinstance(found, str) else found}
        certificates: dict[str, list[Certificate]] = {_TRUSTS: [], _ABOVE: [], _BELOW: []}
        thumbprints, unreadable = {}, [f"the list '{each}'" for each in lists if each not in certificates]
        for kind in certificates:
            for item in items(lists.get(kind)):
                text = re.sub(r"[\s:]", "", str(item)).upper()
                if _THUMBPRINT.fullmatch(text):
                    thumbprints[text] = kind
                    continue
                try:
                    certificates[kind] += load(str(item))
                except UnreadableError:
                    unreadable.append(f"'{str(item)[:40]}' in {kind}")
        trusts, above, below = (tuple(certificates[kind]) for kind in (_TRUSTS, _ABOVE, _BELOW))
        return cls(name, trusts, above, below, thumbprints, tuple(unreadable))


def _shared(resource: Resource, elsewhere: Iterable[_Elsewhere], known: Iterable[Certificate]) -> Iterator[str]:
    own = readable_ca_certificates(resource)
    for each in elsewhere:
        for what in each.unreadable:
            fact = f"elsewhere of {each.name} has {what}, which is no thumbprint (SHA-256) and no certificate, so nothing can be compared"
            yield f"{fact}: correct it, or remove it"
        for certificate in own:
            if way := _way_in(certificate, each, tuple(known)):
                yield f"{way}: {_REMEDY}"


def _way_in(mine: Certificate, theirs: _Elsewhere, known: tuple[Certificate, ...]) -> str | None:
    """Why devices of one environment would enter the other; None if none would."""
    own = mine.thumbprints()
    same = {
        _TRUSTS: f"is also trusted by {theirs.name}",
        _ABOVE: f"is above a CA that {theirs.name} trusts, so devices of {theirs.name} would be accepted here",
        _BELOW: f"is below a CA that {theirs.name} trusts, so devices of each would be accepted by the other",
    }
    lists = {_TRUSTS: theirs.trusts, _ABOVE: theirs.above, _BELOW: theirs.below}
    for kind, words in same.items():
        thumbprints = {text for text, of in theirs.thumbprints.items() if of == kind}
        for each in lists[kind]:
            thumbprints |= set(each.thumbprints().values())
        if own["certificate"] in thumbprints:
            return f"this CA, {mine}, {words}"
        if own["key"] in thumbprints:
            return f"the key of this CA, {mine}, {words}"
    every = (*theirs.trusts, *theirs.above, *theirs.below, *known)
    trusted = {each.key for each in theirs.trusts} | {each.key for each in known if _is_among(each, theirs.thumbprints, _TRUSTS)}
    if highest := next((above for above in _all_above(mine, every) if above.key in trusted), None):
        return f"this CA, {mine}, is below {highest}, which {theirs.name} trusts, so devices of this environment would be accepted there"
    for below in (*theirs.trusts, *theirs.below):
        if any(above.key == mine.key for above in _all_above(below, (mine, *every))):
            return f"this CA, {mine}, is above {below} of {theirs.name}, so devices of {theirs.name} would be accepted here"
    return None


def _is_among(certificate: Certificate, thumbprints: Mapping[str, str], kind: str) -> bool:
    return any(thumbprints.get(each) == kind for each in certificate.thumbprints().values())


def _all_above(certificate: Certificate, every: Sequence[Certificate]) -> Iterator[Certificate]:
    """The CAs among ``every`` from which a path leads down to ``certificate``, without itself."""
    seen, waiting = {certificate.encoding}, [certificate]
    while waiting:
        lowest = waiting.pop()
        for each in every:
            if each.encoding not in seen and may_have_issued(each, lowest):
                seen.add(each.encoding)
                waiting.append(each)
                yield each
