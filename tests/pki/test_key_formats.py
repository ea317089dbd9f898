"""Private keys in every format that OpenSSL writes; ciphers and kinds of keys that are not read are named."""

import base64
import contextlib
import shlex
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from hubtrust.pki import der
from hubtrust.pki.errors import KeyEncodingError, KeyUnreadableError, PkiError, WeakError
from hubtrust.pki.keys import load_private_key, load_public_key
from tests.kit.authorities import ec_key, private_pem, rsa_key
from tests.kit.openssl_keys import made_by_openssl, openssl, openssl_octets
from tests.kit.repository import SHARED

KEYS = {"EC": ec_key(), "RSA": rsa_key()}
PEMS = {name: private_pem(key).encode() for name, key in KEYS.items()}
PASSPHRASE = "correct horse"
OLD = ("-provider", "legacy", "-provider", "default")
CASE = SHARED / "cases" / "A15-key-camellia-passphrase-pw.key"


def is_read(encoding: str | bytes, name: str = "EC", passphrase: str | None = None) -> bool:
    return load_private_key(encoding, what="the key", passphrase=passphrase).public_key() == KEYS[name].public_key()


def in_pkcs8(*arguments: str, passphrase: str = PASSPHRASE) -> bytes:
    """The EC key, encrypted as PKCS#8."""
    return openssl_octets("pkcs8", "-topk8", *arguments, "-passout", f"pass:{passphrase}", *OLD, given=PEMS["EC"])


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("form", ["PEM", "DER"])
@pytest.mark.parametrize("command", ["pkey", "pkey -traditional", "pkcs8 -topk8 -nocrypt"])
def test_a_plain_key_is_read(name: str, form: str, command: str) -> None:
    """PKCS#8, PKCS#1 and SEC1 in PEM and DER, base64 of them, and with a passphrase that nobody needs."""
    encoding = openssl_octets(*command.split(), "-outform", form, given=PEMS[name])
    assert is_read(encoding, name)
    assert is_read(base64.b64encode(encoding), name, "not needed")
    assert is_read(base64.b64encode(encoding).decode(), name)
    if form == "PEM":
        text = encoding.decode()
        for changed in (text.replace("\n", r"\n"), text.replace("\n", "\r\n"), text.replace("\n", " "), f'"{text}"', f"\ufeff{text}"):
            assert is_read(changed, name)
        assert is_read(text.encode("utf-16"), name)


def test_a_short_key_may_end_in_the_octets_of_spaces() -> None:
    """DER of a P-256 key is as short as a text may begin, and its last octet is any; what editors add after it is cut off."""
    for number in range(1, 200):
        key = ec.derive_private_key(number, ec.SECP256R1())
        private = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for after in (b"", b"\r\n"):
            assert load_private_key(private + after, what="the key").public_key() == key.public_key()
            assert load_public_key(public + after, what="the key") == key.public_key()


def test_a_label_is_not_believed() -> None:
    """PKCS#1 called PRIVATE KEY, and PKCS#8 called RSA PRIVATE KEY: the structure says what it is."""
    traditional = openssl_octets("pkey", "-traditional", given=PEMS["RSA"])
    assert is_read(traditional.replace(b"RSA PRIVATE", b"PRIVATE"), "RSA")
    assert is_read(PEMS["RSA"].replace(b"PRIVATE", b"RSA PRIVATE"), "RSA")


def test_what_is_beside_a_key_is_passed_over() -> None:
    """The curve before an EC key, bag attributes, and a certificate."""
    parameters = openssl_octets("ecparam", "-name", "prime256v1")
    assert is_read(parameters + openssl_octets("ec", given=PEMS["EC"]))
    assert is_read(b"Bag Attributes\n    friendlyName: ca\nKey Attributes: <No Attributes>\n" + PEMS["EC"])
    assert is_read(PEMS["EC"] * 2), "the same key twice"
    with pytest.raises(KeyUnreadableError, match="it contains 2 private keys; give only the key of the certificate that is trusted"):
        is_read(PEMS["EC"] + PEMS["RSA"])
    with pytest.raises(KeyUnreadableError, match="it contains no private key, only a EC PARAMETERS"):
        is_read(parameters)


