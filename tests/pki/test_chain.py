"""Which chains of authorities can be imported, and the error for each one that can't."""

import itertools
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from hubtrust.pki import chain, errors
from hubtrust.pki.certificate import Certificate
from tests.kit.authorities import ABSENT, NOW, Forged, ec_key, hierarchy, leaf, name, pem_of, private_pem, rsa_key

MADE = hierarchy(depth=3)


def load(*certificates: Certificate, extra: str = "") -> chain.Chain:
    return chain.load_chain(pem_of(*certificates) + extra, what="pki:chain", now=NOW)


def refused(kind: type[errors.PkiError], match: str, *certificates: Certificate, extra: str = "") -> str:
    with pytest.raises(kind, match=match) as caught:
        load(*certificates, extra=extra)
    assert re.fullmatch(r"[^\n]+: [^\n]+; [^\n]+", str(caught.value)), "what, the fact, the remedy, in one line"
    assert str(caught.value) == f"{caught.value.what}: {caught.value.fact}; {caught.value.remedy}"
    return str(caught.value)


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(4)))
def test_a_wrong_order_is_corrected_and_reported(places: list[int]) -> None:
    """A chain in any order is loaded as one from the issuing authority to the root; when it was moved, a notice says so."""
    loaded = load(*(MADE.up[place] for place in places))
    assert list(loaded.certificates) == MADE.up
    assert (loaded.issuing, loaded.top) == (MADE.up[0], MADE.up[-1])
    assert loaded.pem == pem_of(*MADE.up)
    moved = places != sorted(places)
    assert [("put into order" in notice) for notice in loaded.notices] == [True] * moved


def test_a_key_belongs_to_one_of_the_chain() -> None:
    """The certificate of a key is found anywhere in the chain; a key of none of them is refused and named by its public thumbprint."""
    loaded = load(*MADE.up)
    assert [loaded.of_key(issuer.signer.public_key) for issuer in reversed(MADE.issuers)] == MADE.up
    with pytest.raises(errors.KeyMismatchError, match="it belongs to none of 'CN=Level 3'"):
        loaded.of_key(ec_key().public_key())


def test_text_around_the_certificates_is_allowed() -> None:
    """Windows line ends, a byte order mark and `openssl x509 -text` around the blocks change nothing."""
    text = "\ufeffCertificate:\n  Data: ...\n" + pem_of(*MADE.up).replace("\n", "\r\n")
    assert list(chain.load_chain(text, what="pki:chain", now=NOW).certificates) == MADE.up


def test_a_certificate_twice_counts_once() -> None:
    """A certificate that is given twice is used once, and a notice says so."""
    loaded = load(*MADE.up, MADE.up[0])
    assert list(loaded.certificates) == MADE.up
    assert ["contains a certificate twice" in notice for notice in loaded.notices] == [True]


def test_a_chain_may_end_below_its_root() -> None:
    """Azure trusts an intermediate by itself: the root may be missing, and a notice says which."""
    loaded = load(*MADE.up[:-1])
    assert loaded.notices == ("pki:chain: the chain ends at " + chain.display(MADE.up[-2]) + "; its issuer 'CN=Root' is not in it",)


def test_a_leaf_is_not_an_authority() -> None:
    """A device's certificate is refused, alone or at the end of its chain; the error says what to give instead."""
    end = leaf(MADE.issuing)
    refused(errors.NotAnAuthorityError, "it is not a CA: basicConstraints has cA false", end)
    refused(errors.NotAnAuthorityError, "give the certificate of the authority that signs devices", end, *MADE.up)
    refused(errors.NotAnAuthorityError, "it is not a CA: basicConstraints is missing", Forged(authority=ABSENT).certificate)


def test_key_usage_must_allow_signing_certificates() -> None:
    """An authority without keyCertSign, or without the whole extension, is refused."""
    refused(errors.NotAnAuthorityError, "its key usage lacks keyCertSign", Forged(usage=False).certificate)
    refused(errors.ProfileError, "it has no key usage extension", Forged(usage=ABSENT).certificate)


def test_an_authority_for_servers_only_is_refused() -> None:
    """An authority whose extended key usage excludes client certificates is refused at import: no device could connect."""
    servers = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    clients = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
    refused(errors.NotAnAuthorityError, "its extended key usage lacks clientAuth", Forged(extra=[servers]).certificate)
    assert load(Forged(extra=[clients]).certificate).notices == ()


