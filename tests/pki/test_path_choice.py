"""Which path is chosen out of the certificates that a file holds: cross-signed, renewed, unordered, and other people's."""

import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from hubtrust.pki import errors
from hubtrust.pki.certificate import Certificate, display, load_certificates, thumbprint
from hubtrust.pki.chain import Chain, load_chain
from hubtrust.pki.path import Wanted
from hubtrust.pki.path_choice import path_to
from tests.kit.authorities import ABSENT, NOW, Forged, ec_key, pem_of, rsa_key
from tests.kit.openssl_keys import openssl

DAY = timedelta(days=1)
OLD_ROOT = Forged(subject="Old Root")
ROOT = Forged(subject="Root", end=NOW + 300 * DAY)
CROSS_SIGNED = Forged(subject="Root", key=ROOT.key, issuer=OLD_ROOT, end=NOW + 200 * DAY)
ISSUING = Forged(subject="Issuing", issuer=ROOT)
MADE = {"issuing": ISSUING, "root": ROOT, "cross-signed": CROSS_SIGNED, "old root": OLD_ROOT}
CERTIFICATES = {title: forged.certificate for title, forged in MADE.items()}


def chosen(*certificates: Certificate, wanted: Wanted | None = None) -> Chain:
    return load_chain(pem_of(*certificates), what="the file", now=NOW, wanted=wanted or Wanted())


def titles(chain: Chain) -> list[str]:
    return [next(title for title, one in CERTIFICATES.items() if one == certificate) for certificate in chain.certificates]


def left_out(chain: Chain) -> str:
    (notice,) = [one for one in chain.notices if ": left out, because " in one]
    return notice.partition(" does not need it: ")[2]


@settings(max_examples=24, deadline=None)
@given(st.permutations(list(CERTIFICATES)))
def test_a_cross_signed_root_is_left_out_in_any_order(order: list[str]) -> None:
    """The own root ends the path: it is the shorter one. What is left out is named; which path it is does not depend on the order."""
    chain = chosen(*(CERTIFICATES[title] for title in order))
    assert titles(chain) == ["issuing", "root"]
    assert chain.anchor == CERTIFICATES["issuing"]
    assert sorted(left_out(chain).split(", ")) == sorted(display(CERTIFICATES[title]) for title in ("cross-signed", "old root"))


@pytest.mark.parametrize(
    ("wanted", "expected", "anchor"),
    [
        (Wanted(top=True), ["issuing", "root"], "root"),
        (Wanted(top=True, key=ROOT.key.public_key()), ["issuing", "root"], "root"),
        (Wanted(top=True, key=OLD_ROOT.key.public_key()), ["issuing", "cross-signed", "old root"], "old root"),
        (Wanted(thumbprint=thumbprint(CERTIFICATES["cross-signed"])), ["issuing", "cross-signed", "old root"], "cross-signed"),
        (Wanted(key=ISSUING.key.public_key()), ["issuing", "root"], "issuing"),
    ],
)
def test_the_path_leads_to_the_wanted_certificate(wanted: Wanted, expected: list[str], anchor: str) -> None:
    """By the trusted certificate's key or thumbprint; what is above it stays in the chain, for whoever trusts that."""
    chain = chosen(*CERTIFICATES.values(), wanted=wanted)
    assert titles(chain) == expected
    assert chain.anchor == CERTIFICATES[anchor]
    assert list(chain.path) == list(chain.certificates[: expected.index(anchor) + 1])


def test_without_its_own_root_the_cross_signed_one_is_the_way() -> None:
    """As after a root was retired; an expired root is avoided too."""
    rest = [CERTIFICATES[title] for title in ("old root", "cross-signed", "issuing")]
    assert titles(chosen(*rest)) == ["issuing", "cross-signed", "old root"]
    expired = Forged(subject="Root", key=ROOT.key, start=NOW - 9 * DAY, end=NOW - DAY).certificate
    assert titles(chosen(*rest, expired)) == ["issuing", "cross-signed", "old root"]


def test_of_renewed_certificates_the_valid_one_that_lasts_longest_is_taken() -> None:
    """A CA that was renewed with its name and key, in any order: one that has expired or is not valid yet is taken if there is no other."""
    key = ec_key()
    dates = {"expired": (-900, -1), "now": (-9, 90), "longer": (-9, 400), "not yet": (5, 900)}
    made = {title: Forged(subject="CA", key=key, start=NOW + a * DAY, end=NOW + b * DAY).certificate for title, (a, b) in dates.items()}
    for order in itertools.permutations(made.values()):
        chain = chosen(*order)
        assert chain.certificates == (made["longer"],)
        assert display(made["expired"]) in left_out(chain)
    assert chosen(made["not yet"], made["expired"]).anchor == made["not yet"]
    assert "it expired on" in chosen(made["expired"]).notices[0]