@pytest.mark.parametrize("form", ["PEM", "DER"])
@pytest.mark.parametrize(
    "options",
    [
        *(f"-v2 {cipher}" for cipher in ("aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3", "rc2-cbc")),
        *(f"-v2 aes-256-cbc -v2prf hmacWithSHA{size}" for size in (1, 224, 384, 512)),
        "-scrypt",
        *(f"-v1 PBE-{scheme}" for scheme in ("MD5-DES", "SHA1-3DES", "SHA1-RC2-40", "SHA1-RC4-128")),
    ],
)
def test_an_encrypted_key_is_read(options: str, form: str) -> None:
    """PBES2, PBES1 and those of PKCS#12. Another passphrase, and none, are told."""
    encoding = in_pkcs8(*options.split(), "-outform", form)
    assert is_read(encoding, passphrase=PASSPHRASE)
    with pytest.raises(KeyUnreadableError, match="the passphrase does not decrypt the private key"):
        is_read(encoding, passphrase="wrong horse")
    with pytest.raises(KeyUnreadableError, match="the private key is encrypted and no passphrase was given"):
        is_read(encoding)


@pytest.mark.parametrize("cipher", ["aes128", "aes192", "aes256", "des3"])
@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_openssl_encrypted_in_pem_is_read(name: str, cipher: str) -> None:
    """With the headers Proc-Type and DEK-Info, also on one line, indented, or with doubled line ends."""
    arguments = ("pkey", "-traditional", f"-{cipher}", "-passout", f"pass:{PASSPHRASE}")
    text = openssl_octets(*arguments, given=PEMS[name]).decode()
    assert "DEK-Info" in text
    for changed in (text, *(text.replace("\n", end) for end in ("\n\n", " ", "\n    ", r"\n", "\r\n"))):
        assert is_read(changed, name, PASSPHRASE)
    for passphrase in ("wrong", "wrong horse", "horse"):
        with pytest.raises(KeyUnreadableError, match="the passphrase does not decrypt the private key"):
            is_read(text, name, passphrase)


@pytest.mark.parametrize("header", ["", "DEK-Info:", "DEK-Info: AES-256-CBC zz MHc", "DEK-Info: ,00", "DEK-Info: AES-256-CBC,00"])
def test_a_damaged_header_is_told(header: str) -> None:
    """Without its content, which may be the key's."""
    arguments = ("pkey", "-traditional", "-aes256", "-passout", f"pass:{PASSPHRASE}")
    lines = openssl_octets(*arguments, given=PEMS["EC"]).decode().splitlines()
    lines[2] = header + ("" if header.endswith("00") else lines[4])
    with pytest.raises(KeyUnreadableError) as caught:
        is_read("\n".join(lines), passphrase=PASSPHRASE)
    assert lines[4][:8] not in str(caught.value)


CIPHERS = {
    "-v2 camellia-128-cbc": "Camellia-128-CBC",
    "-v2 camellia-192-cbc": "Camellia-192-CBC",
    "-v2 camellia-256-cbc": "Camellia-256-CBC",
    "-v2 aria-256-cbc": "ARIA-256-CBC",
    "-v2 sm4-cbc": "SM4-CBC",
    "-v2 seed-cbc": "SEED-CBC",
    "-v2 bf-cbc": "Blowfish-CBC",
    "-v2 cast5-cbc": "CAST5-CBC",
    "-v2 des-cbc": "DES-CBC",
    "-v2 rc4": "RC4",
    "-v2 aes-256-ofb": "AES-256-OFB",
    "-v2 aes-128-cfb": "AES-128-CFB",
    "-v2 aes-256-cbc -v2prf hmacWithMD5": "HMAC with MD5",
    "-v2 aes-256-cbc -v2prf hmacWithSHA512-256": "HMAC with SHA-512/256",
    "-v1 PBE-SHA1-DES": "PBE with SHA-1 and DES",
    "-v1 PBE-SHA1-RC2-64": "PBE with SHA-1 and RC2",
    "-v1 PBE-SHA1-RC2-128": "PBE with SHA-1 and RC2-128",
    "-v1 PBE-SHA1-RC4-40": "PBE with SHA-1 and RC4-40",
    "-v1 PBE-SHA1-2DES": "PBE with SHA-1 and 3DES of two keys",
}


