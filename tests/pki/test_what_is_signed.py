"""What is signed is held to the path that will judge it. Local Azure's check of connections, which is OpenSSL's, agrees."""

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import crypto

from hubtrust.pki import chain, errors, issue
from hubtrust.pki.certificate import Certificate, load_certificate, pem
from hubtrust.pki.keys import load_private_key, load_public_key
from hubtrust.pki.proof import proof_of_possession
from hubtrust.pki.request import load_request, requested_key
from hubtrust.pki.signers import KeyInMemory
from local_azure_iot.judge import connection_check, proof_check
from local_azure_iot.judge.certificate import read as judged
from tests.kit.authorities import NOW, Forged, ec_key, hierarchy, lasting, name, parsed, pem_of, rsa_key
from tests.kit.openssl_keys import made_by_openssl, openssl

URI, DNS, MAIL, DN, IP = x509.UniformResourceIdentifier, x509.DNSName, x509.RFC822Name, x509.DirectoryName, x509.IPAddress
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55738.1"), b"\x05\x00")
CODE = "4F2A91C0" * 6


def organization(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, text)])


def verdict(device: Certificate, above: list[Certificate]) -> str | None:
    """Why local Azure refuses this device where the highest certificate is verified; None if it connects."""
    sent = [crypto.X509.from_cryptography(parsed(one)) for one in (device, *above[:-1])]
    anchor = crypto.dump_certificate(crypto.FILETYPE_ASN1, crypto.X509.from_cryptography(parsed(above[-1])))
    device_id = str(device.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    refusal = connection_check.chain_refusal(sent, (anchor,), device_id, NOW)
    return str(refusal) if refusal else None


def device_of(forged: Forged, device_id: str, above: tuple[Certificate, ...] = ()) -> Certificate:
    issuer = issue.Issuer(forged.certificate if not above else above[0], KeyInMemory(forged.key), above[1:])
    return issue.device(issuer, device_id=device_id, public_key=ec_key().public_key(), validity=lasting(0.5), serial=9)


def ungated(issuer: Forged, device_id: str) -> Certificate:
    """The certificate that `issue.device` would sign, without any check."""
    names: list[tuple[x509.ExtensionType, bool]] = [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)]
    if issue._HOST_NAME.fullmatch(device_id):
        names.append((x509.SubjectAlternativeName([DNS(device_id)]), False))
    return Forged(subject=device_id, issuer=issuer, authority=False, usage=False, extra=names).certificate


@pytest.mark.parametrize("place", ["issuer", "above"])
@pytest.mark.parametrize("kind", ["permitted", "excluded"])
@pytest.mark.parametrize(
    "bases",
    [
        [DNS("plant.example")],
        [DNS("PLANT.example"), DNS("press-001")],
        [DNS("")],
        [DN(organization("Contoso"))],
        [DN(name("press-001"))],
        [DN(name("  PRESS-001 "))],
        [DN(x509.Name([]))],
        [URI("plant.example")],
        [MAIL("plant.example")],
        [IP(ip_network("0.0.0.0/0")), IP(ip_network("::/0"))],
        [DNS("plant.example"), MAIL("plant.example"), IP(ip_network("10.0.0.0/8"))],
    ],
)
def test_name_constraints_of_every_form(bases: list[x509.GeneralName], kind: str, place: str) -> None:
    """Of the issuer and of the CA above it, permitted and excluded: a device is signed exactly where it can connect."""
    given = {"permitted_subtrees": bases} if kind == "permitted" else {"excluded_subtrees": bases}
    constraints = [(x509.NameConstraints(given.get("permitted_subtrees"), given.get("excluded_subtrees")), True)]
    top = Forged(subject=organization("Contoso"), extra=constraints if place == "above" else [])
    issuing = Forged(
        subject=x509.Name([*organization("Contoso"), *name("Issuing")]), issuer=top, extra=constraints if place == "issuer" else []
    )
    path = (issuing.certificate, top.certificate)
    for device_id in ("press-001", "press-001.plant.example", "press_001.plant.example", "press_001.other.example", "a@b", "PRESS-001"):
        expected = verdict(ungated(issuing, device_id), list(path))
        if expected is None:
            assert verdict(device_of(issuing, device_id, path), list(path)) is None
            continue
        assert "a name is not permitted by a CA in the chain" in expected, (device_id, expected)
        if "CN=Issuing" in expected:  # the CA itself is not permitted by the one above it
            with pytest.raises(errors.NameConstraintError, match="use an authority that allows this name"):
                device_of(issuing, device_id, path)
            continue
        for attempt in (lambda one=device_id: device_of(issuing, one, path), lambda one=device_id: issue.require_device_allowed(one, path)):
            with pytest.raises(errors.NameConstraintError, match="use an authority that allows this name"):
                attempt()


