"""Name constraints: which names a certificate authority allows below itself (RFC 5280 4.2.1.10), as OpenSSL judges devices by them.

A name that can't be compared is refused by every constraint on its form, and by none on another form.
"""

import re
import string
from collections.abc import Iterable, Sequence
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from hubtrust.pki import der, general_names, name_strings
from hubtrust.pki.certificate import Certificate, display
from hubtrust.pki.errors import DerError, NameConstraintError
from hubtrust.pki.general_names import Constraints, Form, GeneralName, Subtree
from hubtrust.pki.names import common_names, is_within

_HOST_LIKE = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)+")
_URI = re.compile(r"[^:/?#]*://(?P<authority>(?:[^/?#]*@)?(?P<host>[^:/?#]*)[^:/]*)")  # RFC 3986 3.2; OpenSSL takes the whole authority
_IPV4 = re.compile(r"[0-9.]+")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_MOST_COMPARISONS = 1 << 18  # a chain that needs more is an attack on its validator


def require_names_allowed(certificate: Certificate, above: Iterable[Certificate], *, leaf: bool = True) -> None:
    """Check that every name of ``certificate`` is allowed by the constraints of each certificate ``above`` it. ``leaf``: it is a device's.

    Raises:
        NameConstraintError: see ``require_allowed``.
        ProfileError: see ``Certificate.extensions``.
    """
    constrained = [authority for authority in above if _constraints(authority)]
    if not constrained:
        return
    if name_strings.has_odd_mailbox(der.only_element(certificate.subject_encoding)):
        fact = f"{display(constrained[0])} constrains names, and the e-mail address in its subject is not an IA5String (RFC 5280 A.1)"
        raise NameConstraintError(display(certificate), fact, "have it reissued with the address in its alternative names")
    _ = certificate.extensions  # raises if the alternative names are malformed
    value = certificate.extension_value(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    alternative = general_names.alternative_names(value) if value is not None else []
    require_allowed(certificate.subject, alternative, constrained, what=display(certificate), leaf=leaf)


def require_allowed(subject: x509.Name, alternative: Sequence[GeneralName], above: Iterable[Certificate], *, what: str, leaf: bool) -> None:
    """Check that ``subject`` and the ``alternative`` names are allowed by the constraints of each certificate ``above``.

    Raises:
        NameConstraintError: a name is excluded, not permitted, or can't be compared; or there are too many names.
    """
    names = _names(subject, alternative, leaf=leaf)
    hidden = leaf and any("\0" in text.rstrip("\0") for text in common_names(subject))
    for authority in above:
        found = _constraints(authority)
        if found is None:
            continue
        if hidden and not any(name.form is Form.HOST for name in alternative):
            fact = f"{display(authority)} constrains names, and a NUL in its common name hides what it is"
            raise NameConstraintError(what, fact, "use a name without it")
        count = len(found.permitted) + len(found.excluded)
        if len(names) * count > _MOST_COMPARISONS:
            fact = f"it has {len(names)} names to compare with {count} name constraints of {display(authority)}"
            raise NameConstraintError(what, fact, "use an authority with fewer constraints")
        for name in names:
            _require_allowed(name, found, what, authority)


def _constraints(authority: Certificate) -> Constraints | None:
    value = authority.extension_value(ExtensionOID.NAME_CONSTRAINTS)
    try:
        return _read(value) if value is not None else None
    except DerError as error:
        raise NameConstraintError(display(authority), f"its name constraints are malformed ({error})", "have it reissued") from None


@lru_cache(maxsize=64)  # an authority's are read again for each device of a batch
def _read(value: bytes) -> Constraints:
    return general_names.constraints(value)


def _require_allowed(name: GeneralName, found: Constraints, what: str, authority: Certificate) -> None:
    remedy = "use an authority that allows this name (RFC 5280 4.2.1.10)"
    permitted, excluded = ([one for one in trees if one.base.form is name.form] for trees in (found.permitted, found.excluded))
    if any(one.distance for one in (*permitted, *excluded)):
        fact = f"{display(authority)} constrains its name {name} by a minimum or a maximum distance, which RFC 5280 does not allow"
        raise NameConstraintError(what, fact, remedy)
    if odd := next((one for one in (*permitted, *excluded) if not one.is_comparable), None):
        fact = f"{display(authority)} constrains its name {name} by {odd.base}, which can't be compared with it"
        raise NameConstraintError(what, fact, remedy)
    if any(_within(name, one, excluding=True) for one in excluded):
        raise NameConstraintError(what, f"{display(authority)} excludes its name {name}", remedy)
    if permitted and not any(_within(name, one, excluding=False) for one in permitted):
        raise NameConstraintError(what, f"{display(authority)} does not permit its name {name}", remedy)


def _names(subject: x509.Name, alternative: Sequence[GeneralName], *, leaf: bool) -> list[GeneralName]:
    """The subject, if it is not empty, the alternative names, and e-mail addresses in the subject.

    RFC 5280 wants the last ones only where there are no alternative names; OpenSSL always does.
    A common name of a device that looks like a host's counts as a DNS name if there is no other, for OpenSSL and for Windows.
    """
    names = [general_names.directory(subject), *alternative] if list(subject) else [*alternative]
    names += [general_names.mailbox(str(address.value)) for address in subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    if leaf and not any(name.form is Form.HOST for name in alternative):
        names += [general_names.host(text) for text in common_names(subject) if _HOST_LIKE.fullmatch(text.rstrip("\0"))]
    return names


def _within(name: GeneralName, subtree: Subtree, *, excluding: bool) -> bool:
    """Whether ``name`` is in ``subtree``, which has the same form.

    With ``excluding`` the subtree is an excluded one: a name that can't be compared then is in it, and so is a wildcard that matches it.
    """
    base = subtree.base.value
    match name.value, base:
        case x509.Name(), x509.Name():
            return is_within(name.value, base, excluding=excluding)
        case bytes(), bytes():
            return _address_within(name.value, base, excluding=excluding)
        case str(), str():
            return _text_within(name.form, name.value, base, excluding=excluding)
    return excluding


def _text_within(form: Form, name: str, base: str, *, excluding: bool) -> bool:
    if form is Form.MAILBOX:
        return _mailbox_within(name, base, excluding=excluding)
    name, base = name.translate(_LOWER), base.translate(_LOWER)
    if form is Form.HOST:
        return _host_within(name, base) or (excluding and _wildcard_matches(name, base))
    return _uri_within(name, base, excluding=excluding)


def _uri_within(name: str, base: str, *, excluding: bool) -> bool:
    """Whether the host of the URI ``name`` is ``base``, or ends with it. RFC 5280 wants every URI without a host name refused."""
    found = _URI.match(name)
    if not found or not found["host"] or "[" in found["host"] or _IPV4.fullmatch(found["host"]):
        return excluding
    hosts = (found["host"], found["authority"].partition(":")[0])
    matches = [host.endswith(base) if base.startswith(".") else host == base for host in hosts]
    return any(matches) if excluding else all(matches)


def _host_within(name: str, root: str) -> bool:
    if root.startswith("."):
        return name.endswith(root)
    return not root or name == root or name.endswith(f".{root}")


def _wildcard_matches(name: str, root: str) -> bool:
    """Whether the wildcard ``name`` matches ``root``, as `*.example.com` matches `bar.example.com`."""
    return name.startswith("*.") and root.partition(".")[2] == name[2:]


def _address_within(address: bytes, network: bytes, *, excluding: bool) -> bool:
    """Whether ``address``, 4 or 16 octets, is in ``network``, an address and a mask of any form."""
    if len(address) not in (4, 16):
        return excluding
    half = len(network) // 2
    return len(address) == half and all(
        (octet ^ wanted) & mask == 0 for octet, wanted, mask in zip(address, network[:half], network[half:], strict=True)
    )


def _mailbox_within(text: str, root: str, *, excluding: bool) -> bool:
    local, at, host = text.rpartition("@")
    if not at or not local or not host:
        return excluding  # not a mailbox: in any excluded subtree, in no permitted one
    root_local, _, root_host = root.rpartition("@")
    host, root = host.translate(_LOWER), root_host.translate(_LOWER)
    if root_local:
        return local == root_local and host == root
    return host.endswith(root) if root.startswith(".") else host == root
