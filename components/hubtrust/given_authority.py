"""An authority's chain that was made elsewhere, imported or returned for a request, and the key that belongs to it.

A chain and a key that are plain are read at once. If one of them is an Output, both are read when they are known, and what is made of them
is an Output too: of public parts only if the chain is a secret itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import pulumi

from hubtrust import signer_inputs
from hubtrust.authority_errors import AuthorityError
from hubtrust.authority_keys import KeyName
from hubtrust.authority_readers import kind, read_content
from hubtrust.authority_source import Import, Trust
from hubtrust.known_values import computed
from hubtrust.pki.authority_files import KeyText, read_chain, read_key
from hubtrust.pki.certificate import pem
from hubtrust.pki.chain import Chain, load_chain
from hubtrust.pki.errors import NotAnAuthorityError
from hubtrust.pki.keys import PublicKey
from hubtrust.pki.path import Wanted, has_key

Signer = pulumi.Input[Mapping[str, Any]]
_T = TypeVar("_T")
_CHAIN, _KEY, _ANSWER = "the imported chain", "the imported key", "the answer to the certificate request"
_FORMS = "give PEM, or the bytes of a file in DER, PKCS#7 or PKCS#12"


@dataclass(frozen=True)
class GivenChain:
    """The parts of a chain that was given, each an Input."""

    text: pulumi.Input[str]
    """PEM, the issuing certificate first."""
    certificates: pulumi.Input[Sequence[str]]
    """The same, one by one."""
    anchor: pulumi.Input[str]
    """The trusted certificate, PEM: what is above it judges nothing."""
    notices: pulumi.Input[Sequence[str]]
    """What is worth knowing of it, a line each."""

    def first_of(self, trusted: Sequence[pulumi.Input[str]]) -> pulumi.Input[str | None]:
        """The lowest of its certificates that is one of ``trusted``, PEM; None if none is."""
        return computed(AuthorityError, _first_of, self.certificates, *trusted)


@dataclass(frozen=True)
class ImportedAuthority:
    """An Import as it was read."""

    chain: GivenChain
    proving: Signer
    """The signer with the trusted certificate's key."""
    signing: Signer | None
    """The signer with the issuing certificate's key; None, or one of custody offline, if that key is not here."""


@dataclass(frozen=True)
class _Read:
    chain: Chain
    key: KeyText | None
    notices: tuple[str, ...]
    is_one_file: bool  # the chain and the key are in one file

    @property
    def is_issuing(self) -> bool:
        """Whether the trusted certificate is the one that signs devices."""
        return self.chain.anchor == self.chain.issuing

    def signer(self) -> Mapping[str, Any]:
        """The signer with the trusted certificate's key."""
        if self.key is None:
            return signer_inputs.offline()
        passphrase = pulumi.Output.secret(self.key.passphrase) if self.key.passphrase else None
        return signer_inputs.in_state(pulumi.Output.secret(self.key.text), passphrase)


def imported(source: Import, trust: Trust, name: KeyName) -> ImportedAuthority:
    """The chain and the key of ``source``; ``name`` is that of a key in a vault or token.

    Raises:
        AuthorityError: they are plain and not valid (see ``read_chain``, ``read_key`` and ``load_chain``), or the key is not the trusted
            certificate's. If one of them is an Output, the parts raise it.
    """
    has_key = source.private_key is not None

    def read(chain: object, key: object, passphrase: object) -> _Read:
        return _read_import(chain, key, passphrase, is_top=trust is Trust.ROOT, has_key=has_key)

    found = computed(AuthorityError, read, source.chain, source.private_key, source.passphrase)
    stored = source.custody.signer(name) if source.custody else None
    if not isinstance(found, pulumi.Output):
        signer = stored or found.signer()
        return ImportedAuthority(_given(found), signer, signer if found.is_issuing else None)
    public = _public(found, source.chain)
    in_state: pulumi.Output[Mapping[str, Any]] = found.apply(_signer)
    in_state = pulumi.Output.secret(in_state)
    proving = stored or in_state
    signing = pulumi.Output.all(proving, public.apply(lambda one: one.is_issuing)).apply(
        lambda both: both[0] if both[1] else signer_inputs.offline()
    )
    return ImportedAuthority(_given(public), proving, signing)


