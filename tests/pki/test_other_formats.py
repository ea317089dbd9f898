"""What is not read is named, with the way to something that is; and nothing takes long, whatever somebody made it of."""

import base64

import pytest

from hubtrust.pki import encodings
from hubtrust.pki.certificate import load_certificates
from hubtrust.pki.errors import UnreadableError
from tests.kit.authorities import Forged, ec_key, pem_of, private_pem
from tests.kit.openssl_keys import openssl_octets

KEY = ec_key()
ROOT = Forged(subject="Contoso Root", key=KEY).certificate
PEM, DER, KEY_PEM = pem_of(ROOT), ROOT.der, private_pem(KEY)

NOT_READ: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "white space": (b" \r\n\t\n", "it is empty"),
    "nothing but zeros": (bytes(600), "it is empty"),
    "quotes": (b'""', "it is empty"),
    "noise": (b"noise", "it contains no certificate, key or request"),
    "a text about certificates": (b"# begin with a certificate\n# end: of the request\n", "it contains no certificate, key or request"),
    "base64 of nothing known": (base64.b64encode(bytes(range(1, 90))), "it contains no certificate, key or request"),
    "cut PEM": (PEM[:-40].encode(), "is incomplete: it has no END CERTIFICATE"),
    "cut DER": (DER[:-9], "it is DER and damaged: it ends in the middle"),
    "another DER": (b"\x30\x03\x02\x01\x05", "it is DER, but no certificate, key, request"),
    "lower case": (PEM.lower().encode(), "its BEGIN line is missing or damaged"),
    "hyphens of a word processor": (PEM.replace("--", "\u2013").encode(), "its BEGIN line is missing or damaged"),
    "four hyphens": (PEM.replace("-----", "----").encode(), "its BEGIN line is missing or damaged"),
    "no BEGIN": (PEM.split("\n", 1)[1].encode(), "its BEGIN line is missing or damaged"),
    "a label that runs into the content": (
        PEM.replace("\n", "").replace("TE-----", "TE", 1).encode(),
        "its BEGIN line is missing or damaged",
    ),
    "stray character": (PEM.replace("M", "*", 1).encode(), r"is damaged: its base64 has the character '\*'"),
    "empty block": (b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "is empty"),
    "path": (b"certs/ca.pem\n", "it is the name of a file"),
    "HTML": (b"\n<!DOCTYPE html><title>Sign in</title>", "an HTML page, perhaps a login page; open the address"),
    "JSON": (b'{"id": "https://x.vault.azure.net/secrets/ca"}', "it is JSON; give only the value"),
    "JWK": (b'{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}', "a JSON web key"),
    "Kubernetes": (b"apiVersion: v1\nkind: Secret\ndata:\n  tls.crt: AAAA\n", "a Kubernetes secret; give only its value tls.crt"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "a pointer of Git LFS, .*; run git lfs pull"),
    "Ansible": (b"$ANSIBLE_VAULT;1.1;AES256\n6162\n", "encrypted with Ansible Vault"),
    "PuTTY": (b"PuTTY-User-Key-File-3: ecdsa-sha2-nistp256\n", "a PuTTY key; convert it: puttygen FILE"),
    "JKS": (b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1", r"a Java keystore \(JKS\); convert it: keytool -importkeystore"),
    "BKS": (b"\0\0\0\2\0\0\0\x14" + bytes(range(200, 220)), r"a BouncyCastle keystore \(BKS\)"),
    "Microsoft store": (b"\0\0\0\0CERT\x20\0\0\0", r"a Microsoft certificate store \(\.sst\)"),
    "Microsoft key": (b"\x1e\xf1\xb5\xb0\0\0\0\0", r"a Microsoft private key \(\.pvk\); convert it: openssl rsa -inform PVK"),
    "NSS": (b"SQLite format 3\0\x10\0", "a database, perhaps of NSS"),
    "openssl enc": (b"Salted__\x80\x81\x82", "encrypted with openssl enc"),
    "age": (b"-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n-----END AGE ENCRYPTED FILE-----\n", "encrypted with age"),
    "key of a TPM": (b"-----BEGIN TSS2 PRIVATE KEY-----\nAAAA\n-----END TSS2 PRIVATE KEY-----\n", "a key that only its TPM can use"),
    "ZIP": (b"PK\3\4\x14\0\x80", "a ZIP archive"),
    "gzip": (b"\x1f\x8b\x08\0", "a gzip archive"),
    "PGP": (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n=AAAA\n-----END PGP PUBLIC KEY BLOCK-----", "a PGP key or message"),
    "OpenSSH public": (b"ecdsa-sha2-nistp256 AAAAE2VjZHNh me@host", "an OpenSSH public key"),
    "too large": (b"#" * (encodings.MOST_OCTETS + 1), "it has 4,194,305 bytes, and at most 4,194,304 are read"),
}


@pytest.mark.parametrize(("octets", "match"), NOT_READ.values(), ids=NOT_READ)
def test_what_is_not_read_is_named(octets: bytes, match: str) -> None:
    """By what it is, with the way to something that is read, and without any of its content."""
    with pytest.raises(UnreadableError, match=f"^the file: .*{match}") as caught:
        encodings.read(octets, what="the file")
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    for line in octets.splitlines()[1:-1]:
        assert len(line) < 12 or line.decode("latin-1") not in str(caught.value)


@pytest.mark.parametrize(
    ("command", "match"),
    [
        ("pkey -pubout", "it contains a PUBLIC KEY; give the certificate"),
        ("pkey -pubout -outform DER", "it contains a PUBLIC KEY; give the certificate"),
        ("ecparam -name prime256v1", "it contains no certificate; give the file that has the certificate"),
        (
            "req -new -key /dev/stdin -subj /CN=x -outform DER",
            "it contains a CERTIFICATE REQUEST; give the certificate that the authority issued",
        ),
    ],
)
def test_what_is_no_certificate_is_named(command: str, match: str) -> None:
    """A public key, parameters alone, and a request."""
    with pytest.raises(UnreadableError, match=match):
        load_certificates(openssl_octets(*command.split(), given=KEY_PEM.encode()), what="the file")


@pytest.mark.parametrize("lost", range(1, 6))
def test_no_error_repeats_a_key(lost: int) -> None:
    """Whatever hyphens or line ends are lost: the label, which errors name, never runs into the key."""
    lines = [line for line in KEY_PEM.splitlines() if "-----" not in line]
    for text in (KEY_PEM, KEY_PEM.replace("\n", " "), KEY_PEM.replace("\n", ""), KEY_PEM.replace("\n", r"\n")):
        for damaged in (text.replace("KEY-----", "KEY" + "-" * (5 - lost), 1), text.replace("-----END", "-" * (5 - lost) + "END", 1)):
            with pytest.raises(UnreadableError) as caught:
                encodings.read(damaged, what="the file")
            assert not any(line[at : at + 8] in str(caught.value) for line in lines for at in range(0, len(line) - 8, 8))


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN " * 100_000,
        "-----BEGIN X-----" + r"\n" * 100_000,
        "\\" * 1_000_000,
        "{" + " " * 1_000_000,
        "BEGIN " * 200_000,
        "\n" * 1_000_000 + "x",
        "-----BEGIN X-----\n" + "A: b\n" * 200_000,
    ],
    ids=["begins", "escapes", "backslashes", "spaces", "words", "lines", "headers"],
)
def test_a_hostile_text_ends_soon(text: str) -> None:
    """No expression takes a time that grows with the square of the text: each of these would take hours."""
    for form in (text, text.encode(), base64.b64encode(text.encode())):
        with pytest.raises(UnreadableError):
            encodings.read(form, what="the file")


@pytest.mark.parametrize(
    "octets", [b"\x30\x80" * 500_000, b"\x30\x80" + b"\x24\x80" * 10_000, b"\x30\x84\x00\x10\x00\x00" + b"\x30\x00" * 2**19]
)
def test_hostile_der_ends_soon(octets: bytes) -> None:
    """Deeper than anything real, or wider."""
    with pytest.raises(UnreadableError):
        encodings.read(octets, what="the file")
