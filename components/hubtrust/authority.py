"""CertificateAuthority: the CA that hubs trust: generated here, imported, or signed by somebody else on a certificate request."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pulumi
import pulumi_tls as tls
from cryptography import x509
from cryptography.x509.oid import NameOID

from hubtrust import signer_inputs
from hubtrust.authority_errors import AuthorityError
from hubtrust.authority_keys import AuthorityKey, KeyName, StoredKeys
from hubtrust.authority_source import Anchor, Generate, Import, Request, Trust, require_valid_generations
from hubtrust.cloud_choice import choose_cloud
from hubtrust.dynamic.authority_generation import AuthorityGeneration
from hubtrust.dynamic.authority_request import AuthorityRequest
from hubtrust.dynamic.issued_certificate import IssuedCertificate
from hubtrust.dynamic.signing_key import SigningKey
from hubtrust.errors import shown
from hubtrust.pki.authority_files import KeyText, read_chain, read_key
from hubtrust.pki.certificate import Certificate, pem
from hubtrust.pki.chain import Chain, load_chain
from hubtrust.pki.errors import NotAnAuthorityError
from hubtrust.pki.keys import KeyAlgorithm, PublicKey
from hubtrust.pki.path import Wanted, has_key
from hubtrust.pki.verification_code import require_no_code_in

__all__ = ["Anchor", "AuthorityError", "CertificateAuthority", "Generate", "Import", "KeyAlgorithm", "Request", "Trust"]

_HOURS = 24  # in a day: pulumi-tls takes hours


class CertificateAuthority(pulumi.ComponentResource):
    """A root and any number of intermediates, with path lengths; no certificate ends after its issuer's (RFC 5280)."""

    chain: pulumi.Output[str | None]  # PEM, the issuing certificate first; None while a `Request` has no answer
    given: tuple[Certificate, ...]  # the chain where it is imported or returned; empty where it is generated
    given_anchor: Certificate | None  # the one of ``given`` that hubs trust: what is above it judges nothing
    certificate_request: pulumi.Output[str | None]  # the CSR of a `Request`, PEM (RFC 2986)
    anchor: Anchor | None  # of the current generation; None while a `Request` has no answer
    previous: Anchor | None  # of the previous generation, if it is kept
    generations: AuthorityGeneration  # checks the change of generations before anything else of the CA is created
    signer: Mapping[str, Any] | None  # signs device certificates, with the issuing certificate's key; None if that key is not here

    def __init__(
        self,
        name: str,
        *,
        source: Generate | Import | Request,
        generation: int = 1,
        keep_previous: bool = False,
        previous: Generate | Import | Request | None = None,
        trust: Trust | None = None,
        cloud: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the CA's keys and certificates.

        Args:
            name: the resource's name, and the first part of the certificates' names on a hub.
            source: where the CA comes from.
            generation: 1, 2, …; the next generation is a new CA with new keys, proven before the previous one is deleted.
            keep_previous: keep the previous generation too, trusted by the hub, while devices move to the new one.
            previous: where the previous generation came from; default: ``source``, which is right for keys generated here.
            trust: which certificate hubs trust; default: the issuing one.
            cloud: whose time this machine's clock is compared with before anything is issued, as TrustedHub takes it; None: azure-native's.
            opts: Pulumi's resource options.

        Raises:
            CloudChoiceError: there is no such cloud.
            AuthorityError: an imported or returned chain is not valid (see ``load_chain``), the key is not the trusted certificate's, a
                name or a renewal window is too long, or the generations are not valid (see ``require_valid_generations``).
        """
        super().__init__("hubtrust:index:CertificateAuthority", name, None, opts)
        self.name, self.generation, self.trust = name, generation, trust or Trust.ISSUING
        self.cloud = choose_cloud(cloud, creates_hub=False)
        require_valid_generations(name, source, generation, keep_previous=keep_previous, previous=previous)
        self.generations = AuthorityGeneration(
            name,
            authority=name,
            generation=generation,
            keep_previous=keep_previous,
            clock_of=self.cloud if isinstance(source, Generate) else None,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.signer = None
        with AuthorityError.told():
            self.previous = self._declare_generation(previous or source, generation - 1) if keep_previous else None
            self.anchor = self._declare_generation(source, generation)
        self.register_outputs({"chain": self.chain, "certificateRequest": self.certificate_request})

    def _declare_generation(self, source: Generate | Import | Request, generation: int) -> Anchor | None:
        """Declare one generation and return its trust anchor. It also sets the attributes, so the current one is declared last."""
        self._prefix = f"{self.name}-g{generation}"
        self.certificate_request, self.given, self.given_anchor = pulumi.Output.from_input(None), (), None
        match source:
            case Generate():
                self._generate(source)
            case Import():
                self._import(source)
            case Request():
                self._request(source)
        return replace(self.anchor, generation=generation) if self.anchor else None

    def _generate(self, source: Generate) -> None:
        _require_one_key_each(source.custody, source.intermediates + 1)
        if source.intermediates and source.issuing_days > source.root_days:
            fact = f"issuing_days (caIssuingDays) is {source.issuing_days:g}, and root_days (caRootDays) is only {source.root_days:g}"
            remedy = f"set issuing_days to at most {source.root_days:g}, or root_days to at least {source.issuing_days:g}"
            pulumi.log.warn(f"{self.name}: {fact}, so the CAs below the root end with it; {remedy}", self)
        key = self._authority_key("root", source.key, source.custody, 0)
        signer = key.signer
        root = self._root(source, key)
        root_anchor = anchor = Anchor(root, signer)
        chain: pulumi.Output[str] = root
        for number in range(1, source.intermediates + 1):
            label = "issuing" if number == source.intermediates else f"intermediate-{number}"
            child = self._authority_key(label, source.key, source.custody, number)
            issued = IssuedCertificate(
                f"{self._prefix}-{label}",
                profile="intermediate",
                subject=_subject(f"{source.common_name} {label.replace('-', ' ')} CA", source.organization),
                public_key=child.public_key,
                issuer_certificate=chain,
                signer=signer,
                path_length=source.intermediates - number,
                lifetime_days=source.issuing_days,
                renew_before_days=source.issuing_lifetime().renew_before_days,
                cloud=self.cloud,
                opts=self._child_options(),
            )
            signer = child.signer
            chain, anchor = issued.chain, Anchor(issued.certificate, signer)
        self.chain, self.signer = chain, signer
        self.anchor = root_anchor if self.trust is Trust.ROOT else anchor

    def _root(self, source: Generate, key: AuthorityKey) -> pulumi.Output[str]:
        """The root's certificate. pulumi-tls supports neither a path length of 0 nor a key in a vault or token: IssuedCertificate does."""
        if source.intermediates == 0 or source.custody:
            issued = IssuedCertificate(
                f"{self._prefix}-root",
                profile="root",
                subject=_subject(f"{source.common_name} root CA", source.organization),
                signer=key.signer,
                path_length=source.intermediates,
                lifetime_days=source.root_days,
                renew_before_days=source.root_lifetime().renew_before_days,
                cloud=self.cloud,
                opts=self._child_options(),
            )
            return issued.certificate
        subject = tls.SelfSignedCertSubjectArgs(common_name=f"{source.common_name} root CA", organization=source.organization)
        return tls.SelfSignedCert(
            f"{self._prefix}-root",
            private_key_pem=key.signer["privateKey"],
            subject=subject,
            is_ca_certificate=True,
            max_path_length=source.intermediates,
            set_subject_key_id=True,  # RFC 5280, 4.2.1.2: children name their issuer's key by it
            allowed_uses=["cert_signing", "crl_signing"],
            validity_period_hours=source.root_days * _HOURS,
            early_renewal_hours=int(source.root_lifetime().renew_before_days * _HOURS),
            opts=self._child_options(),
        ).cert_pem

    def _import(self, source: Import) -> None:
        key = _imported_key(source)
        chain = self._imported_chain(source, Wanted(top=self.trust is Trust.ROOT, key=key.public_key if key else None))
        certificate = chain.anchor
        if source.custody:
            _require_one_key_each(source.custody, 1)
            signer = source.custody.signer(KeyName(self._prefix, "issuing", 0))
        elif key is None:
            signer = signer_inputs.offline()
        else:
            _require_key_of(certificate, chain, key.public_key)
            passphrase = pulumi.Output.secret(key.passphrase) if key.passphrase else None
            signer = signer_inputs.in_state(pulumi.Output.secret(key.text), passphrase)
        self._use(chain)
        self.signer = signer if certificate == chain.issuing else None
        self.anchor = Anchor(pem(certificate), signer, source.proof, source.certificate_name)

    def _imported_chain(self, source: Import, wanted: Wanted) -> Chain:
        what, has_key = "the imported chain", source.private_key is not None and source.private_key == source.chain
        found = read_chain(source.chain, what=what, passphrase=source.passphrase, has_key=has_key)
        chain = load_chain(found.text, what=what, now=datetime.now(UTC), wanted=wanted)
        self._log_notices(*(found.notices if source.private_key is None else ()), *chain.notices)
        return chain

    def _use(self, chain: Chain) -> None:
        self.chain, self.given, self.given_anchor = pulumi.Output.from_input(chain.pem), chain.certificates, chain.anchor

    def _request(self, source: Request) -> None:
        signer = self._declare_request(source)
        self.chain, self.anchor = pulumi.Output.from_input(None), None
        if source.answer:
            chain = _answer(source.answer)
            self._log_notices(*chain.notices)
            self._use(chain)
            # The key here belongs to the lowest certificate of the chain: only that one can be proven.
            self.signer, self.anchor = signer, Anchor(pem(chain.issuing), signer)

    def _declare_request(self, source: Request) -> Mapping[str, Any]:
        """Declare the key and the certificate request; returns the signer with the key."""
        subject = _subject(source.common_name, source.organization)
        if source.custody:
            _require_one_key_each(source.custody, 1)
            declared = source.custody.signer(KeyName(self._prefix, "issuing", 0))
            signing_key = SigningKey(
                f"{self._prefix}-issuing-key",
                signer=declared,
                make=source.key.value,
                subject=subject,
                opts=self._child_options(),
            )
            self.certificate_request = signing_key.request
            return AuthorityKey.elsewhere(declared, signing_key.reference, signing_key.public_key).signer
        key = self._key("issuing", source.key)
        signer = signer_inputs.in_state(key.private_key_pem)
        self.certificate_request = AuthorityRequest(
            f"{self._prefix}-request", signer=signer, subject=subject, opts=self._child_options()
        ).request
        return signer

    def _authority_key(self, label: str, algorithm: KeyAlgorithm, where: StoredKeys | None, index: int) -> AuthorityKey:
        """The key with this ``index`` (0 is the root's); created if it does not exist."""
        if where is None:
            key = self._key(label, algorithm)
            return AuthorityKey(key.public_key_pem, signer_inputs.in_state(key.private_key_pem))
        declared = where.signer(KeyName(self._prefix, label, index))
        signing_key = SigningKey(f"{self._prefix}-{label}-key", signer=declared, make=algorithm.value, opts=self._child_options())
        return AuthorityKey.elsewhere(declared, signing_key.reference, signing_key.public_key)

    def _key(self, label: str, algorithm: KeyAlgorithm) -> tls.PrivateKey:
        opts = self._child_options(additional_secret_outputs=["privateKeyPem", "privateKeyOpenssh", "privateKeyPemPkcs8"])
        return tls.PrivateKey(f"{self._prefix}-{label}-key", **algorithm.tls_arguments, opts=opts)

    def _child_options(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=[self.generations], **more)

    def _log_notices(self, *notices: str) -> None:
        for notice in notices:
            pulumi.log.warn(shown(notice), self)


def _answer(text: str) -> Chain:
    """The chain that an outside authority returned for the request.

    Raises:
        PkiError: see ``load_chain``.
    """
    try:
        return load_chain(text, what="the answer to the certificate request", now=datetime.now(UTC))
    except NotAnAuthorityError as error:
        remedy = "have the request issued as a CA, as it asks for (openssl x509 -req: with -copy_extensions copyall)"
        raise NotAnAuthorityError(error.what, error.fact, remedy) from None


def _require_one_key_each(where: StoredKeys | None, certificates: int) -> None:
    if where is not None and not where.names_keys and len(where.keys or ()) != certificates:
        fact = f"{len(where.keys or ())} given, but there are {certificates} certificates"
        raise AuthorityError("the addresses of the CA's keys", fact, "give one address for each certificate, the root's first")


def _imported_key(source: Import) -> KeyText | None:
    """The imported key; None if it is elsewhere."""
    if source.private_key is None or source.custody:
        return None
    return read_key(source.private_key, what="the imported key", passphrase=source.passphrase)


def _require_key_of(certificate: Certificate, chain: Chain, key: PublicKey) -> None:
    if not has_key(certificate, key):
        owner = chain.of_key(key)
        fact = f"it belongs to '{owner.subject.rfc4514_string()}', but '{certificate.subject.rfc4514_string()}' is the trusted certificate"
        raise AuthorityError("the imported key", fact, "trust the certificate that this key belongs to, or give the key of the trusted one")


def _subject(common_name: str, organization: str | None) -> str:
    """A distinguished name as RFC 4514 text, with commas and other special characters of the values escaped."""
    try:
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        attributes += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    except ValueError:
        fact = "a name in it is empty or longer than 64 characters (RFC 5280 appendix A.1)"
        raise AuthorityError(f"the subject 'CN={common_name},O={organization or ''}'", fact, "use names of 1 to 64 characters") from None
    name = x509.Name(attributes[::-1])
    require_no_code_in(name, what=f"'{name.rfc4514_string()}'")
    return name.rfc4514_string()
