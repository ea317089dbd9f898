"""What changed between the facts of the last run and those of this one, as events to record.

A fact is an object of JSON, whose member `kind` says what it is about. None has a date that changes by itself.

| kind | its other members |
|---|---|
| `certificate` | `service` (resource id), `certificateName`, `authority`, `generation`, `certificate` (PEM), `state`, `proof`, `etag`, `proofs`, `adopted`: as the outputs of VerifiedCertificate have them |
| `hub`, `dps` | `id` (resource id), `adopted`: whether it was there before and was taken over |
| `enrollment` | `service`, `form` (`group`, `individual`), `id`, `status`, `revoked` and `left` (devices), `adopted` |
| `device` | `hub`, `id`, `status`, `adopted` |
| `enrollments`, `devices` | a fleet: `service` or `hub`, `fleet` (its name), `disabled` (how many), `exceptions` (the first 100 of them), `adopted` |
| `consent` | `service`, `authority`, `dropGeneration`: what was consented to in this run. Alone it is no change |
"""  # noqa: E501 - a row of a table is one line

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hubtrust.errors import shown
from hubtrust.evidence.statement import Kind, Subject
from hubtrust.pki.certificate import Certificate, load_certificate

Fact = Mapping[str, Any]
Facts = Sequence[Fact]
_Key = tuple[str, ...]

_VERIFIED, _POSSESSION, _ATTESTATION = "verified", "possession", "attestation"  # outputs of VerifiedCertificate
_ENABLED, _DISABLED = "enabled", "disabled"
_CONSENT: Final = "consent"
_PLACE: Final = {"hub": ("id",), "dps": ("id",), "enrollment": ("service", "form", "id"), "device": ("hub", "id")}
_FLEETS: Final = {"enrollments": "service", "devices": "hub"}
_CERTIFICATE: Final = ("service", "certificateName", "authority", "generation", "certificate", "etag")
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "certificate": _CERTIFICATE,
    **_PLACE,
    **{kind: (place, "fleet") for kind, place in _FLEETS.items()},
    _CONSENT: ("service", "authority", "dropGeneration"),
}
_KEYS: Final = frozenset({"service", "hub", "certificateName"})
_LONGEST = 200  # characters of a reason that somebody gave
_MOST_NAMED = 100  # a fleet's output `exceptions` has no more


@dataclass(frozen=True, slots=True)
class Event:
    """Something to record: ``predicate`` is what a statement of this kind says of ``subject``, apart from what the log itself adds."""

    kind: Kind
    subject: Certificate | Subject
    predicate: Mapping[str, Any]


def is_fact(value: Any) -> bool:
    """Whether ``value`` is an object of a known kind, with the members that it can't be without."""
    needed = _NEEDED.get(str(value.get("kind"))) if isinstance(value, Mapping) else None
    return needed is not None and all(value.get(name) is not None for name in needed)


def events(before: Facts, after: Facts) -> list[Event]:
    """What happened between the facts ``before``, none for a log that begins, and those ``after``.

    Certificates come first: what was taken over, then what was proven, then what that replaces. The same facts give no event.
    """
    old, new = _by_key(before), _by_key(after)
    consents = [one for one in after if one["kind"] == _CONSENT]
    found: list[Event] = []
    for key, fact in new.items():
        found += _of(fact, old.get(key))
    found += _rotations(_certificates(before), _certificates(after))
    for key, fact in old.items():
        found += _gone(fact, new.get(key), consents)
    return found


def same(before: Facts, after: Facts) -> bool:
    """Whether nothing has changed but what was consented to, and the letter case of resource ids."""
    return _bare(before) == _bare(after)


def _by_key(facts: Facts) -> dict[_Key, Fact]:
    return {_key(one): one for one in facts if one["kind"] != _CONSENT}


def _bare(facts: Facts) -> dict[_Key, Fact]:
    """The facts without what their keys have."""
    return {key: {name: value for name, value in one.items() if name not in _KEYS} for key, one in _by_key(facts).items()}


