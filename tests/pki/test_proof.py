"""Proofs created elsewhere (an offline ceremony): which ones are accepted."""

import base64
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from hubtrust.pki import errors, issue
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.proof import load_proof, proof_of_possession, require_proof
from hubtrust.pki.request import CertificateRequest as Request
from tests.kit import der
from tests.kit.authorities import ABSENT, NOW, Forged, ec_key, hierarchy, name, pem_of
from tests.kit.certificate_shapes import COMMON_NAME, ORGANIZATION, CertificateShape, attribute
from tests.kit.certificate_shapes import name as encoded_name
from tests.kit.der_extensions import VALUES
from tests.kit.openssl_keys import key_by_openssl, openssl

CODE, OLD = "4F2A91C0" * 6, "00AA91C0" * 6
MADE = hierarchy(depth=0).issuing


def proof(code: str = CODE, issuer: issue.Issuer = MADE) -> Certificate:
    return proof_of_possession(issuer, code=code, public_key=ec_key().public_key(), now=NOW, serial=1)


def judge(answer: Certificate) -> None:
    require_proof(answer, code=CODE, authority=MADE.certificate, now=NOW)


def test_a_valid_proof_is_accepted() -> None:
    """A certificate for the code, signed by the authority, valid now."""
    judge(proof())


def test_a_proof_by_openssl_is_accepted() -> None:
    """A bare certificate without any extension, as `openssl x509 -req` makes it, is enough: Azure asks for no more."""
    issuer = Forged(subject=MADE.certificate.subject, key=MADE.signer._private_key)  # type: ignore[attr-defined]
    bare = Forged(subject=CODE, issuer=issuer, authority=ABSENT, usage=ABSENT, ski=ABSENT, aki=ABSENT)
    judge(bare.certificate)


def test_an_old_code_is_refused() -> None:
    """A proof for another code is refused, and the error names both codes."""
    with pytest.raises(errors.ProofError, match=f"it is for the code {OLD}, and the verification code is now {CODE}"):
        judge(proof(OLD))


