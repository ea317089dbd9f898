"""CertificateAuthority: the CA that a hub is to trust: made here, bought elsewhere, or signed by somebody else on our request."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pulumi
import pulumi_tls as tls
from cryptography import x509
from cryptography.x509.oid import NameOID

from .dynamic import custody
from .dynamic.authority_generation import AuthorityGeneration
from .dynamic.issued_certificate import IssuedCertificate
from .errors import HubtrustError
from .pki.certificate import pem
from .pki.chain import Chain, load_chain
from .pki.errors import PkiError
from .pki.keys import load_private_key

_HOURS = 24  # a day; pulumi-tls counts in hours


class KeyAlgorithm(StrEnum):
    """Keys that Azure IoT takes and that are strong enough: EC by curve, RSA by modulus."""

    EC_P256 = "ec-p256"
    EC_P384 = "ec-p384"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"


class Trust(StrEnum):
    """Which of an authority's certificates a hub trusts."""

    ROOT = "root"
    ISSUING = "issuing"


class AuthorityError(HubtrustError, pulumi.RunError):
    """An authority can't be what is declared; Pulumi shows it as one line, without the program's traceback."""


@dataclass(frozen=True, kw_only=True)
class Generate:
    """A CA whose keys are made by pulumi-tls and kept as encrypted secrets in the state."""

    common_name: str
    organization: str | None = None
    key: KeyAlgorithm = KeyAlgorithm.EC_P256
    intermediates: int = 1  # between the root and the devices; 0: the root itself signs devices
    root_days: int = 3650
    issuing_days: int = 1825
    root_renew_before_days: int | None = None  # before its end it is signed anew with the same key; None: a tenth of its days
    issuing_renew_before_days: int | None = None

    def root_window(self) -> float:
        """Days."""
        return self.root_days / 10 if self.root_renew_before_days is None else self.root_renew_before_days

    def issuing_window(self) -> float:
        """Days."""
        return self.issuing_days / 10 if self.issuing_renew_before_days is None else self.issuing_renew_before_days


@dataclass(frozen=True, kw_only=True)
class Import:
    """A CA made elsewhere: its chain as PEM, in any order, and the key of one of its certificates, or none (custody offline)."""

    chain: str
    private_key: str | None = None  # PEM; made a secret here
    passphrase: str | None = None
    proof: str | None = None  # custody offline: the answer to the verification code, PEM
    certificate_name: str | None = None  # what it is called on the hub already, to take that one over; None: a name is made


@dataclass(frozen=True, kw_only=True)
class Request:
    """A CA whose key is made here and whose certificate somebody else signs: a CSR goes out, the signed chain comes in."""

    common_name: str
    organization: str | None = None
    key: KeyAlgorithm = KeyAlgorithm.EC_P256
    answer: str | None = None  # the chain that came back, PEM; None while it has not


@dataclass(frozen=True)
class Anchor:
    """What a hub is to register and prove: one certificate and where its key is."""

    certificate: pulumi.Input[str]  # PEM
    signer: Mapping[str, Any]
    proof: str | None = None
    certificate_name: str | None = None
    generation: int = 1


