"""Name constraints: which names a certificate authority allows below itself (RFC 5280 4.2.1.10)."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from hubtrust.pki.certificate import Certificate, display
from hubtrust.pki.errors import NameConstraintError
from hubtrust.pki.names import is_within

_HOST_LIKE = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)+")
_MOST_COMPARISONS = 1 << 18  # a chain that needs more is an attack on its validator


def require_names_allowed(certificate: Certificate, above: Iterable[Certificate], *, leaf: bool = True) -> None:
    """Check that every name of ``certificate`` is allowed by the constraints of each certificate ``above`` it. ``leaf``: it is a device's.

    Raises:
        NameConstraintError: see ``require_allowed``.
    """
    constrained = [authority for authority in above if _constraints(authority)]
    if not constrained:
        return
    try:
        alternative = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        alternative = []
    require_allowed(certificate.subject, alternative, constrained, what=display(certificate), leaf=leaf)


def require_allowed(
    subject: x509.Name, alternative: Sequence[x509.GeneralName], above: Iterable[Certificate], *, what: str, leaf: bool
) -> None:
    """Check that ``subject`` and the ``alternative`` names are allowed by the constraints of each certificate ``above``.

    Raises:
        NameConstraintError: a name is excluded, not permitted, or of a form that can't be compared; or there are too many names.
    """
    names = _names(subject, alternative, leaf=leaf)
    for authority in above:
        constraints = _constraints(authority)
        if constraints is None:
            continue
        permitted, excluded = list(constraints.permitted_subtrees or ()), list(constraints.excluded_subtrees or ())
        if len(names) * (len(permitted) + len(excluded)) > _MOST_COMPARISONS:
            fact = f"it has {len(names)} names to compare with {len(permitted) + len(excluded)} name constraints of {display(authority)}"
            raise NameConstraintError(what, fact, "use an authority with fewer constraints")
        for name in names:
            _require_allowed(name, permitted, excluded, what, authority)


def _constraints(authority: Certificate) -> x509.NameConstraints | None:
    try:
        return authority.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return None


def _require_allowed(
    name: x509.GeneralName,
    permitted: list[x509.GeneralName],
    excluded: list[x509.GeneralName],
    what: str,
    authority: Certificate,
) -> None:
    remedy = "use an authority that allows this name (RFC 5280 4.2.1.10)"
    if any(_within(name, base, excluding=True) for base in excluded if type(base) is type(name)):
        raise NameConstraintError(what, f"{display(authority)} excludes its name {_text(name)}", remedy)
    same_form = [base for base in permitted if type(base) is type(name)]
    if same_form and not any(_within(name, base, excluding=False) for base in same_form):
        raise NameConstraintError(what, f"{display(authority)} does not permit its name {_text(name)}", remedy)


def _names(subject: x509.Name, alternative: Sequence[x509.GeneralName], *, leaf: bool) -> list[x509.GeneralName]:
    """The subject, if it is not empty, and the alternative names; without those, e-mail addresses in the subject.

    A common name of a device that looks like a host's counts as a DNS name if there is no other, for OpenSSL and for Windows.
    """
    names: list[x509.GeneralName] = [x509.DirectoryName(subject), *alternative] if list(subject) else [*alternative]
    if not alternative:
        names += [x509.RFC822Name(str(address.value)) for address in subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    if leaf and not any(isinstance(name, x509.DNSName) for name in alternative):
        common = [str(each.value) for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        names += [x509.DNSName(text) for text in common if _HOST_LIKE.fullmatch(text)]
    return names


def _within(name: x509.GeneralName, base: x509.GeneralName, *, excluding: bool) -> bool:
    """Whether ``name`` is in the subtree ``base``, which has the same form.

    With ``excluding`` the subtree is an excluded one: a name that can't be compared then is in it, and so is a wildcard that matches it.
    """
    match name, base:
        case x509.DNSName(value=text), x509.DNSName(value=root):
            return _host_within(text.lower(), root.lower()) or (excluding and _wildcard_matches(text.lower(), root.lower()))
        case x509.IPAddress(value=address), x509.IPAddress(value=network):
            return _address_within(address, network)
        case x509.RFC822Name(value=text), x509.RFC822Name(value=root):
            return _mailbox_within(text, root, excluding=excluding)
        case x509.DirectoryName(value=text), x509.DirectoryName(value=root):
            return is_within(text, root, excluding=excluding)
        case x509.UniformResourceIdentifier(value=text), x509.UniformResourceIdentifier(value=root):
            host = urlsplit(text).hostname or ""
            return _host_within(host, root.lower()) if root.startswith(".") else host == root.lower()
    return excluding  # a form that can't be compared: in any excluded subtree, in no permitted one


def _host_within(name: str, root: str) -> bool:
    if root.startswith("."):
        return name.endswith(root)
    return not root or name == root or name.endswith(f".{root}")


def _wildcard_matches(name: str, root: str) -> bool:
    """Whether the wildcard ``name`` matches ``root``, as `*.example.com` matches `bar.example.com`."""
    return name.startswith("*.") and root.partition(".")[2] == name[2:]


def _address_within(address: object, network: object) -> bool:
    """Whether ``address``, a single one, is in ``network``. A network in place of an address is in no network."""
    v4 = isinstance(address, ipaddress.IPv4Address) and isinstance(network, ipaddress.IPv4Network) and address in network
    v6 = isinstance(address, ipaddress.IPv6Address) and isinstance(network, ipaddress.IPv6Network) and address in network
    return v4 or v6


def _mailbox_within(text: str, root: str, *, excluding: bool) -> bool:
    local, at, host = text.rpartition("@")
    if not at or not local or not host:
        return excluding  # not a mailbox: in any excluded subtree, in no permitted one
    if "@" in root:
        root_local, _, root_host = root.rpartition("@")
        return local == root_local and host.lower() == root_host.lower()
    return host.lower().endswith(root.lower()) if root.startswith(".") else host.lower() == root.lower()


def _text(name: x509.GeneralName) -> str:
    value = getattr(name, "value", name)
    return f"'{value.rfc4514_string()}'" if isinstance(value, x509.Name) else f"'{value}'"
