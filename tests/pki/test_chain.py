"""Which chains of authorities can be imported, and the error for each one that can't."""

import itertools
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from hubtrust.pki import chain, der, errors
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.path import Wanted
from tests.kit.authorities import ABSENT, NOW, Forged, ec_key, hierarchy, leaf, name, pem_of, private_pem, rsa_key
from tests.kit.openssl_keys import openssl

MADE = hierarchy(depth=3)


def load(*certificates: Certificate, extra: str = "") -> chain.Chain:
    return chain.load_chain(pem_of(*certificates) + extra, what="pki:chain", now=NOW)


def refused(kind: type[errors.PkiError], match: str, *certificates: Certificate, extra: str = "") -> str:
    with pytest.raises(kind, match=match) as caught:
        load(*certificates, extra=extra)
    assert re.fullmatch(r"[^\n]+: [^\n]+; [^\n]+", str(caught.value)), "what, the fact, the remedy, in one line"
    assert str(caught.value) == f"{caught.value.what}: {caught.value.fact}; {caught.value.remedy}"
    return str(caught.value)


def refused_by_the_top(kind: type[errors.PkiError], match: str, *certificates: Certificate) -> None:
    with pytest.raises(kind, match=match):
        chain.load_chain(pem_of(*certificates), what="pki:chain", now=NOW, wanted=Wanted(top=True))


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
    """An authority whose key usage lacks keyCertSign is refused; without the whole extension it may sign (RFC 5280 4.2.1.3, 6.1.4 n)."""
    refused(errors.NotAnAuthorityError, "its key usage lacks keyCertSign", Forged(usage=False).certificate)
    notices = load(Forged(usage=ABSENT).certificate).notices
    assert ["it has no key usage extension (RFC 5280 4.2.1.3); devices connect anyway" in one for one in notices] == [True]


def test_an_authority_for_servers_only_is_refused() -> None:
    """An authority whose extended key usage excludes client certificates is refused at import: no device could connect."""
    servers = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    clients = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
    refused(errors.NotAnAuthorityError, "its extended key usage lacks clientAuth", Forged(extra=[servers]).certificate)
    assert load(Forged(extra=[clients]).certificate).notices == ()


def test_dates_refuse_no_chain_but_what_is_new_below_it() -> None:
    """An expired authority, one that starts tomorrow and one that starts in five minutes (a slow clock) are noticed, with their remedies.

    A chain that was trusted while it was valid must be loaded in every run; what is new asks whether it is valid now.
    """
    old, early = {"end": NOW - timedelta(days=1), "start": NOW - timedelta(9)}, {"start": NOW + timedelta(minutes=5)}
    for dates, match in (
        (old, "it expired on 2026-05-31T12:00:00Z; renew it"),
        ({"start": NOW + timedelta(days=1)}, "wait until then"),
        (early, "is not valid before 2026-06-01T12:05:00Z, and the time here is 2026-06-01T12:00:00Z; correct this machine's clock"),
    ):
        loaded = load(Forged(**dates).certificate)
        (notice,) = loaded.notices
        assert match in notice
        with pytest.raises(errors.NotValidNowError, match=match):
            loaded.require_valid_at(NOW)


def test_a_gap_above_the_trusted_certificate_is_noticed() -> None:
    """A chain without its middle: the hub trusts what is below the gap, and devices send no more than that. What is missing is named."""
    loaded = load(MADE.up[0], MADE.up[1], MADE.up[3])
    assert list(loaded.certificates) == MADE.up[:2]
    ends, left_out = loaded.notices
    assert ends.endswith("; its issuer 'CN=Level 1' is not in it")
    assert left_out.endswith(f"does not need it: {chain.display(MADE.up[3])}")
    with pytest.raises(errors.ChainError, match=r"a certificate is missing: .*issued by 'CN=Level 1', which is not among the 3 given"):
        chain.load_chain(pem_of(MADE.up[0], MADE.up[1], MADE.up[3]), what="pki:chain", now=NOW, wanted=Wanted(top=True))