@pytest.mark.parametrize(
    ("broken", "match"),
    [
        (Forged(subject="Leaf", authority=False), "it is not a CA"),
        (Forged(subject="CA", usage=False), "its key usage lacks keyCertSign"),
        (Forged(subject="CA", extra=[(UNKNOWN, True)]), "its critical extension 1.3.6.1.4.1.55738.1 is not supported"),
        (Forged(subject="CA", start=NOW), "and its issuer 'CN=CA' .* is valid from"),
        (Forged(subject="CA", end=NOW + timedelta(hours=1)), "and its issuer 'CN=CA' .* is valid from"),
    ],
)
def test_an_issuer_that_no_path_may_have_signs_nothing(broken: Forged, match: str) -> None:
    """No CA, no keyCertSign, an extension that nobody can judge, dates that end before the device's: nothing leaves."""
    with pytest.raises(errors.PkiError, match=match):
        device_of(broken, "press-001")


def test_every_authority_above_limits_the_path() -> None:
    """Path length and dates hold for all of them, not only for the issuer."""
    top = Forged(subject="Top", path_length=0, end=NOW + timedelta(days=400))
    issuing = Forged(subject="Issuing", issuer=top, end=NOW + timedelta(days=500))
    path = (issuing.certificate, top.certificate)
    assert "the chain is longer than a CA in it allows" in str(verdict(ungated(issuing, "a"), list(path)))
    with pytest.raises(errors.PathLengthError, match=r"'CN=Top' .*1 authority is below it and its path length allows 0"):
        device_of(issuing, "press-001", path)
    ends, long = Forged(subject="Ends", end=NOW + timedelta(days=10)), NOW + timedelta(days=99)
    below = Forged(subject="Outlives", issuer=ends, end=long)
    issuer = issue.Issuer(below.certificate, KeyInMemory(below.key), (ends.certificate,))
    with pytest.raises(errors.OutlivesIssuerError, match="its issuer 'CN=Ends'"):
        issue.device(issuer, device_id="a", public_key=ec_key().public_key(), validity=issue.Validity(NOW, long), serial=2)


def test_a_signature_that_does_not_verify_never_leaves() -> None:
    """A vault or token that signs with something else is found out before the certificate is anywhere."""

    class Faulty(KeyInMemory):
        def sign(self, digest: bytes, algorithm: object) -> bytes:
            return super().sign(digest[::-1], algorithm)  # type: ignore[arg-type]

    class Wrapped:  # not a KeyInMemory, as a key in a vault is none
        def __init__(self, key: object) -> None:
            self.faulty = Faulty(key)  # type: ignore[arg-type]
            self.public_key = self.faulty.public_key
            self.sign = self.faulty.sign

    top = Forged(subject="Top", key=rsa_key())
    issuer = issue.Issuer(top.certificate, Wrapped(top.key))
    validity, key = lasting(0.5), ec_key().public_key()
    makers = [
        lambda: issue.device(issuer, device_id="a", public_key=key, validity=validity, serial=2),
        lambda: issue.intermediate(issuer, subject=name("I"), public_key=key, validity=validity, path_length=0, serial=2),
        lambda: issue.root(Wrapped(rsa_key()), subject=name("R"), validity=validity, path_length=0, serial=2),
        lambda: proof_of_possession(issuer, code=CODE, public_key=key, now=NOW, serial=2),
    ]
    for make in makers:
        with pytest.raises(errors.ChainError, match="its signature does not verify with the key of"):
            make()


