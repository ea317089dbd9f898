"""Name constraints: which names a certificate authority allows below itself (RFC 5280 4.2.1.10)."""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from hubtrust.pki.certificate import display
from hubtrust.pki.errors import NameConstraintError

_MOST_COMPARISONS = 1 << 18  # a chain that needs more is an attack on its validator


def require_names_allowed(certificate: x509.Certificate, above: Iterable[x509.Certificate]) -> None:
    """Check that every name of ``certificate`` is allowed by the constraints of each certificate ``above`` it.

    Raises:
        NameConstraintError: a name is excluded, not permitted, or of a form that can't be compared; or there are too many names.
    """
    names = _names(certificate)
    for authority in above:
        try:
            constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
        except x509.ExtensionNotFound:
            continue
        permitted, excluded = list(constraints.permitted_subtrees or ()), list(constraints.excluded_subtrees or ())
        if len(names) * (len(permitted) + len(excluded)) > _MOST_COMPARISONS:
            fact = f"it has {len(names)} names to compare with {len(permitted) + len(excluded)} name constraints of {display(authority)}"
            raise NameConstraintError(display(certificate), fact, "use an authority with fewer constraints")
        for name in names:
            _require_allowed(name, permitted, excluded, certificate, authority)


def _require_allowed(
    name: x509.GeneralName,
    permitted: list[x509.GeneralName],
    excluded: list[x509.GeneralName],
    certificate: x509.Certificate,
    authority: x509.Certificate,
) -> None:
    remedy = "use an authority that allows this name (RFC 5280 4.2.1.10)"
    if any(_within(name, base, excluding=True) for base in excluded if type(base) is type(name)):
        raise NameConstraintError(display(certificate), f"{display(authority)} excludes its name {_text(name)}", remedy)
    same_form = [base for base in permitted if type(base) is type(name)]
    if same_form and not any(_within(name, base, excluding=False) for base in same_form):
        raise NameConstraintError(display(certificate), f"{display(authority)} does not permit its name {_text(name)}", remedy)


def _names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    """The subject, if it is not empty, and the alternative names; without those, e-mail addresses in the subject."""
    names: list[x509.GeneralName] = [x509.DirectoryName(certificate.subject)] if list(certificate.subject) else []
    try:
        names += list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        addresses = certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)
        names += [x509.RFC822Name(str(address.value)) for address in addresses]
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
            return list(text.rdns)[: len(root.rdns)] == list(root.rdns)
        case x509.UniformResourceIdentifier(value=text), x509.UniformResourceIdentifier(value=root):
            host = urlsplit(text).hostname or ""
            return _host_within(host, root) if root.startswith(".") else host == root.lower()
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
