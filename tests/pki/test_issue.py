"""Every certificate issued here conforms to RFC 5280, and OpenSSL and cryptography accept it."""

import os
import subprocess
import warnings
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubtrust.pki import chain, errors, issue
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.keys import PrivateKey
from hubtrust.pki.proof import proof_of_possession
from hubtrust.pki.signers import KeyInMemory
from tests.kit.authorities import ABSENT, NOW, Forged, Hierarchy, ec_key, hierarchy, lasting, leaf, name, parsed, pem_of, rsa_key, write

EXAMPLES = 200 if os.environ.get("HUBTRUST_FULL") else 12
KINDS: dict[str, PrivateKey] = {}


def key(kind: str) -> PrivateKey:
    return {"P-256": ec_key, "P-384": lambda: ec_key(ec.SECP384R1()), "RSA 3072": lambda: rsa_key(3072)}[kind]()


def openssl_verify(folder: Path, created: Hierarchy, end: Certificate, *, purpose: str = "sslclient") -> str:
    """What `openssl verify` says, strictly, with the root as the only trust."""
    files = write(folder, root=pem_of(created.up[-1]), middle=pem_of(*created.up[:-1]) or pem_of(created.up[-1]), end=pem_of(end))
    moment = str(int(NOW.timestamp()))
    command = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-attime", moment, "-CAfile", str(files["root"])]
    command += ["-untrusted", str(files["middle"]), str(files["end"])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "OK" if done.returncode == 0 else done.stdout + done.stderr


def cryptography_verify(created: Hierarchy, end: Certificate) -> list[Certificate]:
    """The path that cryptography's own verifier finds; it raises where there is none. A device's name need not be a DNS name."""
    permit = verification.ExtensionPolicy.webpki_defaults_ee().may_be_present(
        x509.SubjectAlternativeName, verification.Criticality.AGNOSTIC, None
    )
    policy = verification.PolicyBuilder().time(NOW).store(verification.Store([parsed(created.up[-1])])).max_chain_depth(8)
    policy = policy.extension_policies(ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(), ee_policy=permit)
    found = policy.build_client_verifier().verify(parsed(end), [parsed(one) for one in created.up[:-1]]).chain
    return [Certificate.of(one) for one in found]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.sampled_from(["P-256", "P-384", "RSA 3072"]), min_size=1, max_size=5),
    device_id=st.sampled_from(["press-001", "a_b@c"]),
)
def test_three_verifiers_agree_on_every_chain(tmp_path: Path, kinds: list[str], device_id: str) -> None:
    """A chain of any depth and mix of keys verifies with OpenSSL (strict), with cryptography and with our own validation."""
    created = hierarchy([key(kind) for kind in kinds])
    end = leaf(created.issuing, device_id)
    assert openssl_verify(tmp_path, created, end) == "OK"
    assert cryptography_verify(created, end) == [end, *created.up]
    loaded = chain.load_chain(pem_of(*created.up), what="the chain", now=NOW)
    assert list(loaded.certificates) == created.up
    chain.validate_leaf(end, loaded, now=NOW)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_path_lengths_decrease_to_zero(depth: int) -> None:
    """The path length decreases by one at each authority, down to 0 at the one that signs devices."""
    created = hierarchy(depth=depth)
    found = [one.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length for one in created.up]
    assert found == list(range(depth + 1))


def test_a_root_may_leave_its_path_length_open() -> None:
    """A root without a path length allows any number of intermediates."""
    root = issue.root(KeyInMemory(ec_key()), subject=name("Root"), validity=lasting(), path_length=None, serial=5)
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length is None


def test_extensions_are_as_rfc_5280_says() -> None:
    """Constraints and usages are critical, key identifiers are not, the issuer's identifier is its subject's."""
    created = hierarchy(depth=1)
    end = leaf(created.issuing)
    critical = {type(one.value): one.critical for one in end.extensions}
    assert critical == {
        x509.SubjectKeyIdentifier: False,
        x509.BasicConstraints: True,
        x509.KeyUsage: True,
        x509.ExtendedKeyUsage: False,
        x509.SubjectAlternativeName: False,
        x509.AuthorityKeyIdentifier: False,
    }
    assert list(end.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    above = created.issuing.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert end.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier == above
    usage = created.issuing.certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.key_cert_sign, usage.value.crl_sign, usage.value.digital_signature) == (True, True, True, False)