@pytest.mark.parametrize("first", [True, False], ids=["the code first", "the code last"])
def test_more_than_a_common_name_is_accepted(first: bool) -> None:
    """A ceremony's tool may put the company's own attributes into every subject: the common name is the code, and Azure compares that."""
    signer = Forged(subject=MADE.certificate.subject, key=MADE.signer._private_key)  # type: ignore[attr-defined]
    company = [x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Contoso")]
    more = x509.Name([*name(CODE), *company] if first else [*company, *name(CODE)])
    judge(Forged(subject=more, issuer=signer, authority=False, usage=False).certificate)


@pytest.mark.parametrize("names", [[CODE, OLD], [OLD, CODE], [CODE, CODE], []], ids=["another after", "another before", "twice", "none"])
def test_a_subject_without_one_common_name_is_refused(names: list[str]) -> None:
    """With several, it is not certain which one a service compares."""
    signer = Forged(subject=MADE.certificate.subject, key=MADE.signer._private_key)  # type: ignore[attr-defined]
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Contoso"), *(each for one in names for each in name(one))])
    with pytest.raises(errors.ProofError, match=f"sign a certificate with one common name, CN={CODE}"):
        judge(Forged(subject=subject, issuer=signer, authority=False, usage=False).certificate)


def test_another_key_is_refused() -> None:
    """A proof signed by another authority is refused, even if it has the same name."""
    with pytest.raises(errors.ProofError, match="sign it with the authority's own key"):
        judge(proof(issuer=hierarchy(depth=0).issuing))


def test_an_expired_proof_is_refused() -> None:
    """A proof that has expired is refused; Azure's code is still valid."""
    late = NOW + timedelta(days=2)
    with pytest.raises(errors.NotValidNowError, match=r"the proof for .* it expired on .*; sign another one for the same code"):
        require_proof(proof(), code=CODE, authority=MADE.certificate, now=late)


def test_a_proof_from_the_future_is_refused() -> None:
    """Unless it starts within five minutes: the machine where it was signed may have a fast clock."""
    early = NOW - timedelta(hours=2)
    with pytest.raises(errors.NotValidNowError, match=r"it is not valid before .* correct this machine's clock"):
        require_proof(proof(), code=CODE, authority=MADE.certificate, now=early)
    require_proof(proof(), code=CODE, authority=MADE.certificate, now=NOW - timedelta(minutes=64))


SHAPE = CertificateShape.of(proof().der)
KEY = MADE.signer._private_key  # type: ignore[attr-defined]


def reshaped(shape: CertificateShape, algorithm: str = "sha256") -> Certificate:
    return Certificate(shape.signed(KEY, algorithm), what="proof")


@pytest.mark.parametrize("tag", der.STRING_TYPES, ids=lambda tag: der.STRING_TYPES[tag][0])
def test_a_code_in_any_string_type_is_accepted(tag: int) -> None:
    """The text is the code; a library of the tool chose the type."""
    judge(reshaped(SHAPE.named(encoded_name(attribute(COMMON_NAME, tag, CODE.encode(der.STRING_TYPES[tag][1]))))))


def test_a_code_that_is_no_text_is_refused() -> None:
    """In an OCTET STRING, which `cryptography` reads as text, and neither OpenSSL nor Azure's judge here does."""
    with pytest.raises(errors.ProofError, match=r"its common name is '#0430[0-9a-f]+', and the verification code is"):
        judge(reshaped(SHAPE.named(encoded_name(attribute(COMMON_NAME, der.OCTET_STRING, CODE.encode())))))


def test_a_relative_name_of_several_parts_is_accepted() -> None:
    """The common name and the organization as one part of the name."""
    parts = (attribute(COMMON_NAME, der.UTF8_STRING, CODE.encode()), attribute(ORGANIZATION, der.UTF8_STRING, b"Kiln"))
    judge(reshaped(SHAPE.named(der.encode(der.SEQUENCE, der.encode(der.SET, *sorted(parts))))))


def test_a_proof_of_version_1_is_accepted() -> None:
    """As `openssl x509 -req` of older versions writes it."""
    judge(reshaped(replace(SHAPE, version=None, extensions=None)))


MALFORMED = {  # and OpenSSL refuses to use certificates with these
    *("basic constraints without a value", "basic constraints that can't be read", "a negative path length"),
    *("a key usage of no octets", "a key usage that is no BIT STRING"),
    *("an extended key usage without usages", "an extended key usage that can't be read", "an unknown kind of alternative name"),
    *(
        "a subject key identifier that is no string",
        "an authority key identifier that can't be read",
        "name constraints that can't be read",
    ),
    *("certificate policies that can't be read", "policy constraints without parts", "a negative inhibitAnyPolicy"),
    "CRL distribution points that can't be read",
}
OF_ANOTHER_KEY = "an authority key identifier of another key"


@pytest.mark.parametrize("row", [row for row in VALUES if row[0] not in {*MALFORMED, OF_ANOTHER_KEY}], ids=lambda row: row[0])
def test_extensions_make_no_difference(row: tuple[str, str, bytes, bool]) -> None:
    """CA:TRUE, any usage, unknown ones: a proof is compared by signature, name and dates."""
    _, oid, value, critical = row
    judge(reshaped(SHAPE.with_extension(oid, value, critical=critical)))


@pytest.mark.parametrize("row", [row for row in VALUES if row[0] in {*MALFORMED, OF_ANOTHER_KEY}], ids=lambda row: row[0])
def test_a_malformed_extension_is_named(row: tuple[str, str, bytes, bool]) -> None:
    """By the one error that does not end a run which has a new code."""
    label, oid, value, critical = row
    with pytest.raises(
        errors.ProofError, match="its authority key identifier is" if label == OF_ANOTHER_KEY else r"its extension .* is malf"
    ):
        judge(reshaped(SHAPE.with_extension(oid, value, critical=critical)))


@pytest.mark.parametrize("kind", ["pss", "explicit", "sm2", "ed25519", "dsa"])
def test_the_key_of_a_proof_is_not_used(tmp_path: Path, kind: str) -> None:
    """Whatever it is: the authority's key is what is proven."""
    judge(reshaped(replace(SHAPE, key=key_by_openssl(tmp_path, kind))))


def test_sha1_is_told() -> None:
    """The signature verifies, so that is not what is said."""
    with pytest.raises(errors.ProofError, match="it is signed with SHA1, which is too weak; sign it again with SHA-256"):
        judge(reshaped(SHAPE, "sha1"))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (CODE.lower(), f"its common name '{CODE.lower()}' is the verification code, but not letter by letter"),
        (f"{CODE}\0", r"its common name '4F2A\w*\\x00' is the verification code, but not letter by letter"),
        (f"{CODE} ", "is the verification code, but not letter by letter"),
        (f"\u200e{CODE}", r"its common name '\\u200e4F2A\w*' is the verification code, but not letter by letter"),
        ("press-001", f"its common name is 'press-001', and the verification code is {CODE}"),
    ],
    ids=["lower case", "NUL", "space", "left-to-right mark", "a device"],
)
def test_a_name_that_is_almost_the_code_is_shown(text: str, match: str) -> None:
    """Nobody knows that Azure takes it: it was recorded to give codes in upper case, and to take those."""
    with pytest.raises(errors.ProofError, match=match):
        judge(reshaped(SHAPE.named(encoded_name(attribute(COMMON_NAME, der.UTF8_STRING, text.encode())))))