@pytest.mark.parametrize(("options", "name"), CIPHERS.items())
def test_a_cipher_that_is_not_read_is_named(tmp_path: Path, options: str, name: str) -> None:
    """Whatever the passphrase; the command of the message gives a key that is read."""
    (tmp_path / "FILE").write_bytes(in_pkcs8(*options.split()))
    for passphrase in (PASSPHRASE, "wrong horse", None):
        with pytest.raises(KeyUnreadableError, match=f"is encrypted with {name}, which is not supported here; encrypt it again") as caught:
            is_read((tmp_path / "FILE").read_bytes(), passphrase=passphrase)
    command = shlex.split(caught.value.remedy.partition(": ")[2])
    passwords = ("-passin", f"pass:{PASSPHRASE}", "-passout", f"pass:{PASSPHRASE}")
    openssl(tmp_path, *command[1:], *passwords)
    assert is_read((tmp_path / "ca.key").read_bytes(), passphrase=PASSPHRASE)


@pytest.mark.parametrize("cipher", ["camellia256", "aria256", "seed", "des", "bf", "cast", "rc2", "sm4", "aes-256-cfb"])
def test_a_cipher_of_pem_that_is_not_read_is_named(tmp_path: Path, cipher: str) -> None:
    """By its name in DEK-Info; the command of the message gives a key that is read."""
    arguments = ("pkey", "-traditional", f"-{cipher}", "-passout", f"pass:{PASSPHRASE}", *OLD)
    (tmp_path / "FILE").write_bytes(openssl_octets(*arguments, given=PEMS["EC"]))
    with pytest.raises(KeyUnreadableError, match=r"is encrypted with [A-Z0-9]+(-\d+)?-C[BF][CB], which is not supported here") as caught:
        is_read((tmp_path / "FILE").read_bytes(), passphrase=PASSPHRASE)
    passwords = ("-passin", f"pass:{PASSPHRASE}", "-passout", f"pass:{PASSPHRASE}")
    openssl(tmp_path, *shlex.split(caught.value.remedy.partition(": ")[2])[1:], *passwords)
    assert is_read((tmp_path / "ca.key").read_bytes(), passphrase=PASSPHRASE)


@pytest.mark.skipif(not CASE.is_file(), reason="the shared cases are not beside the project")
def test_the_shared_case_names_its_cipher() -> None:
    """A PKCS#8 key that OpenSSL encrypted with Camellia."""
    with pytest.raises(KeyUnreadableError, match="is encrypted with Camellia-256-CBC, which is not supported here"):
        load_private_key(CASE.read_bytes(), what="the key", passphrase="pw")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252"])
def test_a_passphrase_may_have_been_typed_in_another_encoding(encoding: str) -> None:
    """An ä is two octets in one terminal and one in another; a file's line end is no part of it."""
    typed = "grün€" if encoding != "latin-1" else "grün"
    done = subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-passout", b"pass:" + typed.encode(encoding)], input=PEMS["EC"], capture_output=True, check=True
    )
    assert is_read(done.stdout, passphrase=typed)
    assert is_read(done.stdout, passphrase=f"{typed}\n")