def test_the_issuers_own_key_identifier_is_used() -> None:
    """The authority key identifier is the issuer's subject key identifier, even if that is not the SHA-1 of its key."""
    created = hierarchy(depth=0)
    odd = x509.SubjectKeyIdentifier(b"bought elsewhere")
    root = created.issuing
    builder = x509.CertificateBuilder(
        subject_name=root.certificate.subject,
        issuer_name=root.certificate.subject,
        public_key=root.signer.public_key,
        serial_number=9,
        not_valid_before=root.certificate.not_valid_before_utc,
        not_valid_after=root.certificate.not_valid_after_utc,
        extensions=[
            x509.Extension(odd.oid, critical=False, value=odd),
            x509.Extension(x509.BasicConstraints.oid, critical=True, value=x509.BasicConstraints(ca=True, path_length=0)),
        ],
    )
    elsewhere = issue.Issuer(issue._sign(builder, root.signer), root.signer)
    found = leaf(elsewhere).extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert found == b"bought elsewhere"


def test_a_proof_names_the_code_and_nothing_else(tmp_path: Path) -> None:
    """The proof's subject is exactly CN=code; it is signed by the authority, valid now and an hour ago, for a day."""
    created, code = hierarchy(depth=1), "4F2A" * 12
    proof = proof_of_possession(created.issuing, code=code, public_key=ec_key().public_key(), now=NOW, serial=3)
    assert proof.subject.rfc4514_string() == f"CN={code}"
    assert (proof.not_valid_before_utc, proof.not_valid_after_utc) == (NOW - timedelta(hours=1), NOW + timedelta(days=1))
    assert openssl_verify(tmp_path, created, proof, purpose="any") == "OK"
    assert "unsuitable certificate purpose" in openssl_verify(tmp_path, created, proof), "it is nobody's client certificate"


def test_a_proofs_validity_is_within_the_authoritys() -> None:
    """An authority that expires in an hour, or started this minute, can be proven: the proof's validity stays within its own."""
    signer = KeyInMemory(ec_key())
    short = issue.Validity(NOW, NOW + timedelta(hours=1))
    authority = issue.root(signer, subject=name("Short"), validity=short, path_length=0, serial=2)
    proof = proof_of_possession(issue.Issuer(authority, signer), code="AB" * 24, public_key=ec_key().public_key(), now=NOW, serial=3)
    assert (proof.not_valid_before_utc, proof.not_valid_after_utc) == (short.not_before, short.not_after)


def test_no_child_outlives_its_issuer() -> None:
    """A lifetime beyond the issuer's is refused; `within` shortens it."""
    created = hierarchy(depth=0, days=10)
    with pytest.raises(errors.OutlivesIssuerError, match="use a shorter lifetime or renew the issuer"):
        issue.device(created.issuing, device_id="a", public_key=ec_key().public_key(), validity=lasting(11), serial=1)
    inside = lasting(11).within(created.issuing.certificate)
    kept = issue.device(created.issuing, device_id="a", public_key=ec_key().public_key(), validity=inside, serial=1)
    assert kept.not_valid_after_utc == created.issuing.certificate.not_valid_after_utc


def test_an_expiring_issuer_issues_nothing() -> None:
    """When the issuer has no lifetime left, the error says to renew the issuer first."""
    created = hierarchy(depth=0, days=1)
    late = lasting(5, now=NOW + timedelta(days=3)).within(created.issuing.certificate)
    with pytest.raises(errors.OutlivesIssuerError, match="renew the issuer first"):
        issue.device(created.issuing, device_id="a", public_key=ec_key().public_key(), validity=late, serial=1)