@pytest.mark.parametrize(
    ("kind", "match"), [("pss", "its RSA key is for RSASSA-PSS only"), ("explicit", "its EC key has explicit parameters")]
)
def test_a_key_that_no_path_can_have_is_refused_where_it_comes_in(tmp_path: Path, kind: str, match: str) -> None:
    """In a CA's certificate, as the signer, as a key file and in a device's request; local Azure takes no proof by it either."""
    certificate_text, key_text, request_text = made_by_openssl(tmp_path, kind)
    certificate = load_certificate(certificate_text, what="the CA")
    now = certificate.not_valid_before_utc + timedelta(hours=2)
    with pytest.raises(errors.KeyEncodingError, match=match):
        chain.load_chain(certificate_text, what="the imported chain", now=now)
    with pytest.raises(errors.KeyEncodingError, match=match):
        load_private_key(key_text, what="the key")
    with pytest.raises(errors.KeyEncodingError, match=match):
        load_public_key((tmp_path / "ca.pub").read_text(), what="the key")
    with pytest.raises(errors.KeyEncodingError, match=match):
        requested_key(load_request(request_text, what="request"), what="request")
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(key_text.encode(), None)
    with pytest.raises(errors.KeyEncodingError, match=match):
        issue.Issuer(certificate, KeyInMemory(key))  # type: ignore[arg-type]
    forged = Forged(subject="Odd Root", key=key)
    proof = Forged(subject=CODE, issuer=forged, authority=False, start=now - timedelta(hours=1), end=now + timedelta(days=1)).certificate
    assert proof_check.refusal_reason(judged(proof.der), judged(certificate.der), CODE, now) is proof_check.Reason.SIGNATURE
    below = Forged(subject="press-001", issuer=forged, authority=False, usage=False, start=now - timedelta(hours=1)).certificate
    anchor = crypto.dump_certificate(crypto.FILETYPE_ASN1, crypto.X509.from_cryptography(parsed(certificate)))
    refusal = connection_check.chain_refusal([crypto.X509.from_cryptography(parsed(below))], (anchor,), "press-001", now)
    assert {"pss": "is for RSASSA-PSS only", "explicit": "explicit ECC parameters"}[kind] in str(refusal)


def test_a_pss_key_that_signs_pss_proves_possession(tmp_path: Path) -> None:
    """What OpenSSL accepts is a proof for local Azure too."""
    certificate_text, _, _ = made_by_openssl(tmp_path, "pss")
    openssl(tmp_path, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "p.key",
            "-subj", f"/CN={CODE}", "-out", "p.csr")  # fmt: skip
    openssl(tmp_path, "x509", "-req", "-in", "p.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7", "-out", "p.pem")
    authority = load_certificate(certificate_text, what="the CA")
    proof = load_certificate((tmp_path / "p.pem").read_text(), what="the proof")
    assert proof_check.refusal_reason(judged(proof.der), judged(authority.der), CODE, proof.not_valid_before_utc) is None
    chain.require_signed_by(proof, authority)


def test_a_path_leaves_out_what_does_not_belong_to_it() -> None:
    """The issuer's certificate first, then whatever was given, in any order: its issuers are found among them."""
    made, other = hierarchy(depth=2), hierarchy(depth=0)
    lowest, *above = made.up
    assert list(chain.path_upwards([lowest, *other.up, *reversed(above)])) == made.up
    assert list(chain.path_upwards([lowest])) == [lowest]
    assert pem(lowest) == pem_of(lowest)