def test_what_is_given_in_place_of_a_proof_is_told() -> None:
    """The authority's own certificate, one that the tool signed with the proof's own key, a request."""
    with pytest.raises(errors.ProofError, match="it is the authority's own certificate"):
        judge(MADE.certificate)
    with pytest.raises(errors.ProofError, match="it is signed by its own key; sign it with the authority's own key"):
        judge(Forged(subject=CODE).certificate)
    request = x509.CertificateSigningRequestBuilder().subject_name(name(CODE)).sign(ec_key(), hashes.SHA256())
    with pytest.raises(errors.UnreadableError, match="give the certificate that the authority issued for this request"):
        load_proof(Request.of(request).pem, what="proofCertificate")


def test_the_proof_is_found_among_certificates_of_authorities() -> None:
    """A tool writes the whole chain into the file; the same proof twice is one, another proof or none is refused."""
    found, authority = proof(), MADE.certificate
    for given in ((found, authority), (authority, found), (found, found, authority)):
        assert load_proof(pem_of(*given), what="p") == found
    for given, match in (
        ((found, proof(OLD)), "2 certificates, and 2 of them is"),
        ((authority, Forged().certificate), "and none of them is"),
    ):
        with pytest.raises(errors.UnreadableError, match=match):
            load_proof(pem_of(*given), what="p")


def test_a_proof_is_read_in_the_forms_that_tools_write(tmp_path: Path) -> None:
    """PKCS#7 with the chain, as PEM; base64 of DER and of PKCS#7 in DER, which an input can hold where a file is binary."""
    found = proof()
    (tmp_path / "proof.pem").write_text(pem_of(found))
    (tmp_path / "all.pem").write_text(pem_of(found, MADE.certificate))
    openssl(tmp_path, "crl2pkcs7", "-nocrl", "-certfile", "all.pem", "-out", "all.p7b")
    openssl(tmp_path, "crl2pkcs7", "-nocrl", "-certfile", "all.pem", "-outform", "DER", "-out", "binary.p7b")
    openssl(tmp_path, "x509", "-in", "proof.pem", "-text", "-out", "text.pem")
    binary = base64.b64encode((tmp_path / "binary.p7b").read_bytes()).decode()
    texts = [(tmp_path / "all.p7b").read_text(), (tmp_path / "text.pem").read_text(), base64.b64encode(found.der).decode(), binary]
    assert [load_proof(text, what="p") for text in texts] == [found] * 4