class CertificateAuthority(pulumi.ComponentResource):
    """A root and any number of intermediates, path lengths set, no child outliving its issuer."""

    chain: pulumi.Output[str | None]  # PEM, issuing authority first; None while an answer is waited for
    certificate_request: pulumi.Output[str | None]  # the CSR of a `Request`, PEM
    anchor: Anchor | None  # of this generation; None while an answer is waited for
    previous: Anchor | None  # of the generation before, where it is kept
    standing: AuthorityGeneration  # what all of it comes after

    def __init__(
        self,
        name: str,
        *,
        source: Generate | Import | Request,
        generation: int = 1,
        keep_previous: bool = False,
        previous: Generate | Import | Request | None = None,
        trust: Trust | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it.

        Args:
            name: Pulumi's name for it, and what its certificates are called on a hub.
            source: where it comes from.
            generation: 1, 2, …; the next one is another CA with other keys, and is proven before the one before goes.
            keep_previous: the generation before stands too, while devices move over to this one.
            previous: where that one came from; default: the same ``source``, which is right where keys are made here.
            trust: which certificate hubs trust; default: the issuing one.
            opts: Pulumi's options.

        Raises:
            AuthorityError: an imported or answered chain is no good, as ``load_chain`` says it, or the key is none of the chain's.
        """
        super().__init__("hubtrust:index:CertificateAuthority", name, None, opts)
        self.name, self.generation, self.trust = name, generation, trust or Trust.ISSUING
        _require_overlap(name, source, generation, keep_previous=keep_previous, previous=previous)
        self.standing = AuthorityGeneration(
            name, authority=name, generation=generation, keep_previous=keep_previous, opts=pulumi.ResourceOptions(parent=self)
        )
        try:
            self.previous = self._declared(previous or source, generation - 1) if keep_previous else None
            self.anchor = self._declared(source, generation)
        except PkiError as error:
            raise AuthorityError(error.what, error.fact, error.remedy) from None
        self.register_outputs({"chain": self.chain, "certificateRequest": self.certificate_request})

    def _declared(self, source: Generate | Import | Request, generation: int) -> Anchor | None:
        """One generation; what is read off the authority itself is the last one's that was declared."""
        self._prefix = f"{self.name}-g{generation}"
        self.certificate_request = pulumi.Output.from_input(None)
        match source:
            case Generate():
                self._generate(source)
            case Import():
                self._import(source)
            case Request():
                self._request(source)
        return replace(self.anchor, generation=generation) if self.anchor else None

    def _generate(self, source: Generate) -> None:
        key = self._key("root", source.key)
        signer = custody.in_state(key.private_key_pem)
        root = self._root(source, key)
        root_anchor = anchor = Anchor(root, signer)
        chain: pulumi.Output[str] = root
        for number in range(1, source.intermediates + 1):
            label = "issuing" if number == source.intermediates else f"intermediate-{number}"
            child = self._key(label, source.key)
            issued = IssuedCertificate(
                f"{self._prefix}-{label}",
                profile="intermediate",
                subject=_subject(f"{source.common_name} {label.replace('-', ' ')} CA", source.organization),
                public_key=child.public_key_pem,
                issuer_certificate=chain,
                signer=signer,
                path_length=source.intermediates - number,
                lifetime_days=source.issuing_days,
                renew_before_days=source.issuing_window(),
                opts=self._child(),
            )
            signer = custody.in_state(child.private_key_pem)
            chain, anchor = issued.chain, Anchor(issued.certificate, signer)
        self.chain = chain
        self.anchor = root_anchor if self.trust is Trust.ROOT else anchor

    def _root(self, source: Generate, key: tls.PrivateKey) -> pulumi.Output[str]:
        """The root's certificate. pulumi-tls can't write a path length of 0, so a root that signs devices is issued by us."""
        if source.intermediates == 0:
            issued = IssuedCertificate(
                f"{self._prefix}-root",
                profile="root",
                subject=_subject(f"{source.common_name} root CA", source.organization),
                signer=custody.in_state(key.private_key_pem),
                path_length=0,
                lifetime_days=source.root_days,
                renew_before_days=source.root_window(),
                opts=self._child(),
            )
            return issued.certificate
        subject = tls.SelfSignedCertSubjectArgs(common_name=f"{source.common_name} root CA", organization=source.organization)
        return tls.SelfSignedCert(
            f"{self._prefix}-root",
            private_key_pem=key.private_key_pem,
            subject=subject,
            is_ca_certificate=True,
            max_path_length=source.intermediates,
            set_subject_key_id=True,  # RFC 5280, 4.2.1.2: children name their issuer's key by it
            allowed_uses=["cert_signing", "crl_signing"],
            validity_period_hours=source.root_days * _HOURS,
            early_renewal_hours=int(source.root_window() * _HOURS),
            opts=self._child(),
        ).cert_pem

    def _import(self, source: Import) -> None:
        chain = load_chain(source.chain, what="the imported chain", now=datetime.now(UTC))
        self._notice(chain)
        certificate = chain.top if self.trust is Trust.ROOT else chain.issuing
        if source.private_key is None:
            signer = custody.offline()
        else:
            _require_key_of(certificate, chain, source)
            passphrase = pulumi.Output.secret(source.passphrase) if source.passphrase else None
            signer = custody.in_state(pulumi.Output.secret(source.private_key), passphrase)
        self.chain = pulumi.Output.from_input(chain.pem)
        self.anchor = Anchor(pem(certificate), signer, source.proof, source.certificate_name)

    def _request(self, source: Request) -> None:
        key = self._key("issuing", source.key)
        subject = tls.CertRequestSubjectArgs(common_name=source.common_name, organization=source.organization)
        request = tls.CertRequest(f"{self._prefix}-request", private_key_pem=key.private_key_pem, subject=subject, opts=self._child())
        self.certificate_request = request.cert_request_pem
        self.chain, self.anchor = pulumi.Output.from_input(None), None
        if source.answer:
            chain = load_chain(source.answer, what="the answer to the certificate request", now=datetime.now(UTC))
            self._notice(chain)
            self.chain = pulumi.Output.from_input(chain.pem)
            # The key is ours and belongs to the lowest certificate: only that one can be proven here.
            self.anchor = Anchor(pem(chain.issuing), custody.in_state(key.private_key_pem))

    def _key(self, label: str, algorithm: KeyAlgorithm) -> tls.PrivateKey:
        kind, _, size = algorithm.value.partition("-")
        opts = self._child(additional_secret_outputs=["privateKeyPem", "privateKeyOpenssh", "privateKeyPemPkcs8"])
        if kind == "ec":
            return tls.PrivateKey(f"{self._prefix}-{label}-key", algorithm="ECDSA", ecdsa_curve=f"P{size.removeprefix('p')}", opts=opts)
        return tls.PrivateKey(f"{self._prefix}-{label}-key", algorithm="RSA", rsa_bits=int(size), opts=opts)

    def _child(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=[self.standing], **more)

    def _notice(self, chain: Chain) -> None:
        for notice in chain.notices:
            pulumi.log.warn(notice, self)


def _require_overlap(name: str, source: object, generation: int, *, keep_previous: bool, previous: object) -> None:
    """Without the generation before there is something that is trusted, and it is told where the one before came from."""
    what = f"authority '{name}', generation {generation}"
    if keep_previous and generation == 1:
        raise AuthorityError(what, "the previous generation is to be kept and there is none before 1", "leave keepPrevious out")
    if keep_previous and previous is None and not isinstance(source, Generate):
        raise AuthorityError(what, "the previous generation is to be kept and its chain is not given", "give the previous chain too")
    if generation > 1 and not keep_previous and isinstance(source, Request) and not source.answer:
        fact = "it waits for its answer, and without it nothing would be trusted"
        raise AuthorityError(what, fact, "keep the previous generation until the answer is here")


def _require_key_of(certificate: x509.Certificate, chain: Chain, source: Import) -> None:
    key = load_private_key(source.private_key or "", what="the imported key", passphrase=source.passphrase)
    owner = chain.of_key(key.public_key())
    if owner != certificate:
        fact = f"it is the key of '{owner.subject.rfc4514_string()}', and '{certificate.subject.rfc4514_string()}' is to be trusted"
        raise AuthorityError("the imported key", fact, "trust the certificate whose key this is, or give the other key")


def _subject(common_name: str, organization: str | None) -> str:
    """A name as RFC 4514 text; from values, so that a comma in one of them stays in it."""
    try:
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        attributes += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    except ValueError:
        fact = "a name in it is empty or longer than 64 characters (RFC 5280 appendix A.1)"
        raise AuthorityError(f"the subject 'CN={common_name},O={organization or ''}'", fact, "write shorter names") from None
    return x509.Name(attributes[::-1]).rfc4514_string()