def test_expired_and_not_yet_valid_authorities_are_refused() -> None:
    """An expired authority, one that starts tomorrow and one that starts in five minutes (a slow clock) have different remedies."""
    refused(
        errors.NotValidNowError,
        "it expired on 2026-05-31T12:00:00Z; renew it",
        Forged(end=NOW - timedelta(days=1), start=NOW - timedelta(9)).certificate,
    )
    refused(errors.NotValidNowError, "wait until then", Forged(start=NOW + timedelta(days=1)).certificate)
    early = refused(errors.NotValidNowError, "correct this machine's clock", Forged(start=NOW + timedelta(minutes=5)).certificate)
    assert "is not valid before 2026-06-01T12:05:00Z, and the time here is 2026-06-01T12:00:00Z" in early


def test_a_gap_names_what_is_missing() -> None:
    """A chain without its middle says whose certificate is missing."""
    refused(
        errors.ChainError,
        "a certificate is missing: .* was issued by 'CN=Level 1', which is not among the 3 given",
        MADE.up[0],
        MADE.up[1],
        MADE.up[3],
    )


def test_a_bundle_is_not_a_chain() -> None:
    """Several roots, or two chains, are refused with both ends named; hundreds of certificates by their number."""
    refused(
        errors.ChainError,
        "it contains 2 chains, which end in .*give one chain, not a bundle",
        *hierarchy(depth=1).up,
        *hierarchy(depth=0).up,
    )
    many = [Forged(subject=f"Root {number}").certificate for number in range(11)]
    refused(errors.ChainError, "it contains 11 certificates; give one chain of at most 10", *many)


def test_two_certificates_of_one_issuer_are_refused() -> None:
    """A cross-signed issuer and its own root together are refused: the user has to choose which one is trusted."""
    key, other = ec_key(), Forged(subject="Other")
    own, crossed = Forged(subject="CA", key=key), Forged(subject="CA", key=key, issuer=other)
    below = Forged(subject="Below", issuer=own, path_length=0)
    refused(
        errors.ChainError,
        "two certificates of its issuer were given",
        below.certificate,
        own.certificate,
        crossed.certificate,
        other.certificate,
    )


def test_a_circle_is_refused() -> None:
    """Two authorities that sign each other have no top."""
    first, second = Forged(subject="A"), Forged(subject="B")
    first.issuer, second.issuer = second, first
    refused(errors.ChainError, "sign each other in a loop", first.certificate, second.certificate)
    third = Forged(subject="C", issuer=first)
    refused(errors.ChainError, "sign each other in a loop", third.certificate, first.certificate, second.certificate)


def test_a_broken_signature_is_named() -> None:
    """A child that was signed by another key than its issuer's is refused, naming both."""
    top = Forged(subject="Top")
    forged = Forged(subject="Child", issuer=top, signed_by=ec_key())
    refused(errors.ChainError, "'CN=Child' .* its signature does not verify with the key of 'CN=Top'", forged.certificate, top.certificate)
    alone = Forged(subject="Alone", signed_by=ec_key())
    refused(errors.ChainError, "its signature does not verify", alone.certificate)


def test_issuers_of_the_same_name_are_distinguished_by_key() -> None:
    """A new CA with the old one's name does not pass for the issuer: the key identifiers differ."""
    old, new = Forged(subject="CA"), Forged(subject="CA")
    refused(errors.ChainError, "its authority key identifier is", Forged(subject="Child", issuer=old).certificate, new.certificate)


def test_path_lengths_are_enforced() -> None:
    """An authority below path length 0 is refused, naming the one that does not allow it."""
    top = Forged(subject="Top", path_length=0)
    refused(
        errors.PathLengthError,
        "'CN=Top' .*1 authority is below it and its path length allows 0",
        Forged(subject="Below", issuer=top).certificate,
        top.certificate,
    )
    middle = Forged(subject="Middle", issuer=(tall := Forged(subject="Tall", path_length=1)))
    low = Forged(subject="Low", issuer=middle)
    lower = Forged(subject="Lower", issuer=low)
    refused(errors.PathLengthError, "2 authorities are below it", lower.certificate, low.certificate, middle.certificate, tall.certificate)