def _key(fact: Fact) -> _Key:
    """What a fact is about. Resource ids and certificates' names mean the same in any case."""
    kind = str(fact["kind"])
    if kind == "certificate":
        return kind, str(fact["service"]).lower(), str(fact["certificateName"]).lower()
    members = (_FLEETS[kind], "fleet") if kind in _FLEETS else _PLACE[kind]
    return (kind, *(str(fact[name]).lower() if name in ("service", "hub") else str(fact[name]) for name in members))


def _of(fact: Fact, last: Fact | None) -> Iterator[Event]:
    kind = fact["kind"]
    if kind == "certificate":
        yield from _certificate(fact, last)
    elif kind in _FLEETS:
        yield from _fleet(fact, last)
    else:
        yield from _adopted(fact, last)
        yield from _status(fact, last)


def _certificate(fact: Fact, last: Fact | None) -> Iterator[Event]:
    """What happened to a certificate on its service."""
    subject, about = _subject(fact), _about(fact)
    last = last if last is not None and last["certificate"] == fact["certificate"] else None
    before = last or {}
    if replaced := [one for one in fact.get("adopted") or () if one not in (before.get("adopted") or ())]:
        yield Event(Kind.ADOPTION, subject, {**about, "what": "certificate", "replaced": replaced, "consent": "adopt"})
    known = {(one["code"], one["proof"]) for one in before.get("proofs") or ()}
    new = [one for one in fact.get("proofs") or () if (one["code"], one["proof"]) not in known]
    for proof in new:
        yield Event(Kind.PROOF, subject, {**about, **proof})
    word, word_before = _word(fact), _word(before)
    changed = (word, fact["etag"]) != (word_before, before.get("etag"))
    shown_now = {**about, "etag": fact["etag"], "state": fact["state"], "proof": word}
    if word_before == _POSSESSION != word:
        yield Event(Kind.LOST, subject, {**shown_now, "provenEtag": before.get("etag")})
    if word == _ATTESTATION and changed:
        yield Event(Kind.ATTESTATION, subject, shown_now)
    elif word == _POSSESSION and not new and word_before != _POSSESSION:
        # Its proof is in the log already; or an earlier version recorded the word and kept no proof.
        kind = Kind.RESTORATION if last and fact.get("proofs") else Kind.OBSERVATION
        yield Event(kind, subject, {**shown_now, "what": "certificate"})
    elif word not in (None, _ATTESTATION, _POSSESSION) and changed:
        yield Event(Kind.OBSERVATION, subject, shown_now)


def _word(fact: Fact) -> Any:
    """How it is verified; None if it is not."""
    return fact.get("proof") if fact.get("state") == _VERIFIED else None


def _rotations(before: dict[_Key, list[Fact]], after: dict[_Key, list[Fact]]) -> Iterator[Event]:
    """An authority has a certificate of a later generation on a service, or another one in its generation."""
    for key, held in after.items():
        newest, known = held[0], before.get(key)
        if not known or newest["certificate"] == known[0]["certificate"] or newest["generation"] < known[0]["generation"]:
            continue
        previous = _subject(known[0])
        about = {**_about(newest), "previousGeneration": known[0]["generation"], "previousCertificate": Subject.of(previous).sha256}
        yield Event(Kind.ROTATION, _subject(newest), about)


def _certificates(facts: Facts) -> dict[_Key, list[Fact]]:
    """The certificates of each authority on each service, the newest generation first."""
    found: dict[_Key, list[Fact]] = {}
    for one in sorted((one for one in facts if one["kind"] == "certificate"), key=lambda one: -int(one["generation"])):
        found.setdefault((str(one["service"]).lower(), str(one["authority"])), []).append(one)
    return found


