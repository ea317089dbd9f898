"""Private keys in every form are found, and what only looks like one is not."""

import base64
import bz2
import gzip
import io
import json
import lzma
import random
import textwrap
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, utils, x25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, pkcs7, pkcs12
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from hubtrust.devices.description import read_description
from hubtrust.devices.roster import Roster
from policies.rules.private_keys import private_key_in
from policies.rules.secrecy import PlainTextKeys, bare_keys
from tests.kit.authorities import Forged, ec_key, name, pem_of, private_pem, rsa_key

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
SEALED = BestAvailableEncryption(b"a passphrase")
KEYS = {
    "P-256": ec_key(),
    "P-521": ec_key(ec.SECP521R1()),
    "RSA": rsa_key(2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    "Ed448": ed448.Ed448PrivateKey.generate(),
    "X25519": x25519.X25519PrivateKey.generate(),
}


def number(value: int, size: int = 0) -> str:
    """A number of a JWK (RFC 7518, 2)."""
    octets = value.to_bytes(size or (value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def jwk(*, private: bool = True) -> Iterator[dict[str, Any]]:
    """JSON Web Keys of each type."""
    of_ec = KEYS["P-256"].private_numbers()
    public = of_ec.public_numbers
    yield {"kty": "EC", "crv": "P-256", "x": number(public.x, 32), "y": number(public.y, 32)} | (
        {"d": number(of_ec.private_value, 32)} if private else {}
    )
    of_rsa = KEYS["RSA"].private_numbers()
    yield {"kty": "RSA", "e": "AQAB", "n": number(of_rsa.public_numbers.n)} | ({"d": number(of_rsa.d)} if private else {})
    okp = KEYS["Ed25519"]
    yield {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(okp.public_key().public_bytes_raw()).decode()} | (
        {"d": base64.urlsafe_b64encode(okp.private_bytes_raw()).decode()} if private else {}
    )
    if private:
        yield {"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75"}  # RFC 7515, A.1: everybody knows it


def encodings() -> Iterator[tuple[str, bytes]]:
    """Keys in octets."""
    for kind, key in KEYS.items():
        yield f"PKCS #8 {kind}", key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        yield f"encrypted PKCS #8 {kind}", key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, SEALED)
    for kind in ("P-256", "P-521", "RSA"):
        yield f"traditional {kind}", KEYS[kind].private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    of_dsa = dsa.generate_private_key(2048)
    yield "DSA", of_dsa.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    certificate = Forged(key=KEYS["P-256"]).certificate
    read = x509.load_pem_x509_certificate(pem_of(certificate).encode())
    for label, encryption in (("open", NoEncryption()), ("closed", SEALED)):
        yield f"PKCS #12 {label}", pkcs12.serialize_key_and_certificates(b"ca", KEYS["P-256"], read, None, encryption)
    yield "PKCS #12 of certificates, closed", pkcs12.serialize_key_and_certificates(None, None, None, [read], SEALED)


OCTETS = dict(encodings())
TEXTS = {
    **{f"PEM {kind}": private_pem(key) for kind, key in KEYS.items()},
    "PEM encrypted": private_pem(KEYS["P-256"], "a passphrase"),
    "PEM OpenSSH": KEYS["Ed25519"].private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode(),
    "PEM traditional": KEYS["RSA"].private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode(),
    **{f"JWK {each['kty']}": json.dumps(each) for each in jwk()},
    "JWK set": json.dumps({"keys": list(jwk())}, indent=1),
    "JWK in YAML": "key:\n" + "".join(f"  {member}: {value}\n" for member, value in next(jwk()).items()),
    "XML": "<RSAKeyValue><Modulus>1w==</Modulus><Exponent>AQAB</Exponent><D>kZ==</D></RSAKeyValue>",
    "PuTTY": "PuTTY-User-Key-File-3: ecdsa-sha2-nistp256\nEncryption: none\n",
    "PEM without its first line": private_pem(KEYS["P-256"]).partition("\n")[2],
}


def base64_of(value: bytes) -> str:
    return base64.b64encode(value).decode()


def wrapped(value: bytes, width: int, end: str = "\n") -> str:
    text = base64_of(value)
    return end.join(text[at : at + width] for at in range(0, len(text), width))


def zipped(value: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README", "a key follows")
        archive.writestr("key", value)
    return target.getvalue()


OF_OCTETS: dict[str, Callable[[bytes], Any]] = {
    "base64": base64_of,
    "base64 for URLs, without padding": lambda value: base64.urlsafe_b64encode(value).decode().rstrip("="),
    "base64 in lines": lambda value: wrapped(value, 64),
    "base64 in indented lines of 76 after a name": lambda value: (
        "client-key-data: |\n    " + wrapped(value, 76, "\n    ") + "\nuser: press"
    ),
    "base64 in short lines": lambda value: wrapped(value, 16, "\r\n"),
    "base64 with line ends of two characters": lambda value: wrapped(value, 64, "\\n"),
    "base64 in another label": lambda value: f"-----BEGIN DATA-----\n{wrapped(value, 64)}\n-----END DATA-----\n",
    "base64 beside words": lambda value: f"the key is {base64_of(value)} and more",
    "base64 in a data URI": lambda value: f"data:application/octet-stream;base64,{base64_of(value)}",
    "base64 after a certificate": lambda value: pem_of(Forged().certificate) + base64_of(value),
    "base64 twice": lambda value: base64_of(wrapped(value, 64).encode()),
    "hex": lambda value: value.hex(),
    "hex with colons": lambda value: "Key: " + value.hex(":").upper(),
    "hex as in C": lambda value: ", ".join(f"0x{octet:02x}" for octet in value),
    "base64 behind a path": lambda value: "kv/" + base64_of(value),
    "base64 behind a version": lambda value: "v1-" + base64_of(value),
    "base64 for URLs behind a name": lambda value: "the_key_" + base64.urlsafe_b64encode(value).decode(),
    "base64 behind one character": lambda value: "k" + base64_of(value),
    "base64 in lines behind two": lambda value: "ab" + wrapped(value, 64),
    "base64 of a name and the value": lambda value: base64_of(b"ca.key\0\1\2" + value),
    "hex behind a digit": lambda value: "1" + value.hex(),
    "hex behind a name": lambda value: "cafe" + value.hex(),
    "base32": lambda value: base64.b32encode(value).decode(),
    "base32 in lines": lambda value: "\n".join(textwrap.wrap(base64.b32encode(value).decode().lower(), 64)),
    "base32 behind a name": lambda value: "KEY" + base64.b32encode(value).decode(),
    "bzip2": lambda value: base64_of(bz2.compress(value)),
    "xz": lambda value: base64_of(lzma.compress(value)),
    "gzip behind a path": lambda value: "kv/" + base64_of(gzip.compress(value)),
    "gzip": lambda value: base64_of(gzip.compress(value)),
    "zip": lambda value: base64_of(zipped(value)),
    "numbers": lambda value: [float(octet) for octet in value],
    "a buffer of Node.js": lambda value: json.dumps({"type": "Buffer", "data": list(value)}),
    "characters": lambda value: value.decode("latin-1"),
    "lines in a list": lambda value: wrapped(value, 64).split("\n"),
}
OF_TEXTS: dict[str, Callable[[str], Any]] = {
    "as it is": lambda text: text,
    "in words": lambda text: f"# settings\n{text}\n# end",
    "JSON": lambda text: json.dumps({"tls": [{"key": text}]}),
    "JSON in JSON": lambda text: json.dumps({"settings": json.dumps({"key": text})}),
    "a JSON text": json.dumps,
    "JSON in escapes": lambda text: '{"key": "' + "".join(f"\\u{ord(each):04x}" for each in text) + '"}',
    "percent signs": quote,
    "of a form": quote_plus,
    "base64": lambda text: base64_of(text.encode()),
    "base64 behind a path": lambda text: "kv/" + base64_of(text.encode()),
    "base64 behind a word": lambda text: "secret" + base64_of(text.encode()),
    "base64 of UTF-16": lambda text: base64_of(text.encode("utf-16")),
    "base64 of JSON": lambda text: base64_of(json.dumps({"key": text}).encode()),
    "base64 of base64 in lines": lambda text: base64_of(wrapped(text.encode(), 76).encode()),
    "base64 of gzip": lambda text: base64_of(gzip.compress(text.encode())),
    "lines in a list": lambda text: [*text.split("\n"), "end"],
}


@pytest.mark.parametrize("way", OF_OCTETS)
def test_a_key_in_octets_is_found_in_every_encoding(way: str) -> None:
    """All forms of keys in this encoding."""
    missed = [form for form, octets in OCTETS.items() if not list(bare_keys({"note": {"deep": [OF_OCTETS[way](octets)]}}))]
    assert missed == []


@pytest.mark.parametrize("way", OF_TEXTS)
def test_a_key_in_text_is_found_in_every_encoding(way: str) -> None:
    """All forms of keys in this encoding."""
    missed = [form for form, text in TEXTS.items() if not list(bare_keys({"note": {"deep": [OF_TEXTS[way](text)]}}))]
    assert missed == []


MENTIONS = (
    "grep -q -- '-----BEGIN PRIVATE KEY-----' /etc/ssl/private/hub.key && exit 1",
    'if "-----BEGIN RSA PRIVATE KEY-----" in content_of_the_uploaded_file:\n    raise ValueError("no keys here")',
    "sed -n '/-----BEGIN PRIVATE KEY-----/,/-----END PRIVATE KEY-----/p' bundle.pem",
    "A file that begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY----- is a key.",
    "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n",
    "[[ $(head -1 key) == '-----BEGIN EC PRIVATE KEY-----' ]] || { echo missing; exit 1; }",
)


@pytest.mark.parametrize("cut", [3, 5, 40])
def test_damaged_and_odd_archives_fail_no_rule(cut: int) -> None:
    """Whatever way a zip says it is packed, and wherever it is damaged."""
    packed = zipped(random.Random(9).randbytes(400) + OCTETS["PKCS #8 RSA"])  # noqa: S311 - repeatable, and nothing secret
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("key", OCTETS["PKCS #8 RSA"])
    for whole in (packed, target.getvalue(), bz2.compress(packed), lzma.compress(packed), gzip.compress(packed)):
        for at in range(0, len(whole), 13):
            damaged = whole[:at] + bytes(octet ^ 0xA5 for octet in whole[at : at + cut]) + whole[at + cut :]
            for value in (damaged, damaged[:-cut]):
                assert private_key_in(value) in (None, "PKCS #8", "PKCS #1")


def innocent() -> Iterator[tuple[str, Any]]:
    """What is public, or no key."""
    authority = Forged()
    certificate = x509.load_pem_x509_certificate(pem_of(authority.certificate).encode())
    for kind, key in KEYS.items():
        for encoding in (Encoding.DER, Encoding.PEM):
            yield f"public {kind}", key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    yield "public PKCS #1", KEYS["RSA"].public_key().public_bytes(Encoding.DER, serialization.PublicFormat.PKCS1)
    yield "public SSH", KEYS["RSA"].public_key().public_bytes(Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    for encoding in (Encoding.DER, Encoding.PEM):
        yield "certificate", certificate.public_bytes(encoding)
        yield "PKCS #7", pkcs7.serialize_certificates([certificate], encoding)
        request = x509.CertificateSigningRequestBuilder(name("press")).sign(KEYS["P-256"], hashes.SHA256())
        yield "request", request.public_bytes(encoding)
        builder = x509.CertificateRevocationListBuilder(
            certificate.subject, certificate.not_valid_before_utc, certificate.not_valid_after_utc
        )
        yield "CRL", builder.sign(authority.key, hashes.SHA256()).public_bytes(encoding)
    yield "PKCS #12 of certificates, open", pkcs12.serialize_key_and_certificates(None, None, None, [certificate], NoEncryption())
    signature = KEYS["P-256"].sign(b"proof", ec.ECDSA(hashes.SHA256()))
    yield "signature", signature
    yield "small signature", utils.encode_dss_signature(1, int.from_bytes(signature, "big"))
    yield "digest", bytes.fromhex("3031300d060960864801650304020105000420") + bytes(32)  # DigestInfo (RFC 8017, 9.2)
    for each in jwk(private=False):
        yield f"public JWK {each['kty']}", json.dumps(each).encode()
    yield "OpenSSL's text", b"Private-Key: (256 bit)\nASN1 OID: prime256v1"
    yield "words", b"Keep the PRIVATE KEY of this CA in a vault; it begins with BEGIN, and see kty and d in RFC 7517."
    yield "zeros", bytes(200)
    yield from ((f"a mention: {text[:40]}", text.encode()) for text in MENTIONS)


@pytest.mark.parametrize("way", OF_OCTETS)
def test_what_is_public_is_not_reported(way: str) -> None:
    """All of it in this encoding."""
    assert [what for what, octets in innocent() if list(bare_keys({"note": OF_OCTETS[way](octets)}))] == []


def test_random_octets_are_no_key() -> None:
    """Neither in base64 nor in hex, a thousand times with lengths of keys; shared keys and thumbprints look like this."""
    source = random.Random(16)  # noqa: S311 - repeatable, and nothing secret
    for _ in range(1000):
        octets = source.randbytes(source.choice([16, 20, 32, 48, 64, 121, 138, 600]))
        assert private_key_in(base64_of(octets)) is None
        assert private_key_in(octets.hex()) is None


def test_a_packed_fleet_and_a_bundle_are_no_keys() -> None:
    """The two longest texts among the inputs of resources."""
    fleet = Roster.of((f"press-{place}", read_description({"thumbprints": ["A" * 40]})) for place in range(1000)).pack()
    bundle = pem_of(*[Forged(f"CA {place}").certificate for place in range(200)])
    assert list(bare_keys({"members": fleet, "chain": bundle})) == []


def test_secret_and_unknown_values_are_not_reported() -> None:
    """In the two ways in which Pulumi marks a secret, whole or only the private part; and a value that a preview does not know."""
    private, *_ = jwk()
    secret = {SIGNATURE: SECRET, "value": private["d"]}
    properties: Mapping[str, Any] = {
        "whole": {SIGNATURE: SECRET, "value": {"key": TEXTS["PEM RSA"], "jwk": private}},
        "output": {SIGNATURE: OUTPUT, "value": TEXTS["PEM RSA"], "secret": True},
        "part": {**private, "d": secret},
        "unknown": {**private, "d": UNKNOWN_STRING_VALUE},
    }
    assert list(bare_keys(properties)) == []
    assert [path for path, _ in bare_keys({"output": {SIGNATURE: OUTPUT, "value": TEXTS["PEM RSA"]}})] == ["output.value"]


def test_a_key_is_named_by_its_place_and_form_and_never_shown() -> None:
    """Also one in an asset, or in the name of a property."""
    pem, (private, *_) = TEXTS["PEM P-256"], jwk()
    properties = {
        "jwk": private,
        "file": {SIGNATURE: ASSET, "text": base64_of(OCTETS["PKCS #8 P-256"])},
        "map": {pem: True},
        "pfx": base64_of(OCTETS["PKCS #12 closed"]),
    }
    assert list(bare_keys(properties)) == [("jwk", "JWK"), ("file.text", "PKCS #8"), ("a name in map", "PEM"), ("pfx", "PKCS #12")]
    keys = PlainTextKeys()
    keys.record("urn", properties)
    said = "".join(keys.violations("urn", dict))
    assert private["d"] not in said
    assert "BEGIN" not in said
