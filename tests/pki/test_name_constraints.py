"""Which names an authority's name constraints allow, for each form of name (RFC 5280 4.2.1.10)."""

from functools import partial
from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from hubtrust.pki import errors
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.name_constraints import require_names_allowed
from tests.kit import der
from tests.kit.authorities import Forged, ec_key, name
from tests.kit.certificate_shapes import COMMON_NAME, NAME_CONSTRAINTS, ORGANIZATION, SUBJECT_ALTERNATIVE_NAME, CertificateShape, attribute
from tests.kit.certificate_shapes import name as dn
from tests.kit.der_extensions import EDI_PARTY_NAME, X400_ADDRESS

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


def encoded(names: list[bytes], *, permitted: list[bytes] | None = None, excluded: list[bytes] | None = None) -> bool:
    """Whether names are allowed; they and the subtrees are in DER, so that they may be of any form."""
    lists = [der.encode(tag, *map(partial(der.encode, der.SEQUENCE), held)) for tag, held in ((0xA0, permitted), (0xA1, excluded)) if held]
    top_key, key = ec_key(), ec_key()
    top = CertificateShape.of(Forged(subject="Top", key=top_key).certificate.der)
    top = top.with_extension(NAME_CONSTRAINTS, der.encode(der.SEQUENCE, *lists), critical=True)
    device = CertificateShape.of(Forged(subject="d", key=key).certificate.der)
    device = device.with_extension(SUBJECT_ALTERNATIVE_NAME, der.encode(der.SEQUENCE, *names))
    try:
        require_names_allowed(
            Certificate(device.signed(top_key), what="the device"), [Certificate(top.signed(top_key), what="the authority")]
        )
    except errors.NameConstraintError:
        return False
    return True


HOST, ADDRESS = der.encode(0x82, b"a.plant.example"), der.encode(0x87, b"\xc0\0\2\7")
REGISTERED = der.encode(0x88, b"\x2a\3\4")
FORMS = [EDI_PARTY_NAME, X400_ADDRESS, REGISTERED, der.encode(0xA0, der.oid("1.2.3.4"), der.encode(0xA0, der.encode(der.NULL)))]


@pytest.mark.parametrize("form", FORMS)
def test_forms_that_cannot_be_compared(form: bytes) -> None:
    """A name of such a form is refused by a constraint on it; without one, and a constraint without such a name, is nothing."""
    assert encoded([form], permitted=[form]) is False
    assert encoded([form], excluded=[form]) is False
    assert encoded([form, HOST], permitted=[HOST]) is True
    assert encoded([HOST], permitted=[form]) is True
    assert encoded([HOST], excluded=[form]) is True


@pytest.mark.parametrize(
    ("distance", "allowed"),
    [(b"", True), (der.encode(0x80, b"\0"), True), (der.encode(0x80, b"\1"), False), (der.encode(0x81, b"\1"), False)],
)
def test_distances(distance: bytes, allowed: bool) -> None:
    """RFC 5280 has no minimum but 0, and no maximum: what has one is refused for its form."""
    assert encoded([HOST], permitted=[HOST + distance]) is allowed
    assert encoded([ADDRESS], permitted=[HOST + distance]) is True


@pytest.mark.parametrize(
    ("network", "within"),
    [
        (b"\xc0\0\2\0\xff\xff\xff\0", True),
        (b"\xc0\0\0\7\xff\xff\0\xff", True),
        (b"\xc0\0\0\5\xff\xff\0\xff", False),
        (b"\1\2\3\4\5", None),
        (b"", None),
    ],
)
def test_masks(network: bytes, within: bool | None) -> None:
    """A mask may have holes, as OpenSSL has it; what is no network refuses every address."""
    base = der.encode(0x87, network)
    assert encoded([ADDRESS], permitted=[base]) is (within is True)
    assert encoded([ADDRESS], excluded=[base]) is (within is False)
    assert encoded([HOST], permitted=[base]) is True


@pytest.mark.parametrize("uri", [b"urn:kiln:7", b"https://192.0.2.1/x", b"https://[2001:db8::1]/", b"https:///x", b"kiln", b"https://[/"])
def test_uris_without_a_host_name(uri: bytes) -> None:
    """Are refused by every constraint on URIs (RFC 5280 4.2.1.10), and by no other."""
    name, base = der.encode(0x86, uri), der.encode(0x86, b"plant.example")
    assert (encoded([name], permitted=[base]), encoded([name], excluded=[base]), encoded([name], excluded=[HOST])) == (False, False, True)


@pytest.mark.parametrize("uri", [b"coap://u@plant.example", b"coap://plant.example?q", b"coap://u:p@plant.example:5683/x#f"])
def test_hosts_that_openssl_reads_otherwise(uri: bytes) -> None:
    """Are excluded by what RFC 3986 says, and permitted only if OpenSSL, which judges, finds them too."""
    name, base = der.encode(0x86, uri), der.encode(0x86, b"plant.example")
    assert (encoded([name], permitted=[base]), encoded([name], excluded=[base])) == (False, False)


@pytest.mark.parametrize("tag", [der.UTF8_STRING, der.PRINTABLE_STRING, der.TELETEX_STRING, der.BMP_STRING])
@pytest.mark.parametrize("text", ["Kiln Works", "KILN  works", " kiln works "])
def test_a_directory_name_is_excluded_whatever_it_is_written_as(tag: int, text: str) -> None:
    """String type, upper and lower case and white space make no difference (RFC 5280 7.1)."""
    octets = text.encode("utf-16-be" if tag == der.BMP_STRING else "ascii")
    held, base = (
        der.encode(0xA4, dn(attribute(ORGANIZATION, kind, value))) for kind, value in ((tag, octets), (der.UTF8_STRING, b"Kiln Works"))
    )
    assert (encoded([held], excluded=[base]), encoded([held], permitted=[base, SUBJECT])) == (False, True)


SUBJECT = der.encode(0xA4, dn(attribute(COMMON_NAME, der.UTF8_STRING, b"d")))


def test_an_address_in_the_subject_counts_beside_alternative_names() -> None:
    """For OpenSSL, and RFC 5280 does not forbid it; one that is not an IA5String is refused by any constraint."""
    top = Forged(subject="Top", extra=[(x509.NameConstraints(None, [MAIL("plant.example")]), True)])
    mailbox = x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, "x@plant.example")])
    both = Forged(subject=mailbox, issuer=top, extra=[(x509.SubjectAlternativeName([DNS("a.example")]), False)])
    with pytest.raises(errors.NameConstraintError, match=r"excludes its name 'x@plant\.example'"):
        require_names_allowed(both.certificate, [top.certificate])
    other = x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, "x@other.example", _type=_ASN1Type.UTF8String)])
    with pytest.raises(errors.NameConstraintError, match="is not an IA5String"):
        require_names_allowed(Forged(subject=other, issuer=top).certificate, [top.certificate])
    hidden = Forged(subject=name("a\0.plant.example"), issuer=top)
    with pytest.raises(errors.NameConstraintError, match="a NUL in its common name hides what it is"):
        require_names_allowed(hidden.certificate, [top.certificate])