@pytest.mark.parametrize("extra", ["", "-scrypt -scrypt_N 16384"])
def test_a_derivation_that_takes_minutes_is_refused(extra: str) -> None:
    """A damaged or hostile number would hang: of rounds, or of scrypt's cost."""
    options = extra.split() or ["-iter", "1048576"]
    encoding = openssl_octets("pkcs8", "-topk8", *options, "-outform", "DER", "-passout", "pass:x", given=PEMS["EC"])
    given_, wanted = (b"\x02\x02\x40\x00", b"\x02\x02\x7f\xff") if extra else (b"\x02\x03\x10\x00\x00", b"\x02\x03\x7f\xff\xff")
    assert is_read(encoding, passphrase="x")
    assert given_ in encoding
    block = der.only_element(encoding)
    longer = _replaced(block, given_[2:], wanted[2:] + b"\xff" * (4 - len(wanted[2:])))
    with pytest.raises(
        KeyUnreadableError, match=r"its passphrase is to be hashed 2,147,483,647 times|its scrypt parameters take more than 1 GiB"
    ):
        is_read(longer, passphrase="x")


def test_a_cost_that_scrypt_does_not_have_is_told() -> None:
    """OpenSSL has no word for it, and `cryptography` calls it an internal error."""
    encoding = openssl_octets("pkcs8", "-topk8", "-scrypt", "-scrypt_N", "16384", "-outform", "DER", "-passout", "pass:x", given=PEMS["EC"])
    with pytest.raises(KeyUnreadableError, match="the passphrase does not decrypt the private key"):
        is_read(_replaced(der.only_element(encoding), b"\x40\x00", b"\x03"), passphrase="x")


def _replaced(element: der.Element, number: bytes, by: bytes) -> bytes:
    """The element with another number in it."""
    if element.is_constructed:
        return der.encoded(element.tag, b"".join(_replaced(part, number, by) for part in element.elements()))
    return der.encoded(element.tag, by if element.content == number else element.content)


@pytest.mark.parametrize("kind", ["explicit", "pss"])
@pytest.mark.parametrize("command", ["pkey", "pkey -traditional", "pkey -outform DER"])
def test_a_form_that_no_path_can_have_is_named(tmp_path: Path, kind: str, command: str) -> None:
    """Explicit EC parameters, in SEC1 too, and keys for RSASSA-PSS alone."""
    _, key, _ = made_by_openssl(tmp_path, kind)
    if kind == "pss" and "traditional" in command:
        command = "pkcs8 -topk8 -nocrypt"  # PKCS#1 can't say it
    with pytest.raises(KeyEncodingError, match="explicit parameters" if kind == "explicit" else "for RSASSA-PSS only"):
        load_private_key(openssl_octets(*command.split(), given=key.encode()), what="the key")


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ("-algorithm ED25519", KeyUnreadableError, "the private key is Ed25519, neither RSA nor EC"),
        ("-algorithm ED448", KeyUnreadableError, "the private key is Ed448, neither RSA nor EC"),
        ("-algorithm X25519", KeyUnreadableError, "the private key is X25519, neither RSA nor EC"),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:SM2", WeakError, "is on the curve SM2; use RSA"),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:sect283k1", WeakError, "is on the curve sect283k1"),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1", WeakError, "is on the curve brainpoolP256r1"),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", WeakError, "is on the curve secp256k1"),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:1024", WeakError, "its RSA key has 1024 bits"),
    ],
)
def test_another_kind_of_key_is_named(options: str, error: type[PkiError], match: str, encrypted: bool) -> None:
    """Encrypted or not."""
    key = openssl_octets("genpkey", *options.split())
    if encrypted:
        key = openssl_octets("pkcs8", "-topk8", "-passout", "pass:x", given=key)
    with pytest.raises(error, match=match):
        load_private_key(key, what="the key", passphrase="x" if encrypted else None)