def test_the_key_says_which_of_several_chains_is_meant() -> None:
    """Without it both are named, and how to choose; with it the other one is left out."""
    other = Forged(subject="Other")
    below = Forged(subject="Other Issuing", issuer=other)
    everything = [*CERTIFICATES.values(), below.certificate, other.certificate]
    with pytest.raises(
        errors.ChainError, match=r"2 chains, which end in 'CN=Issuing' .*'CN=Other Issuing' .*; give the key of the authority"
    ):
        chosen(*everything)
    assert titles(chosen(*everything, wanted=Wanted(key=ISSUING.key.public_key()))) == ["issuing", "root"]
    with pytest.raises(errors.KeyMismatchError, match=r"belongs to none of .* and 1 more; give the key of one of them"):
        chosen(*everything, wanted=Wanted(key=ec_key().public_key()))


def test_a_device_in_the_file_does_not_hide_its_authority() -> None:
    """The key says which is the authority, or another chain does; a device alone with its chain is refused: nobody knows what was meant."""
    device = Forged(subject="press-001", issuer=ISSUING, authority=False, usage=False).certificate
    given = [device, *CERTIFICATES.values()]
    chain = chosen(*given, wanted=Wanted(key=ISSUING.key.public_key()))
    assert titles(chain) == ["issuing", "root"]
    assert display(device) in left_out(chain)
    with pytest.raises(
        errors.NotAnAuthorityError, match=r"'CN=press-001' .*it is not a CA: .*; give the certificate of the authority that"
    ):
        chosen(*given)
    stranger = Forged(subject="press-002", issuer=Forged(subject="Elsewhere"), authority=False, usage=False).certificate
    assert titles(chosen(stranger, *CERTIFICATES.values())) == ["issuing", "root"]


def test_the_key_of_a_certificate_above_is_not_taken_for_the_lowest_ones() -> None:
    """What is trusted does not move up silently: whoever gave the key is told whose it is."""
    chain = chosen(*CERTIFICATES.values(), wanted=Wanted(key=ROOT.key.public_key()))
    assert chain.anchor == CERTIFICATES["issuing"]
    assert chain.of_key(ROOT.key.public_key()) == CERTIFICATES["root"]


def test_authorities_that_cross_sign_each_other_on_every_level_end() -> None:
    """Twenty levels of two certificates each have more paths than anybody could try; the way up is found at once all the same."""
    levels = [[Forged(subject="Level 0"), Forged(subject="Level 0")]]
    for number in range(1, 20):
        key, above = ec_key(), levels[-1]
        levels.append([Forged(subject=f"Level {number}", key=key, issuer=one, aki=False, serial=n) for n, one in enumerate(above, 1)])
    given = [one.certificate for level in levels for one in level]
    assert len(chosen(*reversed(given)).certificates) == 10, "no more than TLS stacks take"
    with pytest.raises(errors.ChainError, match="20 certificates are between the devices and the trusted one"):
        chosen(*given, wanted=Wanted(top=True))


def test_many_authorities_of_one_name_end() -> None:
    """Each may have signed each: only so many signatures are verified, and then there is no chain."""
    ring = [Forged(subject="CA", serial=number) for number in range(1, 61)]  # each signed by the one before
    given = [Forged(subject="CA", key=one.key, issuer=ring[number - 1], aki=ABSENT).certificate for number, one in enumerate(ring)]
    with pytest.raises(errors.ChainError, match=r"it contains \d+ chains, .* more"):
        chosen(*given)


def test_below_the_trusted_certificate_there_are_at_most_ten() -> None:
    """TLS takes no more; above it, a longer chain is cut off."""
    long = [Forged(subject="Level 0")]
    for number in range(1, 12):
        long.append(Forged(subject=f"Level {number}", issuer=long[-1]))
    given = [one.certificate for one in reversed(long)]
    assert chosen(*given).certificates == tuple(given[:10])
    with pytest.raises(errors.ChainError, match=r"12 certificates are between .*TLS takes 10; trust an authority nearer to the devices"):
        chosen(*given, wanted=Wanted(top=True))


def test_a_renewed_root_whose_children_name_its_old_certificate(tmp_path: Path) -> None:
    """Easy-RSA's key identifiers name the issuer's serial number: OpenSSL finds only that certificate, so that one is taken."""
    plain = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    identifiers = tmp_path / "e.cnf"
    identifiers.write_text("basicConstraints=CA:TRUE\nkeyUsage=keyCertSign\nauthorityKeyIdentifier=keyid,issuer:always\n")
    openssl(tmp_path, "req", "-x509", *plain, "-subj", "/CN=Easy", "-set_serial", "7", "-days", "30", "-keyout", "e.key", "-out", "old.pem")
    openssl(tmp_path, "req", "-new", *plain, "-subj", "/CN=Below", "-keyout", "b.key", "-out", "b.csr")
    signing = ["-CA", "old.pem", "-CAkey", "e.key", "-set_serial", "8", "-extfile", "e.cnf", "-days", "20"]
    openssl(tmp_path, "x509", "-req", "-in", "b.csr", *signing, "-out", "b.pem")
    openssl(tmp_path, "req", "-x509", "-key", "e.key", "-subj", "/CN=Easy", "-set_serial", "9", "-days", "900", "-out", "new.pem")
    old, below, new = (load_certificates((tmp_path / f"{stem}.pem").read_text(), what=stem)[0] for stem in ("old", "b", "new"))
    now = old.not_valid_before_utc + timedelta(hours=1)
    chain = load_chain(pem_of(new, below, old), what="the file", now=now, wanted=Wanted(top=True))
    assert chain.certificates == (below, old)
    openssl(tmp_path, "verify", "-CAfile", "old.pem", "b.pem")
    with pytest.raises(AssertionError, match="unable to get local issuer certificate"):
        openssl(tmp_path, "verify", "-CAfile", "new.pem", "b.pem")
    with pytest.raises(errors.ChainError, match=r"names the certificate with the serial number 7 of 'CN=Easy', and 'CN=Easy' .* has 9 of"):
        load_chain(pem_of(new, below), what="the file", now=now, wanted=Wanted(top=True))


