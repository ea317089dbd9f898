"""Where an authority comes from: generated, imported, or signed by somebody else on a certificate request; and what hubs trust of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pulumi

from hubtrust.authority_errors import AuthorityError
from hubtrust.authority_keys import StoredKeys
from hubtrust.certificates.lifetimes import INTERMEDIATE, LIFETIMES, ROOT, Lifetime, authority_lifetime, require_window
from hubtrust.pki.keys import KeyAlgorithm


class Trust(StrEnum):
    """Which certificate of an authority a hub trusts."""

    ROOT = "root"
    ISSUING = "issuing"


@dataclass(frozen=True, kw_only=True)
class Generate:
    """A CA generated here. Its keys are encrypted secrets in the state, or in a vault or token (``custody``)."""

    common_name: str
    organization: str | None = None
    key: KeyAlgorithm = KeyAlgorithm.EC_P256
    intermediates: int = 1  # CAs between the root and the devices; 0: the root itself signs device certificates
    custody: StoredKeys | None = None  # a key for each certificate, created there if it does not exist; None: keys in the state
    root_days: int = int(LIFETIMES[ROOT].days)
    issuing_days: int = int(LIFETIMES[INTERMEDIATE].days)
    root_renew_before_days: int | None = None  # days before its end it is renewed with the same key; None: a tenth of its lifetime
    issuing_renew_before_days: int | None = None

    def root_lifetime(self) -> Lifetime:
        """How long the root lasts, and its renewal window.

        Raises:
            DeclarationError: the window is not shorter.
        """
        return _checked(authority_lifetime(self.root_days, self.root_renew_before_days), "root")

    def issuing_lifetime(self) -> Lifetime:
        """How long the CAs below the root last, and their renewal window.

        Raises:
            DeclarationError: the window is not shorter.
        """
        return _checked(authority_lifetime(self.issuing_days, self.issuing_renew_before_days), "issuing")


def _checked(lifetime: Lifetime, certificate: str) -> Lifetime:
    names = {"days_name": f"{certificate}_days", "window_name": f"{certificate}_renew_before_days"}
    require_window(lifetime.days, lifetime.renew_before_days, **names)
    return lifetime


@dataclass(frozen=True, kw_only=True)
class Import:
    """A CA created elsewhere: its chain, and the trusted certificate's key, or no key (custody offline)."""

    chain: str | bytes = field(repr=False)  # in any order and any encoding: PEM, DER, PKCS#7, PKCS#12, base64 of them
    private_key: str | bytes | None = field(
        default=None, repr=False
    )  # in any encoding, or the same file as the chain; becomes a secret in the state, as PEM
    passphrase: str | None = field(default=None, repr=False)  # of the key, if it is encrypted, or of a PKCS#12 file
    custody: StoredKeys | None = None  # the trusted certificate's key is there, instead of private_key
    proof: str | None = None  # custody offline: the certificate that proves possession for the verification code, PEM
    certificate_name: str | None = None  # of an existing certificate on the hub, to take it over; None: a generated name


@dataclass(frozen=True, kw_only=True)
class Request:
    """A CA whose key is generated here and whose certificate somebody else signs, on a certificate request (CSR)."""

    common_name: str
    organization: str | None = None
    key: KeyAlgorithm = KeyAlgorithm.EC_P256
    custody: StoredKeys | None = None  # the key is there; None: in the state
    answer: str | None = None  # the signed chain, PEM, in any order; None until there is one


@dataclass(frozen=True)
class Anchor:
    """A trust anchor (RFC 5280 section 6.1.1): a CA certificate that a hub is to trust, and where its key is."""

    certificate: pulumi.Input[str]  # PEM
    signer: Mapping[str, Any]
    proof: str | None = None
    certificate_name: str | None = None
    generation: int = 1


def require_valid_generations(name: str, source: object, generation: int, *, keep_previous: bool, previous: object) -> None:
    """Check that this generation, and the previous one if it is kept, can be declared.

    Raises:
        AuthorityError: generation 1 has no previous one, the previous generation's chain is missing, or nothing would be trusted.
    """
    what = f"authority '{name}', generation {generation}"
    if keep_previous and generation == 1:
        raise AuthorityError(what, "keep_previous is set, but generation 1 has no previous one", "remove keep_previous (caKeepPrevious)")
    has_new_keys = isinstance(source, Generate) and (source.custody is None or source.custody.names_keys)
    if keep_previous and previous is None and not has_new_keys:
        raise AuthorityError(what, "keep_previous is set, but the previous chain is missing", "give it as previous (caPreviousChain)")
    if generation > 1 and not keep_previous and isinstance(source, Request) and not source.answer:
        fact = "its certificate request has no answer yet, so nothing would be trusted"
        raise AuthorityError(what, fact, "keep the previous generation until there is one (keep_previous, caKeepPrevious)")
