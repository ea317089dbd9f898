"""Where an authority comes from: made here, made elsewhere, or signed by somebody else on our request; and what a hub is to trust of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pulumi

from hubtrust.authority_keys import Elsewhere
from hubtrust.errors import HubtrustError
from hubtrust.pki.keys import KeyAlgorithm


class Trust(StrEnum):
    """Which of an authority's certificates a hub trusts."""

    ROOT = "root"
    ISSUING = "issuing"


class AuthorityError(HubtrustError, pulumi.RunError):
    """An authority can't be what is declared; Pulumi shows it as one line, without the program's traceback."""


@dataclass(frozen=True, kw_only=True)
class Generate:
    """A CA whose keys are made here and kept as encrypted secrets in the state, or stand in a vault or token (``custody``)."""

    common_name: str
    organization: str | None = None
    key: KeyAlgorithm = KeyAlgorithm.EC_P256
    intermediates: int = 1  # between the root and the devices; 0: the root itself signs devices
    custody: Elsewhere | None = None  # a key for each certificate; one that is not there is made there
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
    custody: Elsewhere | None = None  # the trusted certificate's key, instead of private_key
    proof: str | None = None  # custody offline: the answer to the verification code, PEM
    certificate_name: str | None = None  # what it is called on the hub already, to take that one over; None: a name is made


@dataclass(frozen=True, kw_only=True)
class Request:
    """A CA whose key is made here and whose certificate somebody else signs: a CSR goes out, the signed chain comes in."""

    common_name: str
    organization: str | None = None
    key: KeyAlgorithm = KeyAlgorithm.EC_P256
    custody: Elsewhere | None = None  # the key, instead of one in the state
    answer: str | None = None  # the chain that came back, PEM; None while it has not


@dataclass(frozen=True)
class Anchor:
    """What a hub is to register and prove: one certificate and where its key is."""

    certificate: pulumi.Input[str]  # PEM
    signer: Mapping[str, Any]
    proof: str | None = None
    certificate_name: str | None = None
    generation: int = 1


def require_overlap(name: str, source: object, generation: int, *, keep_previous: bool, previous: object) -> None:
    """Refuse two generations where there is one, where the one before is not told, and a new one that would leave nothing trusted.

    Raises:
        AuthorityError: see there.
    """
    what = f"authority '{name}', generation {generation}"
    if keep_previous and generation == 1:
        raise AuthorityError(what, "the previous generation is to be kept and there is none before 1", "leave keepPrevious out")
    made_anew = isinstance(source, Generate) and source.custody is None
    if keep_previous and previous is None and not made_anew:
        raise AuthorityError(what, "the previous generation is to be kept and its chain is not given", "give the previous chain too")
    if generation > 1 and not keep_previous and isinstance(source, Request) and not source.answer:
        fact = "it waits for its answer, and without it nothing would be trusted"
        raise AuthorityError(what, fact, "keep the previous generation until the answer is here")
