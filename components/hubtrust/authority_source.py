"""Where an authority comes from: generated, imported, or signed by somebody else on a certificate request; and what hubs trust of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pulumi

from hubtrust.authority_keys import StoredKeys
from hubtrust.certificates.lifetimes import INTERMEDIATE, LIFETIMES, ROOT
from hubtrust.pki.keys import KeyAlgorithm


class Trust(StrEnum):
    """Which certificate of an authority a hub trusts."""

    ROOT = "root"
    """The root, or the highest certificate of an imported chain."""
    ISSUING = "issuing"
    """The one that signs device certificates."""


@dataclass(frozen=True, kw_only=True)
class Generate:
    """A CA generated here. Its keys are encrypted secrets in the state, or in a vault or token (``custody``).

    ``key``, ``intermediates`` and ``custody`` decide which resources there are, so they are plain; everything else is an Input.
    """

    common_name: pulumi.Input[str]
    """The CA's name; its certificates are called `<name> root CA`, `<name> intermediate 1 CA` and `<name> issuing CA`, each of at most 64
    characters (RFC 5280 appendix A.1). Everybody can read it in the certificates, also if it is given as a secret."""
    organization: pulumi.Input[str] | None = None
    """The organization in the certificates' names, at most 64 characters; None: none."""
    key: KeyAlgorithm | str = KeyAlgorithm.EC_P256
    """The algorithm of all keys: `ec-p256`, `ec-p384`, `rsa-3072` or `rsa-4096`. Plain."""
    intermediates: int = 1
    """How many CAs there are below the root, 0 to 9; with 0 the root itself signs device certificates. Plain."""
    custody: StoredKeys | None = None
    """Where the keys are, one for each certificate, each created there if it does not exist; None: in the state. Plain."""
    root_days: pulumi.Input[int] = int(LIFETIMES[ROOT].days)
    """How many days the root is valid, 1 to 36,525."""
    issuing_days: pulumi.Input[int] = int(LIFETIMES[INTERMEDIATE].days)
    """How many days the CAs below the root are valid, 1 to 36,525; they end with the root at the latest."""
    root_renew_before_days: pulumi.Input[int] | None = None
    """How many days before its end the root is renewed with the same key, fewer than ``root_days``; None: a tenth of them."""
    issuing_renew_before_days: pulumi.Input[int] | None = None
    """The same for the CAs below the root."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """A CA created elsewhere: its chain, and the trusted certificate's key, or no key (custody offline).

    Whether there are a ``private_key``, a ``proof`` and a ``certificate_name``, and ``custody``, is plain; each value is an Input.
    """

    chain: pulumi.Input[str | bytes] = field(repr=False)
    """The certificates, in any order and any encoding: PEM, DER, PKCS#7, PKCS#12, or base64 of them."""
    private_key: pulumi.Input[str | bytes] | None = field(default=None, repr=False)
    """The trusted certificate's key, in any encoding, or the same file as the chain. It becomes a secret in the state, as PEM."""
    passphrase: pulumi.Input[str] | None = field(default=None, repr=False)
    """The passphrase of the key, if it is encrypted, or of a PKCS#12 file. It becomes a secret."""
    custody: StoredKeys | None = None
    """Where the trusted certificate's key is, instead of ``private_key``: one key, by its address. Plain."""
    proof: pulumi.Input[str | None] | None = None
    """Without a key here: the certificate that proves possession for the verification code, PEM. An Output may be None: no proof yet."""
    certificate_name: pulumi.Input[str] | None = None
    """The name of an existing certificate on the hub, to take it over, at most 64 of: letters, digits, `-` `.` `_`; None: one is made."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A CA whose key is generated here and whose certificate somebody else signs, on a certificate request (CSR).

    ``key``, ``custody`` and whether there is an ``answer`` decide which resources there are, so they are plain; each value is an Input.
    """

    common_name: pulumi.Input[str]
    """The common name that is asked for, at most 64 characters."""
    organization: pulumi.Input[str] | None = None
    """The organization that is asked for, at most 64 characters; None: none."""
    key: KeyAlgorithm | str = KeyAlgorithm.EC_P256
    """The algorithm of the key: `ec-p256`, `ec-p384`, `rsa-3072` or `rsa-4096`. Plain."""
    custody: StoredKeys | None = None
    """Where the key is; it is created there if it does not exist; None: in the state. Plain."""
    answer: pulumi.Input[str] | None = None
    """The signed chain, PEM, in any order; None until there is one. An Output must have one."""


@dataclass(frozen=True)
class Anchor:
    """A trust anchor (RFC 5280 section 6.1.1): a CA certificate that a hub is to trust, and where its key is."""

    certificate: pulumi.Input[str]
    """PEM."""
    signer: pulumi.Input[Mapping[str, Any]]
    """The input ``signer`` of what proves possession of its key."""
    proof: pulumi.Input[str | None] | None = None
    """The proof of possession, PEM, if it was signed elsewhere."""
    certificate_name: pulumi.Input[str] | None = None
    """Its name on the service; None: one is made from the authority's name and the generation."""
    generation: int = 1
    """The authority's generation that it belongs to."""
    is_given: bool = False
    """Whether it was imported or returned, so that other chains that are given may contain it."""
