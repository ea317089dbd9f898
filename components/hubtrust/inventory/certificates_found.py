"""Every certificate of an authority that the state has, and what the state says of it: its authority, generation, renewal and key."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hubtrust.certificates.lifetimes import DEVICE, INTERMEDIATE, LIFETIMES, ROOT
from hubtrust.custody.custodies import STATE
from hubtrust.inventory import other_makers
from hubtrust.inventory.state import Resource, State, moment
from hubtrust.pki.certificate import Certificate, load_certificates
from hubtrust.pki.errors import PkiError
from hubtrust.pki.keys import key_thumbprint, load_public_key, require_strong_key
from hubtrust.pki.profile import is_authority

_NAMED = re.compile(r"(?P<authority>.+)-g(?P<generation>[1-9]\d{0,3})-(?:root|issuing|intermediate-\d+)")  # see authority_resources.py
_MOST_OUTPUTS = 10_000  # values of the stack's outputs that are looked at


@dataclass(slots=True)
class Found:
    """A certificate of an authority, and what resources say of it."""

    certificate: Certificate
    authority: str | None = None
    generation: int | None = None
    renew_at: datetime | None = None


@dataclass(slots=True)
class Authorities:
    """The certificates of authorities, by SHA-256; and where their keys are, by the keys' thumbprints."""

    found: dict[str, Found] = field(default_factory=dict)
    custodies: dict[str, str] = field(default_factory=dict)
    _texts: dict[str, list[Certificate]] = field(default_factory=dict)  # the same chain is in many resources

    @classmethod
    def of(cls, state: State) -> "Authorities":
        """Those of ``state``; what can't be read is told in ``state.unseen``."""
        here = cls()
        here._read_custodies(state)
        for one in state.of("IssuedCertificate"):
            here._read_issued(one)
        for one in state.of_types(other_makers.TLS_CERTIFICATES):
            here._read_tls(one)
        for one in state.of("VerifiedCertificate"):
            for found in here.add(one, "certificate"):
                found.authority, generation = one.text("name") or found.authority, one.count("generation")
                found.generation = generation or found.generation
        for one in state.of("PossessionProof"):
            here.add(one, "certificate")
        for one in state.of("IssuedBatch"):
            here.add(one, "issuerChain")
            here._say_custody(*here.read(one, "issuerChain", one.text("issuerChain"))[:1], custody=one.text("custody"))
        for one in state.of("EnrollmentGroupEntry"):
            here.add(one, "signingCertificates", of_inputs=True)
        for one in state.of_types(other_makers.CERTIFICATES):
            here.add_text(one, "properties.certificate", certificate_of_others(one))
        here._read_outputs(state)
        return here

    def add(self, resource: Resource, name: str, *, of_inputs: bool = False) -> list[Found]:
        """The authorities in an output, or an input, of a resource: PEM, one or several."""
        return [one for text in resource.texts(name, of_inputs=of_inputs) for one in self.add_text(resource, name, text)]

    def add_text(self, resource: Resource, name: str, text: str | None) -> list[Found]:
        """The authorities in a text."""
        found = []
        for one in self.read(resource, name, text):
            try:
                if is_authority(one):
                    found.append(self._keep(one))
            except PkiError as error:
                resource.unseen.add(f"whether {error.what}, {name} of {resource.title}, is a CA", error.fact)
        return found

    def read(self, resource: Resource, name: str, text: str | None) -> list[Certificate]:
        """The certificates in a text, in any encoding; none, told in `unseen`, where it can't be read."""
        if not text:
            return []
        if text not in self._texts:
            try:
                self._texts[text] = load_certificates(text, what=name)
            except PkiError as error:
                resource.unseen.add(f"{name} of {resource.title}", error.fact)
                self._texts[text] = []
        return self._texts[text]

    def id_of(self, certificates: Sequence[Certificate]) -> str | None:
        """The ``id`` of the first of these, if it is an authority."""
        found = sha256(certificates[0]) if certificates else ""
        return found if found in self.found else None

    def custody(self, certificate: Certificate) -> str | None:
        """Where its key is, if the state says it."""
        return self.custodies.get(thumbprint_of_key(certificate) or "")

    def _keep(self, certificate: Certificate) -> Found:
        return self.found.setdefault(sha256(certificate), Found(certificate))

    def _read_custodies(self, state: State) -> None:
        """The resource that holds a key knows best where it is; one that signs with it comes next."""
        said = [(one.text("keyThumbprint"), one.text("custody")) for one in state.of("SigningKey", "AuthorityRequest")]
        said += [(_key_of_tls(one), STATE) for one in state.of_types(other_makers.TLS_KEYS)]
        said += [(one.text("issuerKeyThumbprint"), one.text("custody")) for one in state.of("IssuedCertificate")]
        said += [(one.text("keyThumbprint"), one.text("custody")) for one in state.of("VerifiedCertificate")]
        for thumbprint, custody in said:
            if thumbprint and custody:
                self.custodies.setdefault(thumbprint, custody)

    def _say_custody(self, *issuers: Certificate, custody: str | None) -> None:
        """Where the key of an issuer is, if nothing else of the state says it."""
        for thumbprint in filter(None, map(thumbprint_of_key, issuers)):
            if custody:
                self.custodies.setdefault(thumbprint, custody)

    def _read_issued(self, one: Resource) -> None:
        """An IssuedCertificate: of an authority it is one, of a device those above it are."""
        self.add(one, "issuerCertificate")
        if one.text("profile") == DEVICE:
            return
        for found in self.add(one, "certificate"):
            found.renew_at = renewal(one, found.certificate.not_valid_after_utc, ROOT if one.text("profile") == ROOT else INTERMEDIATE)
            _name(found, one)

    def _read_tls(self, one: Resource) -> None:
        for found in self.add(one, "certPem"):
            hours = one.number("earlyRenewalHours")
            end = found.certificate.not_valid_after_utc
            found.renew_at = end - timedelta(hours=min(max(hours, 0), 24 * 36525)) if hours else None
            _name(found, one)

    def _read_outputs(self, state: State) -> None:
        """The stack's outputs: a program exports certificates under names of its own."""
        for stack in state.of_types(other_makers.STACK):
            for text in _certificate_texts(stack.outputs):
                self.add_text(stack, "an output", text)


