"""Which names an authority's name constraints allow, for each form of name (RFC 5280 4.2.1.10)."""

from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from hubtrust.pki import errors
from hubtrust.pki.name_constraints import require_names_allowed
from tests.kit.authorities import Forged, name

URI, DNS, MAIL, DN = x509.UniformResourceIdentifier, x509.DNSName, x509.RFC822Name, x509.DirectoryName


def allowed(
    names: list[x509.GeneralName], *, permitted: list[x509.GeneralName] | None = None, excluded: list[x509.GeneralName] | None = None
) -> bool:
    constraints = x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=excluded)
    top = Forged(subject="Top", extra=[(constraints, True)])
    held = [(x509.SubjectAlternativeName(names), False)] if names else []
    try:
        require_names_allowed(Forged(subject="d", issuer=top, extra=held).certificate, [top.certificate])
    except errors.NameConstraintError:
        return False
    return True


@pytest.mark.parametrize(
    ("base", "held", "within"),
    [
        (URI("plant.example"), URI("https://plant.example/x"), True),
        (URI("plant.example"), URI("https://a.plant.example/x"), False),
        (URI(".plant.example"), URI("https://a.plant.example/x"), True),
        (DNS("plant.example"), DNS("a.PLANT.example"), True),
        (DNS("plant.example"), DNS("aplant.example"), False),
        (DNS(".plant.example"), DNS("a.plant.example"), True),
        (DNS(".plant.example"), DNS("plant.example"), False),
        (DNS(""), DNS("anything.example"), True),
        (MAIL(".plant.example"), MAIL("x@a.plant.example"), True),
        (MAIL("plant.example"), MAIL("x@plant.example"), True),
        (MAIL("plant.example"), MAIL("x@a.plant.example"), False),
        (MAIL("x@plant.example"), MAIL("x@Plant.example"), True),
        (MAIL("x@plant.example"), MAIL("y@plant.example"), False),
        (x509.IPAddress(ip_network("192.0.2.0/24")), x509.IPAddress(ip_address("192.0.2.7")), True),
        (x509.IPAddress(ip_network("192.0.2.0/24")), x509.IPAddress(ip_address("192.0.3.7")), False),
        (x509.IPAddress(ip_network("::/0")), x509.IPAddress(ip_address("192.0.2.7")), False),
    ],
)
def test_subtrees(base: x509.GeneralName, held: x509.GeneralName, within: bool) -> None:
    """A permitted subtree allows only its own names of that form; an excluded subtree refuses only its own names."""
    assert allowed([held], permitted=[base]) is within
    assert allowed([held], excluded=[base]) is not within


def test_wildcards_match_all_possible_names() -> None:
    """A wildcard that matches an excluded name is refused; one inside a permitted subtree is allowed."""
    assert allowed([DNS("*.plant.example")], excluded=[DNS("a.plant.example")]) is False
    assert allowed([DNS("*.plant.example")], excluded=[DNS("a.b.plant.example")]) is True
    assert allowed([DNS("*.plant.example")], permitted=[DNS("plant.example")]) is True


def test_incomparable_names_are_refused() -> None:
    """A name of a form that can't be compared is refused by any constraint on that form, permitted or excluded."""
    held = x509.RegisteredID(NameOID.COMMON_NAME)
    assert allowed([held], permitted=[held]) is False
    assert allowed([held], excluded=[held]) is False
    assert allowed([held], permitted=[DNS("plant.example")]) is True
    broken = MAIL("not-a-mailbox")
    assert (allowed([broken], permitted=[MAIL("x.example")]), allowed([broken], excluded=[MAIL("x.example")])) == (False, False)
    block = x509.IPAddress(ip_network("192.0.2.0/24"))
    assert (allowed([block], permitted=[block]), allowed([block], excluded=[x509.IPAddress(ip_network("0.0.0.0/0"))])) == (False, False)


def test_name_constraints_apply_to_the_subject() -> None:
    """Constraints apply to the subject as a directory name, and to its e-mail address if there is no alternative name."""
    assert allowed([], excluded=[DN(name("d"))]) is False
    assert allowed([], permitted=[DN(name("d"))]) is True
    mailbox = x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, "x@plant.example")])
    top = Forged(subject="Top", extra=[(x509.NameConstraints(None, [MAIL("plant.example")]), True)])
    with pytest.raises(errors.NameConstraintError, match=r"excludes its name 'x@plant\.example'"):
        require_names_allowed(Forged(subject=mailbox, issuer=top).certificate, [top.certificate])
    nobody = Forged(subject=x509.Name([]), issuer=top).certificate
    require_names_allowed(nobody, [top.certificate])


def test_too_many_names_and_constraints_are_refused() -> None:
    """Thousands of names under thousands of constraints are refused without being compared."""
    many = [DNS(f"h{number}.example") for number in range(600)]
    top = Forged(subject="Top", extra=[(x509.NameConstraints(many, None), True)])
    below = Forged(issuer=top, extra=[(x509.SubjectAlternativeName(many), False)])
    with pytest.raises(errors.NameConstraintError, match="601 names to compare with 600 name constraints"):
        require_names_allowed(below.certificate, [top.certificate])