def returned(answer: pulumi.Input[str]) -> GivenChain:
    """The chain that an outside authority returned for a request.

    Raises:
        AuthorityError: it is plain and not valid (see ``load_chain``). If it is an Output, the parts raise it.
    """
    return _given(computed(AuthorityError, _read_answer, answer))


def _public(found: pulumi.Output[_Read], chain: pulumi.Input[str | bytes]) -> pulumi.Output[_Read]:
    """What was read, without the key: a secret only if the file with the ``chain`` is one although the key is not in it."""
    without_key = pulumi.Output.unsecret(found.apply(lambda one: replace(one, key=None)))
    as_given = pulumi.Output.all(without_key, chain).apply(lambda both: both[0])  # a secret if the chain is one
    return without_key.apply(lambda one: without_key if one.is_one_file else as_given)


def _given(found: _Read | pulumi.Output[_Read]) -> GivenChain:
    return GivenChain(
        _part(found, lambda one: one.chain.pem),
        _part(found, lambda one: [pem(certificate) for certificate in one.chain.certificates]),
        _part(found, lambda one: pem(one.chain.anchor)),
        _part(found, lambda one: list(one.notices)),
    )


def _signer(found: _Read) -> pulumi.Output[Mapping[str, Any]]:
    return pulumi.Output.from_input(found.signer())


def _part(found: _Read | pulumi.Output[_Read], part: Callable[[_Read], _T]) -> pulumi.Input[_T]:
    return found.apply(part) if isinstance(found, pulumi.Output) else part(found)


def _first_of(certificates: Sequence[str], *trusted: str) -> str | None:
    return next((one for one in certificates if one in trusted), None)


def _read_import(chain: object, key: object, passphrase: object, *, is_top: bool, has_key: bool) -> _Read:
    """The chain and the key, if there is one.

    Raises:
        AuthorityError, PkiError: see ``imported``.
    """
    content = read_content(_CHAIN, _FORMS)(chain)
    if passphrase is not None and not isinstance(passphrase, str):
        raise AuthorityError("the passphrase", kind(passphrase), "give it as a text")
    private = None
    if has_key:
        private = read_key(read_content(_KEY, f"{_FORMS}; or leave private_key out")(key), what=_KEY, passphrase=passphrase)
    found = read_chain(content, what=_CHAIN, passphrase=passphrase, has_key=key == chain)
    wanted = Wanted(top=is_top, key=private.public_key if private else None)
    loaded = load_chain(found.text, what=_CHAIN, now=datetime.now(UTC), wanted=wanted)
    if private is not None:
        _require_key_of(loaded, private.public_key)
    return _Read(loaded, private, (*(() if private else found.notices), *loaded.notices), is_one_file=key == chain)


def _read_answer(answer: object) -> _Read:
    remedy = "give the signed chain, or leave answer out (None, not an Output) until there is one"
    content = read_content(_ANSWER, remedy)(answer)
    try:
        chain = load_chain(content, what=_ANSWER, now=datetime.now(UTC))
    except NotAnAuthorityError as error:
        remedy = "have the request issued as a CA, as it asks for (openssl x509 -req: with -copy_extensions copyall)"
        raise NotAnAuthorityError(error.what, error.fact, remedy) from None
    return _Read(chain, None, chain.notices, is_one_file=False)


def _require_key_of(chain: Chain, key: PublicKey) -> None:
    if not has_key(chain.anchor, key):
        owner, trusted = (one.subject.rfc4514_string() for one in (chain.of_key(key), chain.anchor))
        fact = f"it belongs to '{owner}', but '{trusted}' is the trusted certificate"
        raise AuthorityError(_KEY, fact, "trust the certificate that this key belongs to, or give the key of the trusted one")
