"""The rules of an authority's arguments. What is plain is checked at once, an Output when it is known; settings use the same readers."""

from typing import Any, Final

import pulumi
from cryptography import x509
from cryptography.x509.oid import NameOID

from hubtrust.authority_errors import AuthorityError
from hubtrust.authority_keys import InKeyVault, InToken, StoredKeys
from hubtrust.authority_readers import kind, read_as, read_plain, read_text
from hubtrust.authority_source import Generate, Import, Request, Trust
from hubtrust.certificates.declaration import require_certificate_name, require_composed_name
from hubtrust.certificates.lifetimes import LONGEST, authority_lifetime, require_window
from hubtrust.inputs import boolean, choice, whole_number
from hubtrust.known_values import characters, computed, is_plain, require_plain
from hubtrust.pki.keys import KeyAlgorithm
from hubtrust.pki.proof import load_proof
from hubtrust.pki.verification_code import require_no_code_in

MOST_INTERMEDIATES: Final = 9  # a TLS stack takes ten certificates above a device's
NEWEST_GENERATION: Final = 9999
LONGEST_NAME: Final = 64  # characters: RFC 5280 appendix A.1, ub-common-name and ub-organization-name
Source = Generate | Import | Request


def read_generation(value: object) -> int:
    """The number of a generation, plain.

    Raises:
        AuthorityError: it is none.
    """
    return read_plain("generation", whole_number(1, NEWEST_GENERATION), value)


def read_flag(what: str, value: object) -> bool:
    """A plain True or False.

    Raises:
        AuthorityError: it is something else.
    """
    return read_plain(what, boolean, value)


def read_trust(value: object) -> Trust:
    """Which certificate is trusted, plain; None: the issuing one.

    Raises:
        AuthorityError: it is something else.
    """
    return Trust.ISSUING if value is None else read_plain("trust", choice(Trust), value)


def read_algorithm(value: object) -> KeyAlgorithm:
    """The algorithm of generated keys, plain.

    Raises:
        AuthorityError: there is no such one.
    """
    return read_plain("key", choice(KeyAlgorithm, "there is no algorithm {!r}"), value)


def read_intermediates(value: object) -> int:
    """How many CAs there are below a generated root, plain.

    Raises:
        AuthorityError: it is no number of them.
    """
    return read_plain("intermediates", whole_number(0, MOST_INTERMEDIATES), value)


def read_lifetime(certificate: str, days: Any, window: Any) -> tuple[pulumi.Input[int], pulumi.Input[float]]:
    """The days that a certificate of a generated CA lasts, and those before its end in which it is renewed.

    Raises:
        AuthorityError: one is no whole number of days, or the window is not shorter.
    """
    names = (f"{certificate}_days", f"{certificate}_renew_before_days")

    def read(given: object, before: object) -> tuple[int, float]:
        lasting = read_as(names[0], whole_number(1, LONGEST), given)
        renewed = None if before is None else read_as(names[1], whole_number(0, LONGEST), before)
        lifetime = authority_lifetime(lasting, renewed)
        require_window(lasting, lifetime.renew_before_days, days_name=names[0], window_name=names[1])
        return lasting, lifetime.renew_before_days

    found = computed(AuthorityError, read, days, window)
    return (found[0], found[1]) if isinstance(found, tuple) else (found.apply(lambda both: both[0]), found.apply(lambda both: both[1]))


def read_organization(value: object) -> str:
    """The organization in a name; empty if there is none.

    Raises:
        AuthorityError: it is no text.
    """
    if value is not None and not isinstance(value, str):
        raise AuthorityError("organization", kind(value), f"give a text of at most {LONGEST_NAME} characters")
    return characters(AuthorityError, "organization", value or "")


def read_subject(common_name: Any, organization: Any) -> str:
    """A distinguished name as RFC 4514 text, with commas and other special characters of the values escaped.

    Raises:
        AuthorityError: a name is no text, empty or too long, or has the form of a verification code.
    """
    read_as("common_name", read_text("common_name"), common_name)
    read_organization(organization)
    try:
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        attributes += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    except ValueError:
        fact = "a name in it is empty or longer than 64 characters (RFC 5280 appendix A.1)"
        raise AuthorityError(f"the subject 'CN={common_name},O={organization or ''}'", fact, "use names of 1 to 64 characters") from None
    name = x509.Name(attributes[::-1])
    with AuthorityError.told():
        require_no_code_in(name, what=f"'{name.rfc4514_string()}'")
    return name.rfc4514_string()


