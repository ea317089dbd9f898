"""The values of a Generate and a Request, checked: names, lifetimes and keys. What is plain is checked at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from hubtrust.authority_arguments import read_algorithm, read_intermediates, read_lifetime, read_organization, read_subject, require_keys
from hubtrust.authority_errors import AuthorityError
from hubtrust.authority_keys import KeyName, StoredKeys
from hubtrust.authority_readers import read_text
from hubtrust.authority_source import Generate, Request
from hubtrust.given_authority import GivenChain, returned
from hubtrust.known_values import computed, validated
from hubtrust.pki.keys import KeyAlgorithm

ROOT, ISSUING = "root", "issuing"


@dataclass(frozen=True)
class GeneratedAuthority:
    """A Generate as it was read."""

    labels: tuple[str, ...]
    """Of its certificates, from the root down: `root`, `intermediate-1`, …, `issuing`; with no CA below the root only `root`."""
    subjects: Mapping[str, pulumi.Input[str]]
    """The subject of each, RFC 4514."""
    common_name: pulumi.Input[str]
    """The root's."""
    organization: pulumi.Input[str | None] | None
    """In all of them."""
    key: KeyAlgorithm
    """Of all keys."""
    stored: Mapping[str, Mapping[str, Any]] | None
    """The signer of each key in a vault or token; None: the keys are in the state."""
    root: tuple[pulumi.Input[int], pulumi.Input[float]]
    """The root's days, and those before its end in which it is renewed."""
    issuing: tuple[pulumi.Input[int], pulumi.Input[float]]
    """The same of the CAs below it."""

    @classmethod
    def read(cls, source: Generate, prefix: str) -> "GeneratedAuthority":
        """The values of ``source``; names of keys begin with ``prefix``.

        Raises:
            AuthorityError: one that is plain is not valid. One that is an Output raises it when it is known.
        """
        below = read_intermediates(source.intermediates)
        labels = (ROOT, *(f"intermediate-{number}" for number in range(1, below)), *((ISSUING,) if below else ()))
        names = {label: computed(AuthorityError, _named_as(label), source.common_name) for label in labels}
        return cls(
            labels,
            {label: computed(AuthorityError, read_subject, name, source.organization) for label, name in names.items()},
            names[ROOT],
            validated(AuthorityError, read_organization, source.organization),
            read_algorithm(source.key),
            _stored(require_keys(source.custody, len(labels)), labels, prefix),
            read_lifetime("root", source.root_days, source.root_renew_before_days),
            read_lifetime("issuing", source.issuing_days, source.issuing_renew_before_days),
        )


@dataclass(frozen=True)
class RequestedAuthority:
    """A Request as it was read."""

    subject: pulumi.Input[str]
    """What is asked for, RFC 4514."""
    key: KeyAlgorithm
    """Of the key."""
    stored: Mapping[str, Any] | None
    """The signer of a key in a vault or token; None: the key is in the state."""
    answer: GivenChain | None
    """The signed chain; None until there is one."""

    @classmethod
    def read(cls, source: Request, prefix: str) -> "RequestedAuthority":
        """The values of ``source``; the name of its key begins with ``prefix``.

        Raises:
            AuthorityError: one that is plain is not valid. One that is an Output raises it when it is known.
        """
        stored = _stored(require_keys(source.custody, 1), (ISSUING,), prefix)
        return cls(
            computed(AuthorityError, read_subject, source.common_name, source.organization),
            read_algorithm(source.key),
            stored[ISSUING] if stored else None,
            None if source.answer is None else returned(source.answer),
        )


def _stored(custody: StoredKeys | None, labels: Sequence[str], prefix: str) -> dict[str, Mapping[str, Any]] | None:
    return {label: custody.signer(KeyName(prefix, label, place)) for place, label in enumerate(labels)} if custody else None


def _named_as(label: str) -> Callable[[object], str]:
    return lambda name: f"{read_text('common_name')(name)} {label.replace('-', ' ')} CA"
