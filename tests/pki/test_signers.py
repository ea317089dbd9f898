"""The signer protocol: a certificate can be signed by a key that is not in this process."""

import copy
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from hubtrust.pki import issue
from hubtrust.pki.keys import PrivateKey, PublicKey
from hubtrust.pki.proof import proof_of_possession
from hubtrust.pki.signers import KeyInMemory, builder_key
from tests.kit.authorities import ec_key, lasting, name, pem_of, rsa_key


class KeyElsewhere:
    """A stand-in for a vault: it has a key, signs digests, and counts them."""

    def __init__(self, key: PrivateKey) -> None:
        self._vault = KeyInMemory(key)
        self.public_key: PublicKey = key.public_key()
        self.asked: list[tuple[int, str]] = []

    def sign(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
        """Sign, and remember that it was asked."""
        self.asked.append((len(digest), algorithm.name))
        return self._vault.sign(digest, algorithm)


@pytest.mark.parametrize(
    ("key", "asked"),
    [(ec_key(), (32, "sha256")), (ec_key(ec.SECP384R1()), (48, "sha384")), (rsa_key(), (32, "sha256"))],
    ids=["P-256", "P-384", "RSA"],
)
def test_a_remote_key_signs_everything(key: PrivateKey, asked: tuple[int, str]) -> None:
    """Root, intermediate, device, proof and request: each sends one digest to the signer, and each signature verifies."""
    vault = KeyElsewhere(key)
    root = issue.root(vault, subject=name("Vault"), validity=lasting(), path_length=1, serial=1)
    issuer = issue.Issuer(root, vault)
    below = issue.intermediate(issuer, subject=name("I"), public_key=key.public_key(), validity=lasting(5), path_length=0, serial=2)
    device = issue.device(issuer, device_id="d", public_key=key.public_key(), validity=lasting(5), serial=3)
    proof = proof_of_possession(issuer, code="A" * 48, public_key=key.public_key(), now=lasting().not_before, serial=4)
    for child in (root, below, device, proof):
        assert child.is_signed_by(root.public_key()) is True
    assert issue.request(vault, subject=name("R")).is_signed_by(vault.public_key) is True
    assert vault.asked == [asked] * 5


def test_a_remote_key_only_signs() -> None:
    """The stand-in for a key signs. Asked for the private key itself, it raises an error that names the signer."""
    for key in (ec_key(), rsa_key()):
        stand_in: Any = builder_key(KeyElsewhere(key))
        assert (stand_in.key_size, stand_in.public_key()) == (key.key_size, key.public_key())
        attempts = [
            stand_in.private_numbers,
            partial(stand_in.private_bytes, serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
            partial(copy.copy, stand_in),
            partial(copy.deepcopy, stand_in),
            partial(stand_in.exchange, ec.ECDH(), key.public_key()),
            partial(stand_in.decrypt, b"", padding.PKCS1v15()),
        ]
        for attempt in attempts:
            with pytest.raises(NotImplementedError, match="only signs and never leaves its custody"):
                attempt()


def test_the_curve_is_the_public_keys() -> None:
    """An EC key behind a signer has the curve of its public key."""
    assert builder_key(KeyElsewhere(ec_key(ec.SECP384R1()))).curve.name == "secp384r1"  # type: ignore[union-attr]


def test_a_key_in_memory_shows_its_public_half_only() -> None:
    """The repr of a key in memory shows its type and thumbprint, so that no log or error contains the key."""
    key = ec_key()
    text = repr(KeyInMemory(key))
    secret = f"{key.private_numbers().private_value:x}"
    assert text.startswith("KeyInMemory(EC P-256, ")
    assert secret not in text.lower()
    assert pem_of() == ""
