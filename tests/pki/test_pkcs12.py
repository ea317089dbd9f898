"""PKCS#12 as OpenSSL, Windows, Java and Key Vault write it, with every passphrase that a person can have."""

import base64
import contextlib
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubtrust.pki import der, encodings
from hubtrust.pki.certificate import load_certificates
from hubtrust.pki.errors import KeyUnreadableError, PkiError, PrivateKeyInsideError, UnreadableError
from hubtrust.pki.keys import load_private_key
from tests.kit.authorities import Forged, ec_key, hierarchy, pem_of, private_pem
from tests.kit.openssl_keys import openssl, openssl_octets

KEYS = [ec_key() for _ in range(2)]
CHAIN = hierarchy(KEYS).up  # the issuing authority first
BUNDLE = (private_pem(KEYS[-1]) + pem_of(*CHAIN)).encode()
PASSPHRASE = "correct horse"
LABELS = ["PRIVATE KEY", "CERTIFICATE", "CERTIFICATE"]
OLD = ("-provider", "legacy", "-provider", "default")


def exported(*arguments: str, passphrase: str | bytes = PASSPHRASE, bundle: bytes = BUNDLE) -> bytes:
    secret = passphrase.encode() if isinstance(passphrase, str) else passphrase
    command = ["openssl", "pkcs12", "-export", *arguments, *OLD, "-passout", b"pass:" + secret]
    return subprocess.run(command, input=bundle, capture_output=True, check=True).stdout


def labels(octets: str | bytes, passphrase: str | None = PASSPHRASE) -> list[str]:
    return [block.label for block in encodings.read(octets, what="the file", passphrase=passphrase).blocks]


@pytest.mark.parametrize(
    "options",
    [
        "",
        "-legacy",
        "-nomac",
        "-keypbe NONE -certpbe NONE",
        "-keypbe camellia-256-cbc -certpbe aria-128-cbc",
        "-keypbe PBE-SHA1-RC2-128 -certpbe PBE-SHA1-RC2-40",
        "-keypbe PBE-SHA1-2DES -certpbe NONE",
        "-macalg sha1",
        "-macalg sha512",
        "-name Größe",
    ],
)
def test_what_openssl_exports_is_read(options: str) -> None:
    """The key and its certificates, from octets and from base64 of them, as Key Vault's secrets have it."""
    octets = exported(*options.split())
    for form in (octets, octets + b"\n", base64.b64encode(octets), base64.encodebytes(octets).decode()):
        assert labels(form) == LABELS
        assert load_private_key(form, what="the file", passphrase=PASSPHRASE).public_key() == KEYS[-1].public_key()
    found = encodings.read(octets, what="the file", passphrase=PASSPHRASE).blocks[1:]
    assert {block.content for block in found} == {one.der for one in CHAIN}
    with pytest.raises(KeyUnreadableError, match=r"the passphrase does not open this PKCS#12 file; give the passphrase"):
        load_private_key(octets, what="the file", passphrase="wrong horse")
    with pytest.raises(KeyUnreadableError, match=r"this PKCS#12 file has a passphrase and none was given; give its passphrase as a secret"):
        load_private_key(octets, what="the file")


@pytest.mark.parametrize("options", ["", "-legacy", "-keypbe NONE -certpbe NONE -nomac", "-keypbe NONE -certpbe NONE"])
def test_a_file_without_a_passphrase_is_read(options: str) -> None:
    """Key Vault exports so. A passphrase that nobody needs does no harm."""
    octets = exported(*options.split(), passphrase="")
    for passphrase in (None, "", "not needed"):
        assert labels(octets, passphrase) == LABELS


@pytest.mark.parametrize("passphrase", ["grün", "grün€", "пароль", "パス", "🔑", " spaces "])
@pytest.mark.parametrize("options", ["", "-legacy"])
def test_a_passphrase_of_any_script_opens_it(passphrase: str, options: str) -> None:
    """Also with the line end of the file that it came from."""
    octets = exported(*options.split(), passphrase=passphrase)
    assert labels(octets, passphrase) == labels(octets, f"{passphrase}\n") == LABELS


@pytest.mark.parametrize("passphrase", ["a\0b", "\udcff", "\n", "x" * 100_000])
def test_a_passphrase_that_nobody_can_type_opens_nothing(passphrase: str) -> None:
    """NUL, half a character, a line end alone: told as any other wrong one."""
    with pytest.raises(UnreadableError, match="the passphrase does not open this PKCS#12 file"):
        labels(exported(), passphrase)