def test_a_key_that_does_not_fit_together_is_told() -> None:
    """An RSA key whose numbers are another's, and an EC key that names no curve."""
    whole = der.only_element(openssl_octets("pkey", "-traditional", "-outform", "DER", given=PEMS["RSA"])).elements()
    other = der.Element.of(der.INTEGER, whole[4].content[:-1] + b"\x01")
    with pytest.raises(KeyUnreadableError, match=r"its RSA key can't be used: its numbers don't belong together; check it: openssl pkey"):
        is_read(der.encoded(der.SEQUENCE, b"".join(one.encoding for one in (*whole[:4], other, *whole[5:]))))
    curveless = der.only_element(openssl_octets("ec", "-outform", "DER", given=PEMS["EC"])).elements()[:2]
    with pytest.raises(WeakError, match="it does not say of which kind its key is, or on which curve"):
        is_read(der.encoded(der.SEQUENCE, b"".join(one.encoding for one in curveless)))


def test_a_key_of_microsoft_is_converted_by_the_command_of_the_message(tmp_path: Path) -> None:
    """A key blob of Windows is named, and `openssl` reads it."""
    (tmp_path / "rsa.key").write_bytes(PEMS["RSA"])
    openssl(tmp_path, "rsa", "-in", "rsa.key", "-outform", "MSBLOB", "-out", "FILE")
    with pytest.raises(KeyUnreadableError, match="it is a Microsoft key blob; convert it") as caught:
        is_read((tmp_path / "FILE").read_bytes(), "RSA")
    openssl(tmp_path, *shlex.split(caught.value.remedy.partition(": ")[2])[1:])
    assert is_read((tmp_path / "ca.key").read_bytes(), "RSA")


def test_an_ssh_key_is_converted_by_the_command_of_the_message(tmp_path: Path) -> None:
    """OpenSSH's own format is named, and `ssh-keygen` writes PKCS#8 in its place."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "FILE"], check=True, stdin=subprocess.DEVNULL)
    with pytest.raises(KeyUnreadableError, match="it is an OpenSSH private key; convert it") as caught:
        load_private_key((tmp_path / "FILE").read_bytes(), what="the key")
    command = shlex.split(caught.value.remedy.partition(": ")[2].partition(",")[0])
    subprocess.run([*command, "-q", "-P", "", "-N", ""], cwd=tmp_path, check=True)
    assert load_private_key((tmp_path / "FILE").read_bytes(), what="the key").key_size == 256


@pytest.mark.parametrize("name", KEYS)
def test_public_keys_are_read_in_every_form(name: str) -> None:
    """SubjectPublicKeyInfo and PKCS#1, PEM and DER, and base64."""
    forms = ["pkey -pubout", "pkey -pubout -outform DER", *(["rsa -RSAPublicKey_out"] if name == "RSA" else [])]
    for form in forms:
        encoding = openssl_octets(*form.split(), given=PEMS[name])
        assert load_public_key(encoding, what="the key") == KEYS[name].public_key()
        assert load_public_key(base64.b64encode(encoding).decode(), what="the key") == KEYS[name].public_key()


ENCRYPTED = (in_pkcs8(), in_pkcs8("-outform", "DER"), in_pkcs8("-v1", "PBE-SHA1-3DES"), PEMS["RSA"], PEMS["EC"])


@given(data=st.data())
def test_a_damaged_key_is_read_or_refused(data: st.DataObject) -> None:
    """Any octet changed, in PEM and in DER, encrypted or not: nothing but a PkiError, which has nothing of the key."""
    encoding = bytearray(data.draw(st.sampled_from(ENCRYPTED)))
    for _ in range(data.draw(st.integers(1, 3))):
        encoding[data.draw(st.integers(0, len(encoding) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(PkiError):
        load_private_key(bytes(encoding), what="the key", passphrase=PASSPHRASE)
    with contextlib.suppress(PkiError):
        load_public_key(bytes(encoding), what="the key")
