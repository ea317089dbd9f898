"""Keys: what is generated, loaded and refused; no error contains any part of a private key."""

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from hubtrust.pki import errors
from hubtrust.pki.keys import (
    KeyAlgorithm,
    digest_for,
    key_name,
    key_thumbprint,
    load_private_key,
    load_public_key,
    public_pem,
    require_strong_key,
)
from tests.kit.authorities import ec_key, private_pem, rsa_key
from tests.kit.repository import ROOT


def refused(kind: type[errors.PkiError], match: str, pem: str, passphrase: str | None = None) -> None:
    with pytest.raises(kind, match=match) as caught:
        load_private_key(pem, what="the CA's key", passphrase=passphrase)
    body = [line for line in pem.splitlines() if len(line) > 20 and "-----" not in line]
    assert not any(line in repr(caught.getrepr(style="long")).replace(repr(pem), "") and line in str(caught.value) for line in body)
    assert passphrase is None or passphrase not in str(caught.value)
    assert caught.value.__cause__ is None, "one line on the real CLI: no chained exception"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("style", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL])
def test_keys_load_in_every_usual_form(style: serialization.PrivateFormat) -> None:
    """PKCS#8, PKCS#1 and SEC1, RSA and EC, are read."""
    for key in (ec_key(), rsa_key()):
        pem = key.private_bytes(serialization.Encoding.PEM, style, serialization.NoEncryption()).decode()
        assert load_private_key(pem, what="key").public_key() == key.public_key()


def test_an_encrypted_key_needs_its_passphrase() -> None:
    """An encrypted key needs the right passphrase; a passphrase for a key that is not encrypted is ignored."""
    key = ec_key()
    pem = private_pem(key, "correct horse")
    refused(errors.KeyUnreadableError, "is encrypted and no passphrase was given; give its passphrase as a secret", pem)
    refused(errors.KeyUnreadableError, "the passphrase does not decrypt the private key", pem, "wrong horse")
    assert load_private_key(pem, what="key", passphrase="correct horse").public_key() == key.public_key()
    assert load_private_key(private_pem(key), what="key", passphrase="unused").public_key() == key.public_key()


def test_invalid_private_keys_are_refused() -> None:
    """Text that is not a key, a truncated key and a key of another algorithm are refused."""
    refused(errors.KeyUnreadableError, "it contains no certificate, key or request", "noise")
    refused(errors.KeyUnreadableError, "is incomplete: it has no END PRIVATE KEY", private_pem(ec_key())[:-60])
    other = ed25519.Ed25519PrivateKey.generate()
    plain = other.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    refused(errors.KeyUnreadableError, "the private key is Ed25519, neither RSA nor EC", plain)


def test_weak_private_keys_are_refused() -> None:
    """RSA under 2048 bits and odd curves don't load."""
    refused(errors.WeakError, "its RSA key has 1024 bits", private_pem(rsa_key(1024)))
    refused(errors.WeakError, "secp256k1", private_pem(ec_key(ec.SECP256K1())))


def test_public_keys() -> None:
    """A public key is loaded and written back unchanged; a private key instead of it is refused."""
    key = ec_key()
    pem = public_pem(key.public_key())
    assert public_pem(load_public_key(pem, what="key")) == pem
    with pytest.raises(errors.KeyUnreadableError, match="it is a private key"):
        load_public_key(private_pem(key), what="key")
    with pytest.raises(errors.KeyUnreadableError, match="it contains no certificate, key or request"):
        load_public_key("noise", what="key")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (ec_key, ("EC P-256", "sha256")),
        (lambda: ec_key(ec.SECP384R1()), ("EC P-384", "sha384")),
        (lambda: ec_key(ec.SECP521R1()), ("EC P-521", "sha512")),
        (rsa_key, ("RSA 2048", "sha256")),
    ],
)
def test_keys_are_named_and_hashed_by_their_strength(make: type, expected: tuple[str, str]) -> None:
    """Each type of key has its name and a hash of matching strength."""
    public = make().public_key()
    assert (key_name(public), digest_for(public).name) == expected


def test_a_key_is_known_by_its_thumbprint() -> None:
    """The thumbprint is SHA-256 over the public key: 64 upper-case hex digits, as OpenSSL computes it."""
    import hashlib

    public = ec_key().public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert key_thumbprint(public) == hashlib.sha256(der).hexdigest().upper()


@pytest.mark.parametrize("algorithm", KeyAlgorithm, ids=str)
def test_a_generated_key_is_what_its_algorithm_says(algorithm: KeyAlgorithm) -> None:
    """The key has the algorithm's name, is strong enough, and signs with a hash as strong as its curve."""
    public = algorithm.generate().public_key()
    assert key_name(require_strong_key(public, what="key")) == algorithm.display_name
    assert digest_for(public).name == ("sha384" if algorithm is KeyAlgorithm.EC_P384 else "sha256")


def test_pulumi_tls_gets_its_own_algorithm_names() -> None:
    """The arguments of pulumi-tls's `PrivateKey`: P256 without a dash, ECDSA and not EC."""
    assert [one.tls_arguments for one in (KeyAlgorithm.EC_P256, KeyAlgorithm.RSA_3072)] == [
        {"algorithm": "ECDSA", "ecdsa_curve": "P256"},
        {"algorithm": "RSA", "rsa_bits": 3072},
    ]


def test_the_setting_describes_every_algorithm() -> None:
    """Pulumi.yaml's text about caKeyAlgorithm names every algorithm, in the order of the table, and its default is one of them."""
    setting = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]["caKeyAlgorithm"]
    *names, last = KeyAlgorithm
    assert setting["description"].endswith(f": {', '.join(names)} or {last}")
    assert KeyAlgorithm(setting["default"]) is KeyAlgorithm.EC_P256