def test_a_keystore_of_java_is_read(tmp_path: Path) -> None:
    """`keytool` writes PKCS#12 today; the command of the message turns JKS into it."""
    make = ("-genkeypair", "-alias", "ca", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=Java CA", "-storepass", "changeit")
    for kind in ("PKCS12", "JKS"):
        command = ["keytool", *make, "-storetype", kind, "-keystore", "FILE", "-keypass", "changeit"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        octets = (tmp_path / "FILE").read_bytes()
        (tmp_path / "FILE").unlink()
        if kind == "PKCS12":
            assert labels(octets, "changeit") == LABELS[:2]
    with pytest.raises(UnreadableError, match="a Java keystore") as caught:
        labels(octets, "changeit")
    (tmp_path / "FILE").write_bytes(octets)
    convert = shlex.split(caught.value.remedy.partition(": ")[2])
    subprocess.run([*convert, "-srcstorepass", "changeit", "-deststorepass", "changeit"], cwd=tmp_path, check=True, capture_output=True)
    assert labels((tmp_path / "ca.p12").read_bytes(), "changeit") == LABELS[:2]


def test_an_odd_certificate_in_it_is_not_the_passphrases_fault(tmp_path: Path) -> None:
    """`cryptography` opens no file with such a name; the command of the message writes what is read."""
    odd = Forged(subject="Plant_A", key=KEYS[0]).certificate
    changed = odd.der.replace(b"\x0c\x07Plant_A", b"\x13\x07Plant_A")
    assert changed != odd.der
    pem = openssl_octets("x509", "-inform", "DER", given=changed)
    octets = exported(bundle=private_pem(KEYS[0]).encode() + pem)
    with pytest.raises(
        UnreadableError, match=r"the passphrase opens this PKCS#12 file, but a certificate or key in it can't be read"
    ) as caught:
        labels(octets)
    with pytest.raises(UnreadableError, match="the passphrase does not open"):
        labels(octets, "wrong horse")
    (tmp_path / "FILE").write_bytes(octets)
    openssl(tmp_path, *shlex.split(caught.value.remedy.partition(": ")[2])[1:], "-passin", f"pass:{PASSPHRASE}")
    assert labels((tmp_path / "ca.pem").read_bytes()) == ["CERTIFICATE", "PRIVATE KEY"]


def test_ber_is_read() -> None:
    """Indefinite lengths, and octets in pieces, as NSS writes them."""
    version, contents, mac = der.only_element(exported()).elements()
    kind, wrapped = contents.elements()
    octets = wrapped.elements()[0].content
    pieces = b"".join(der.encoded(der.OCTET_STRING, octets[at : at + 99]) for at in range(0, len(octets), 99))
    inner = b"\x30\x80" + kind.encoding + b"\xa0\x80\x24\x80" + pieces + bytes(6)
    ber = b"\x30\x80" + version.encoding + inner + mac.encoding + bytes(2)
    assert labels(ber) == labels(base64.b64encode(ber)) == LABELS


def test_a_file_for_windows_accounts_is_named() -> None:
    """Nobody's passphrase opens it."""
    kind = bytes.fromhex("2a864886f70d0107")
    octets = exported().replace(kind + b"\x06", kind + b"\x03")
    for passphrase in (None, PASSPHRASE):
        with pytest.raises(
            UnreadableError, match="is protected for Windows accounts, and not by a passphrase; export it again with a password"
        ):
            labels(octets, passphrase)


def test_a_chain_alone_is_read() -> None:
    """PKCS#12 may have certificates alone. One with a key is no chain, unless the caller knows that one file has both."""
    assert [one.der for one in load_certificates(exported("-nokeys", passphrase=""), what="the file")] == [one.der for one in CHAIN]
    with pytest.raises(PrivateKeyInsideError):
        load_certificates(exported(passphrase=""), what="the file")
    with pytest.raises(KeyUnreadableError, match="it contains no private key, only a CERTIFICATE"):
        load_private_key(exported("-nokeys", passphrase=""), what="the file")


def test_it_is_cut_off() -> None:
    """Which is never called a wrong passphrase."""
    octets = exported()
    for end in range(20, len(octets), 97):
        with pytest.raises(UnreadableError, match="it is DER and damaged: it ends in the middle"):
            labels(octets[:end])


def test_rounds_that_take_minutes_are_refused() -> None:
    """Those of the key's and of the certificates' encryption can be seen before."""
    octets = exported("-iter", "70000")
    whole = der.only_element(octets)

    def changed(element: der.Element) -> bytes:
        inner = element.content
        if element.is_constructed:
            inner = b"".join(map(changed, element.elements()))
        elif element.tag == der.OCTET_STRING and inner[:1] == b"\x30" and len(inner) > 200:
            inner = changed(der.only_element(inner))
        elif element.tag == der.INTEGER and inner == b"\x01\x11\x70":
            inner = b"\x7f\xff\xff\xff"
        return der.encoded(element.tag, inner)

    with pytest.raises(KeyUnreadableError, match="its passphrase is to be hashed 2,147,483,647 times"):
        labels(changed(whole))


FILES = (exported("-iter", "1", "-nomaciter"), exported("-legacy", "-iter", "1"), exported("-nomac", "-iter", "1"))


@settings(max_examples=500)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    """Any octets changed, doubled or left out: nothing but a PkiError."""
    octets = bytearray(data.draw(st.sampled_from(FILES)))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.one_of(st.integers(0, min(200, len(octets) - 1)), st.integers(0, len(octets) - 1)))
        octets[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    with contextlib.suppress(PkiError):
        labels(bytes(octets))