def test_weak_keys_and_signatures_are_refused() -> None:
    """RSA of 1024 bits, an unsupported curve, a DSA key and SHA-1 are refused; each error says what to use."""
    refused(errors.WeakError, "its RSA key has 1024 bits; use RSA with at least 2048 bits", Forged(key=rsa_key(1024)).certificate)
    refused(errors.WeakError, "the curve secp256k1; use P-256", Forged(key=ec_key(ec.SECP256K1())).certificate)
    below = Forged(subject="DSA", key=dsa.generate_private_key(2048), issuer=(top := Forged(subject="Top")))
    refused(errors.WeakError, "its key is DSA; use RSA of 2048 bits or more, or EC", below.certificate, top.certificate)


def test_sha_1_is_refused(tmp_path: Path) -> None:
    """A root signed with SHA-1 is refused and has to be reissued. OpenSSL creates it, because cryptography no longer can."""
    certificate, key = tmp_path / "old.pem", tmp_path / "old.key"
    command = ["openssl", "req", "-x509", "-sha1", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Old", "-days", "9000"]
    extensions = ["-addext", "keyUsage=critical,keyCertSign"]
    subprocess.run([*command, *extensions, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with pytest.raises(errors.WeakError, match="it is signed with SHA1; have it reissued with SHA-256"):
        chain.load_chain(certificate.read_text(), what="pki:chain", now=datetime.now(UTC))


def test_a_private_key_in_the_chain_is_refused_and_never_repeated() -> None:
    """A file with a private key in it is refused, and no part of the key is in the error."""
    secret = private_pem(ec_key())
    text = refused(errors.PrivateKeyInsideError, "it contains a private key; remove the key", *MADE.up, extra=secret)
    assert not any(line in text for line in secret.splitlines()[1:-1])
    refused(errors.PrivateKeyInsideError, "it contains a private key", extra=private_pem(ec_key(), "word"))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "it is empty"),
        ("MIIB", "it contains no certificate"),
        (pem_of(MADE.up[0])[:-40], r"block 1 .CERTIFICATE. is incomplete: it has no END CERTIFICATE"),
        (
            pem_of(MADE.up[0]).replace("MII", "AAA", 1),
            r"certificate 1: \d+ octets follow its end; copy the certificate",
        ),
        ("-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n", "it is PKCS#7 and damaged"),
        (
            "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n",
            "give the certificate that the authority issued",
        ),
        ("-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n", "it contains a X509 CRL; give the certificates"),
    ],
)
def test_invalid_pem_is_refused(text: str, match: str) -> None:
    """Empty text, text without PEM, a truncated or damaged block and blocks of other types each have their own error."""
    refused(errors.UnreadableError, match, extra=text)


def test_name_constraints_apply_to_authorities() -> None:
    """An intermediate with a name its root excludes is refused; a device's name likewise."""
    forbidden = x509.NameConstraints(permitted_subtrees=None, excluded_subtrees=[x509.DirectoryName(name("Level 1"))])
    top = Forged(subject="Top", extra=[(forbidden, True)])
    refused(
        errors.NameConstraintError,
        "'CN=Top' .* excludes its name 'CN=Level 1'",
        Forged(subject="Level 1", issuer=top).certificate,
        top.certificate,
    )
    allowed = load(top.certificate)
    chain.validate_leaf(Forged(subject="press-001", authority=False, usage=False, issuer=top).certificate, allowed, now=NOW)
    with pytest.raises(errors.NameConstraintError):
        chain.validate_leaf(Forged(subject="Level 1", authority=False, usage=False, issuer=top).certificate, allowed, now=NOW)


@settings(max_examples=25, deadline=None)
@given(drop=st.sets(st.integers(0, 3), max_size=3))
def test_a_chain_loads_unless_it_has_a_gap(drop: set[int]) -> None:
    """With any certificates left out, a chain without a gap loads, and any other is refused because of the gap."""
    kept = [one for place, one in enumerate(MADE.up) if place not in drop]
    whole = all(b - a == 1 for a, b in itertools.pairwise(sorted(set(range(4)) - drop)))
    if whole:
        assert list(load(*kept).certificates) == kept
    else:
        refused(errors.ChainError, "a certificate is missing", *kept)