def read_certificate_name(value: object) -> str:
    """The name of a certificate on a service.

    Raises:
        AuthorityError: Azure does not allow it.
    """
    text = read_text("certificate_name")(value)
    with AuthorityError.told():
        return require_certificate_name(text, what="certificate_name")


def read_proof(value: object) -> str:
    """The certificate that proves possession, PEM.

    Raises:
        AuthorityError: it is none.
    """
    text = read_text("proof", "give the certificate that the command in the output ceremony creates, or None")(value)
    with AuthorityError.told():
        load_proof(text, what="proof")
    return text


def require_authority_name(name: object, generation: int) -> None:
    """Check the authority's name, with which the names of its certificates begin.

    Raises:
        AuthorityError: it is no text, or Azure does not allow the names.
    """
    require_plain(AuthorityError, "the authority's name", name)
    text = read_text("the authority's name")(name)
    with AuthorityError.told():
        require_composed_name(text, generation, what=f"authority '{text}'")


def require_keys(custody: object, certificates: int) -> StoredKeys | None:
    """``custody``, if it has a key for each of so many certificates, and each address that is plain can be one.

    Raises:
        AuthorityError: it is something else, or a key or a PIN is missing, too many or not valid.
    """
    if custody is None:
        return None
    require_plain(AuthorityError, "custody", custody)
    if not isinstance(custody, InKeyVault | InToken):
        raise AuthorityError("custody", kind(custody), "give InKeyVault(…), InToken(…) or None, which is the state")
    custody.require_valid()
    if not custody.names_keys and len(custody.keys or ()) != certificates:
        many = "there is 1 certificate" if certificates == 1 else f"there are {certificates} certificates"
        fact = f"{len(custody.keys or ())} given, but {many}"
        raise AuthorityError("the addresses of the CA's keys", fact, "give one address for each certificate, the root's first")
    return custody


def require_source(what: str, source: object) -> Source:
    """``source``, if it is one.

    Raises:
        AuthorityError: it is something else.
    """
    require_plain(AuthorityError, what, source)
    if not isinstance(source, Generate | Import | Request):
        raise AuthorityError(what, kind(source), "give Generate(…), Import(…) or Request(…)")
    return source


def require_generations(name: str, source: Source, generation: int, *, keep_previous: bool, previous: object, trust: Trust) -> None:
    """Check that this generation, and the previous one if it is kept, can be declared.

    Raises:
        AuthorityError: generation 1 has no previous one, the previous generation's chain is missing, what is to be trusted can't be
            proven, or nothing would be trusted.
    """
    what = f"authority '{name}', generation {generation}"
    if keep_previous and generation == 1:
        raise AuthorityError(what, "keep_previous is set, but generation 1 has no previous one", "remove keep_previous (caKeepPrevious)")
    if previous is not None and not keep_previous:
        raise AuthorityError(what, "previous is given, but keep_previous is not set", "set keep_previous to True, or leave previous out")
    has_addresses = isinstance(source.custody, InKeyVault | InToken) and not source.custody.names_keys
    has_new_keys = isinstance(source, Generate) and not has_addresses
    if keep_previous and previous is None and not has_new_keys:
        raise AuthorityError(what, "keep_previous is set, but the previous chain is missing", "give it as previous (caPreviousChain)")
    if trust is Trust.ROOT and (isinstance(source, Request) or isinstance(previous, Request)):
        fact = "trust is root, but a requested CA's key is the issuing certificate's, so only that one can be proven"
        raise AuthorityError(what, fact, "leave trust out, or import the chain (Import)")
    if generation > 1 and not keep_previous and isinstance(source, Request) and source.answer is None:
        fact = "its certificate request has no answer yet, so nothing would be trusted"
        raise AuthorityError(what, fact, "keep the previous generation until there is one (keep_previous, caKeepPrevious)")


def require_imported_key(source: Import) -> None:
    """Check that an imported CA has one key at most, and a proof only if it has none.

    Raises:
        AuthorityError: it is not so.
    """
    custody = require_keys(source.custody, 1)
    given = [name for name in ("private_key", "custody") if getattr(source, name) is not None]
    if len(given) > 1:
        raise AuthorityError("the imported key", "private_key and custody are both given", "give only one of them")
    if given and source.proof is not None and is_plain(source.proof):
        raise AuthorityError("proof", f"{given[0]} is given, so the proof is signed here", "leave out one of them")
    if custody is not None and custody.names_keys:
        raise AuthorityError("custody", "an imported CA's key has a name of its own in the vault", "give its id (keys=[…])")