def test_a_bundle_is_not_a_chain() -> None:
    """Two chains are refused with both ends named, and with what says which one is meant; hundreds of certificates by their number."""
    refused(
        errors.ChainError,
        r"it contains 2 chains, which end in 'CN=Level 1' .*'CN=Other' .*; give the key of .*, or give one chain, not a bundle",
        *hierarchy(depth=1).up,
        Forged(subject="Other").certificate,
    )
    many = [Forged(subject=f"Root {number}").certificate for number in range(11)]
    refused(errors.ChainError, r"it contains 11 chains, which end in ('CN=Root \d+' \([0-9A-F]{8}\),? ?){5}and 6 more; ", *many)
    again = [Forged(subject="Root", serial=number).certificate for number in range(1, 202)]
    refused(errors.ChainError, "it contains 201 certificates, and at most 200 are looked through; give one chain, not a bundle", *again)


def test_a_circle_has_no_beginning() -> None:
    """Of two authorities that sign each other none is the lowest, unless the key says so; above another one they end nothing."""
    first, second = Forged(subject="A"), Forged(subject="B")
    first.issuer, second.issuer = second, first
    refused(errors.ChainError, "sign each other in a loop; give the key", first.certificate, second.certificate)
    third, given = Forged(subject="C", issuer=first), [first.certificate, second.certificate]
    loaded = load(third.certificate, *given)
    assert [one.subject for one in loaded.certificates] == [name("C"), name("A"), name("B")]
    by_key = chain.load_chain(pem_of(*given), what="pki:chain", now=NOW, wanted=Wanted(key=second.key.public_key()))
    assert [one.subject for one in by_key.certificates] == [name("B"), name("A")]


def test_a_broken_signature_is_named() -> None:
    """A child that another key than its issuer's signed: above the trusted certificate it is noticed, below it is refused."""
    top = Forged(subject="Top")
    forged = Forged(subject="Child", issuer=top, signed_by=ec_key())
    given = pem_of(forged.certificate, top.certificate)
    match = r"'CN=Child' .* its signature does not verify with the key of 'CN=Top'"
    loaded = chain.load_chain(given, what="pki:chain", now=NOW)
    assert loaded.certificates == (loaded.anchor,)
    assert re.search(match.replace(" its", "; its"), loaded.notices[0])
    with pytest.raises(errors.ChainError, match=match):
        chain.load_chain(given, what="pki:chain", now=NOW, wanted=Wanted(top=True))
    (notice,) = load(Forged(subject="Alone", signed_by=ec_key()).certificate).notices
    assert "its own signature does not verify; a trusted certificate's own signature is not checked" in notice


def test_issuers_of_the_same_name_are_distinguished_by_key() -> None:
    """A new CA with the old one's name does not pass for the issuer: the key identifiers differ."""
    old, new = Forged(subject="CA"), Forged(subject="CA")
    child = Forged(subject="Child", issuer=old).certificate
    ends, left_out = load(child, new.certificate).notices
    assert "the chain ends at 'CN=Child'" in ends
    assert "its authority key identifier is" in ends
    assert left_out.endswith(chain.display(new.certificate)) is False, "each access makes a new certificate of the same name"
    assert "does not need it: 'CN=CA' (" in left_out


def test_path_lengths_are_enforced() -> None:
    """An authority below path length 0 is refused where the one above is trusted, naming it; otherwise it is noticed."""
    top = Forged(subject="Top", path_length=0)
    given = [Forged(subject="Below", issuer=top).certificate, top.certificate]
    match = r"'CN=Top' .*1 authority is below it and its path length allows 0"
    refused_by_the_top(errors.PathLengthError, match, *given)
    (notice,) = load(*given).notices
    assert notice.startswith("'CN=Top' ")
    middle = Forged(subject="Middle", issuer=(tall := Forged(subject="Tall", path_length=1)))
    low = Forged(subject="Low", issuer=middle)
    path = [Forged(subject="Lower", issuer=low).certificate, low.certificate, middle.certificate, tall.certificate]
    refused_by_the_top(errors.PathLengthError, "2 authorities are below it", *path)


def test_weak_keys_and_signatures_are_refused() -> None:
    """RSA of 1024 bits, an unsupported curve, a DSA key and SHA-1 are refused; each error says what to use."""
    refused(errors.WeakError, "its RSA key has 1024 bits; use RSA with at least 2048 bits", Forged(key=rsa_key(1024)).certificate)
    refused(errors.WeakError, "the curve secp256k1; use P-256", Forged(key=ec_key(ec.SECP256K1())).certificate)
    below = Forged(subject="DSA", key=dsa.generate_private_key(2048), issuer=(top := Forged(subject="Top")))
    refused(errors.WeakError, "its key is DSA; use RSA of 2048 bits or more, or EC", below.certificate, top.certificate)