def renewal(one: Resource, end: datetime, profile: str) -> datetime:
    """From when a run renews a certificate that ends at ``end``: its output `renewAt`, or what its renewal window, or the default, says."""
    if said := moment(one.text("renewAt")):
        return said
    days = one.number("renewBeforeDays")
    return end - timedelta(days=LIFETIMES[profile].renew_before_days if days is None else min(max(days, 0), 36525))


def sha256(certificate: Certificate) -> str:
    """Its SHA-256 thumbprint, upper-case hex."""
    from cryptography.hazmat.primitives import hashes

    return certificate.fingerprint(hashes.SHA256()).hex().upper()


def thumbprint_of_key(certificate: Certificate) -> str | None:
    """SHA-256 of its public key; None for a key that Azure does not take."""
    try:
        return key_thumbprint(require_strong_key(certificate.public_key(), what=""))
    except (PkiError, ValueError):
        return None


def certificate_of_others(one: Resource) -> str | None:
    """The certificate of azure-native's or azure's resource: it shows it under `properties`, and was given it under `certificate`."""
    for names in (("properties", "certificate"), ("certificateContent",), ("certificate",)):
        if isinstance(found := one.within(*names), str) and found:
            return found
    return None


def _name(found: Found, one: Resource) -> None:
    """A CA that a component made is named after it and the generation."""
    if named := _NAMED.fullmatch(one.name):
        found.authority, found.generation = named["authority"], int(named["generation"])


def _key_of_tls(one: Resource) -> str | None:
    try:
        return key_thumbprint(load_public_key(one.text("publicKeyPem") or "", what="publicKeyPem"))
    except PkiError:
        return None  # another kind of key, or a damaged one: of no certificate that is shown


def _certificate_texts(outputs: object) -> Iterator[str]:
    """Texts with certificates in JSON values of any depth."""
    waiting, seen = [outputs], 0
    while waiting and seen < _MOST_OUTPUTS:
        value, seen = waiting.pop(), seen + 1
        if isinstance(value, str) and "-----BEGIN CERTIFICATE-----" in value and "PRIVATE KEY" not in value:
            yield value
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