def _gone(last: Fact, fact: Fact | None, consents: Facts) -> Iterator[Event]:
    """A certificate that is no longer declared, or has given its name to another one; an enrollment that is no longer declared."""
    if last["kind"] == "certificate" and (fact is None or fact["certificate"] != last["certificate"]):
        given = next((one for one in consents if _is_for(one, last)), None)
        consent = {"dropGeneration": given["dropGeneration"]} if given else None
        yield Event(Kind.DROP, _subject(last), {**_about(last), "what": "certificate", "etag": last["etag"], "consent": consent})
    elif last["kind"] == "enrollment" and fact is None:
        yield Event(Kind.DROP, _named(last), {**_place(last), "what": "enrollment", "consent": None})


def _is_for(consent: Fact, dropped: Fact) -> bool:
    same_place = str(consent["service"]).lower() == str(dropped["service"]).lower() and consent["authority"] == dropped["authority"]
    return same_place and consent.get("dropGeneration") == dropped["generation"]


def _adopted(fact: Fact, last: Fact | None) -> Iterator[Event]:
    """A hub, a service, an enrollment or a device that was there before was taken over."""
    if fact.get("adopted") and not (last or {}).get("adopted"):
        yield Event(Kind.ADOPTION, _named(fact), {**_place(fact), "what": fact["kind"], "consent": "adopt"})


def _status(fact: Fact, last: Fact | None) -> Iterator[Event]:
    """An enrollment or a device was disabled or enabled again. One that no run has written yet has no status."""
    now, was = fact.get("status"), (last or {}).get("status")
    counted = {"devicesDisabled": fact.get("revoked") or 0, "devicesLeft": fact.get("left") or 0} if fact["kind"] == "enrollment" else {}
    known = {"devicesDisabled": (last or {}).get("revoked") or 0, "devicesLeft": (last or {}).get("left") or 0} if counted else {}
    about = {**_place(fact), "what": fact["kind"], **counted}
    if now == _DISABLED and (was != _DISABLED or counted != known):
        yield Event(Kind.REVOCATION, _named(fact), about)
    elif now == _ENABLED and was == _DISABLED:
        yield Event(Kind.RESTORATION, _named(fact), about)


def _fleet(fact: Fact, last: Fact | None) -> Iterator[Event]:
    """Of many: how many are disabled, and the first 100 by name; how many were taken over, and a digest of their ids."""
    before, place = last or {}, {_FLEETS[fact["kind"]]: fact[_FLEETS[fact["kind"]]], "fleet": fact["fleet"], "what": fact["kind"]}
    if fact.get("adopted") and fact["adopted"] != before.get("adopted"):
        yield Event(Kind.ADOPTION, _named(fact), {**place, "consent": "adopt", **fact["adopted"]})
    named, named_before = list(fact.get("exceptions") or ()), list(before.get("exceptions") or ())
    more = int(fact.get("disabled") or 0) - int(before.get("disabled") or 0)
    are_all = max(len(named), len(named_before)) < _MOST_NAMED  # else a name may come or go because of those before it
    came = [shown(one, _LONGEST) for one in named if are_all and one not in named_before]
    went = [shown(one, _LONGEST) for one in named_before if are_all and one not in named]
    about = {**place, "disabled": int(fact.get("disabled") or 0)}
    if more > 0 or came:
        yield Event(Kind.REVOCATION, _named(fact), {**about, "named": came})
    if more < 0 or went:
        # Those that are no longer in the fleet are among them: its outputs do not tell them apart.
        yield Event(Kind.RESTORATION, _named(fact), {**about, "noLongerDisabled": went})


def _subject(fact: Fact) -> Certificate:
    return load_certificate(str(fact["certificate"]), what="a recorded certificate")


def _about(fact: Fact) -> dict[str, Any]:
    return {name: fact[name] for name in ("service", "certificateName", "authority", "generation")}


def _place(fact: Fact) -> dict[str, Any]:
    return {name: fact[name] for name in _PLACE[fact["kind"]]}


def _named(fact: Fact) -> Subject:
    """A subject that is no certificate: its name, and the SHA-256 of the name in UTF-8."""
    name = "/".join(_key(fact)[1:]) if fact["kind"] not in ("hub", "dps") else str(fact["id"])
    return Subject(name, hashlib.sha256(name.encode()).hexdigest())