def test_a_path_length_of_zero_issues_no_authority() -> None:
    """Path length 0 allows devices only, 1 allows an authority of 0: the error says what to ask for."""
    created = hierarchy(depth=0)
    kwargs = {"subject": name("Below"), "public_key": ec_key().public_key(), "validity": lasting(5), "serial": 1}
    with pytest.raises(errors.PathLengthError, match="use this issuer for devices only"):
        issue.intermediate(created.issuing, path_length=0, **kwargs)
    created = hierarchy(depth=1)
    with pytest.raises(errors.PathLengthError, match="use at most 0"):
        issue.intermediate(created.issuers[0], path_length=1, **kwargs)


@pytest.mark.parametrize("subject", [x509.Name([]), name("Root")])
def test_an_authority_has_a_name_of_its_own(subject: x509.Name) -> None:
    """An empty subject, or the issuer's own, is refused."""
    created = hierarchy(depth=1)
    with pytest.raises(errors.ProfileError, match="needs a subject of its own"):
        issue.intermediate(
            created.issuers[0], subject=subject, public_key=ec_key().public_key(), validity=lasting(5), path_length=0, serial=1
        )


@pytest.mark.parametrize("device_id", ["", "x" * 65])
def test_a_device_id_fits_a_common_name(device_id: str) -> None:
    """Azure allows ids of 128 characters and X.509 common names of 64: the error gives both remedies."""
    with pytest.raises(errors.ProfileError, match="common name holds 1 to 64"):
        leaf(hierarchy(depth=0).issuing, device_id)


@pytest.mark.parametrize(("device_id", "expected"), [("press-001", ["press-001"]), ("a.b", ["a.b"]), ("a_b", None), ("x" * 64, None)])
def test_a_dns_name_is_an_alternative_name(device_id: str, expected: list[str] | None) -> None:
    """An id that is a valid host name is also a subject alternative name; any other id is only the common name."""
    found = leaf(hierarchy(depth=0).issuing, device_id).extensions
    try:
        names = found.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = None
    assert names == expected


def test_an_issuer_without_a_key_identifier_is_named_by_its_key() -> None:
    """If the issuer has no subject key identifier, the SHA-1 of its key is used in the child (RFC 5280 4.2.1.2, method 1)."""
    bare = Forged(subject="Bare", ski=ABSENT)
    end = leaf(issue.Issuer(bare.certificate, KeyInMemory(bare.key)))
    found = end.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert found == x509.SubjectKeyIdentifier.from_public_key(bare.key.public_key()).digest


def test_an_issuer_needs_its_own_key() -> None:
    """A key that is not the certificate's is refused and named by its public thumbprint."""
    with pytest.raises(errors.KeyMismatchError, match="give the key that belongs to this certificate"):
        issue.Issuer(hierarchy(depth=0).issuing.certificate, KeyInMemory(ec_key()))


def test_a_leaf_can_not_issue() -> None:
    """A leaf can't issue certificates."""
    own = ec_key()
    for end in (leaf(hierarchy(depth=0).issuing, key=own), Forged(key=own, authority=ABSENT).certificate):
        with pytest.raises(errors.NotAnAuthorityError, match="it is not a CA"):
            issue.Issuer(end, KeyInMemory(own))


def test_weak_keys_are_not_certified() -> None:
    """No certificate is issued for an RSA key of 1024 bits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weak = rsa_key(1024)
    with pytest.raises(errors.WeakError, match="its RSA key has 1024 bits"):
        leaf(hierarchy(depth=0).issuing, key=weak)


def test_a_request_carries_the_name_and_the_key(tmp_path: Path) -> None:
    """The request for an outside authority asks for an authority, and OpenSSL verifies its signature."""
    signer = KeyInMemory(ec_key())
    created = issue.request(signer, subject=name("Bought"))
    assert (created.subject, created.public_key()) == (name("Bought"), signer.public_key)
    assert created.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is True
    path = tmp_path / "request.pem"
    path.write_text(created.pem)
    done = subprocess.run(["openssl", "req", "-in", path, "-verify", "-noout"], capture_output=True, text=True, check=False)
    assert (done.returncode, "verify OK" in done.stdout + done.stderr) == (0, True)