def test_a_path_leads_up_to_an_anchor_that_judges() -> None:
    """For what is signed: an expired root above the anchor is no part of it, and a certificate that is not above is refused."""
    expired = Forged(subject="Root", key=ROOT.key, start=NOW - 9 * DAY, end=NOW - DAY).certificate
    issuing, root = CERTIFICATES["issuing"], CERTIFICATES["root"]
    assert path_to(issuing, [issuing, expired], now=NOW) == (issuing,)
    assert path_to(root, [issuing, expired, root], now=NOW) == (issuing, root)
    with pytest.raises(errors.ChainError, match=r"it issued neither 'CN=Issuing' .*; name the certificate that the hub trusts"):
        path_to(Forged(subject="Elsewhere").certificate, [issuing, root], now=NOW)


def test_roots_of_version_1(tmp_path: Path) -> None:
    """As OpenSSL makes one without extensions (RFC 5280 6.1.4 k): OpenSSL lets devices in below it, and so it may be trusted."""
    (tmp_path / "plain.cnf").write_text("[req]\ndistinguished_name=name\n[name]\n")
    made = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-config", "plain.cnf"]
    openssl(tmp_path, "req", "-new", *made, "-subj", "/CN=First", "-keyout", "v1.key", "-out", "v1.csr")
    openssl(tmp_path, "x509", "-req", "-in", "v1.csr", "-signkey", "v1.key", "-set_serial", "7", "-out", "v1.pem")
    openssl(tmp_path, "req", "-new", *made, "-subj", "/CN=d", "-keyout", "d.key", "-out", "d.csr")
    openssl(tmp_path, "x509", "-req", "-in", "d.csr", "-CA", "v1.pem", "-CAkey", "v1.key", "-set_serial", "8", "-out", "d.pem")
    (root,) = load_certificates((tmp_path / "v1.pem").read_text(), what="v1")
    if root.version == 3:  # OpenSSL 3.2 and later add key identifiers
        pytest.skip("this OpenSSL makes no certificates of version 1")
    chain = load_chain(pem_of(root), what="the file", now=root.not_valid_before_utc)
    assert "it is of version 1, which has no extensions (RFC 5280 4.1.2.1)" in chain.notices[0]
    openssl(tmp_path, "verify", "-purpose", "sslclient", "-CAfile", "v1.pem", "d.pem")
    device = load_certificates((tmp_path / "d.pem").read_text(), what="d")
    assert device[0].version == 1
    with pytest.raises(errors.NotAnAuthorityError, match="it is not a CA"):
        load_chain(pem_of(*device), what="the file", now=root.not_valid_before_utc)


@pytest.mark.parametrize("odd", ["expired", "RSA of 1024 bits", "excluded", "no CA", "other key", "servers only"])
def test_nothing_above_the_trusted_certificate_refuses(odd: str) -> None:
    """Whatever is wrong with the root above a sound issuing CA: one line says so, and the hub trusts the issuing CA."""
    excluded = x509.NameConstraints(None, [x509.DirectoryName(x509.Name([]))])
    top = {
        "expired": Forged(subject="Top", start=NOW - 9 * DAY, end=NOW - DAY),
        "RSA of 1024 bits": Forged(subject="Top", key=rsa_key(1024)),
        "excluded": Forged(subject="Top", extra=[(excluded, True)]),
        "no CA": Forged(subject="Top", authority=False, usage=False),
        "other key": Forged(subject="Top"),
        "servers only": Forged(subject="Top", extra=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)]),
    }[odd]
    signed_by = ec_key() if odd == "other key" else None
    below = Forged(subject="Issuing", issuer=top, signed_by=signed_by).certificate
    chain = chosen(below, top.certificate)
    assert chain.anchor == below
    assert chain.notices
    assert all("\n" not in notice for notice in chain.notices)
    with pytest.raises(errors.PkiError, match=r"expired|1024 bits|excludes|not a CA|signature does not verify|clientAuth"):
        chosen(below, top.certificate, wanted=Wanted(top=True)).require_valid_at(NOW)