def test_a_signature_of_sha_1_counts_only_below_the_trusted_certificate(tmp_path: Path) -> None:
    """A root's own is never checked, and a CA's is not checked where it is trusted itself. OpenSSL makes them: cryptography can't."""
    run = ["-nodes", "-newkey", "rsa:2048", "-sha1", "-days", "9000", "-addext", "keyUsage=critical,keyCertSign"]
    openssl(tmp_path, "req", "-x509", *run, "-subj", "/CN=Old", "-keyout", "old.key", "-out", "old.pem")
    below = [*run, "-addext", "basicConstraints=critical,CA:TRUE"]
    openssl(tmp_path, "req", "-new", *below, "-subj", "/CN=Below", "-keyout", "below.key", "-out", "below.csr")
    signing = ["-sha1", "-CA", "old.pem", "-CAkey", "old.key", "-set_serial", "7", "-copy_extensions", "copyall", "-days", "30"]
    openssl(tmp_path, "x509", "-req", "-in", "below.csr", *signing, "-out", "below.pem")
    now, root = datetime.now(UTC), (tmp_path / "old.pem").read_text()
    assert (
        "it is signed with SHA1; a trusted certificate's own signature is not checked"
        in chain.load_chain(root, what="pki:chain", now=now).notices[0]
    )
    both = root + (tmp_path / "below.pem").read_text()
    assert chain.load_chain(both, what="pki:chain", now=now).anchor.subject == name("Below")
    with pytest.raises(errors.WeakError, match=r"'CN=Below' .*it is signed with SHA1; have it reissued with SHA-256"):
        chain.load_chain(both, what="pki:chain", now=now, wanted=Wanted(top=True))


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
    """An intermediate with a name that the trusted root excludes is refused; a device's name likewise."""
    forbidden = x509.NameConstraints(permitted_subtrees=None, excluded_subtrees=[x509.DirectoryName(name("Level 1"))])
    top = Forged(subject="Top", extra=[(forbidden, True)])
    below = Forged(subject="Level 1", issuer=top).certificate
    refused_by_the_top(errors.NameConstraintError, "'CN=Top' .* excludes its name 'CN=Level 1'", below, top.certificate)
    assert any("'CN=Top' (" in one and "excludes its name 'CN=Level 1'" in one for one in load(below, top.certificate).notices)
    allowed = load(top.certificate)
    chain.validate_leaf(Forged(subject="press-001", authority=False, usage=False, issuer=top).certificate, allowed, now=NOW)
    with pytest.raises(errors.NameConstraintError):
        chain.validate_leaf(Forged(subject="Level 1", authority=False, usage=False, issuer=top).certificate, allowed, now=NOW)


@settings(max_examples=25, deadline=None)
@given(drop=st.sets(st.integers(0, 3), max_size=3))
def test_a_chain_reaches_up_to_its_first_gap(drop: set[int]) -> None:
    """With any certificates left out, the chain is what links to the lowest; what is above a gap is another chain, unless it is a root."""
    kept = [one for place, one in enumerate(MADE.up) if place not in drop]
    places = sorted(set(range(4)) - drop)
    linked = next((n for n, (a, b) in enumerate(itertools.pairwise(places), 1) if b - a > 1), len(places))
    if places[linked:] not in ([], [3]):
        refused(errors.ChainError, "it contains 2 chains, .*a certificate is missing", *kept)
    else:
        assert list(load(*kept).certificates) == kept[:linked]
        refused_by_the_top(errors.ChainError, "a certificate is missing", *kept) if linked < len(places) else None


def test_a_signature_with_bits_left_over_is_none() -> None:
    """`cryptography` verifies it, and OpenSSL does not."""
    top = Forged(subject="Top")
    below = Forged(subject="Below", issuer=top)  # a new signature at each access, until the last bit is 0
    made = next(one for one in iter(lambda: below.certificate, None) if one.der[-1] % 2 == 0)
    content, algorithm, signature = der.only_element(made.der).elements()
    odd = der.encoded(der.BIT_STRING, b"\x01" + signature.content[1:])
    changed = Certificate(der.encoded(der.SEQUENCE, content.encoding + algorithm.encoding + odd), what="below")
    with pytest.raises(errors.ChainError, match="its signature does not verify"):
        chain.require_signed_by(changed, top.certificate)
