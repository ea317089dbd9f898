"""A key in Azure Key Vault or Managed HSM: read, created, recovered and used to sign; its private half never leaves the vault.

Source: learn.microsoft.com/azure/key-vault/keys/about-keys-details (algorithms), learn.microsoft.com/rest/api/keyvault/keys.
"""

import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from hubtrust.azure.errors import RefusedError
from hubtrust.azure.retry import VAULT_ABSENCE_WAITS
from hubtrust.custody.key_id import KeyId
from hubtrust.custody.vault_client import DELETED, client, inner_code
from hubtrust.pki.keys import P_256, P_384, P_521, KeyAlgorithm, PublicKey
from hubtrust.process import show_message

_CURVES: dict[str, ec.EllipticCurve] = {curve.name: curve.parameters for curve in (P_256, P_384, P_521)} | {"P-256K": ec.SECP256K1()}
_EC_ALGORITHMS = {("secp256r1", "sha256"): "ES256", ("secp384r1", "sha384"): "ES384", ("secp521r1", "sha512"): "ES512"}
_RSA_ALGORITHMS = {"sha256": "RS256", "sha384": "RS384", "sha512": "RS512"}


class KeyInVault:
    """Custody `key-vault`: read once, then one call for each signature. With ``hsm``, the key is created in hardware."""

    def __init__(self, key_id: KeyId, *, hsm: bool = False) -> None:
        self._id, self._client = key_id, client(key_id.vault)
        self._hsm = hsm or key_id.vault.is_managed_hsm
        self._lock = threading.Lock()
        self._found: Any = None  # azure-keyvault-keys' KeyVaultKey
        self._crypto: Any = None

    def __repr__(self) -> str:
        return f"KeyInVault({self._id})"

    @property
    def address(self) -> str:
        """The key's id as it was given."""
        return str(self._id)

    @property
    def reference(self) -> str:
        """The key's id with its version: it still names this key when the vault has a newer version.

        Raises:
            AzureError: see ``public_key``.
        """
        return str(self._key().id)

    @property
    def public_key(self) -> PublicKey:
        """The public half.

        Raises:
            AzureError: the vault can't be reached or refuses the call, or it has no such key, or the key is not RSA or EC.
        """
        return _public_key(self._key().key, f"key '{self._id}'")

    @property
    def hardware(self) -> bool:
        """Whether the key is in an HSM, by its type: EC-HSM or RSA-HSM.

        Raises:
            RefusedError: it is declared to be there (``hsm``), and is a software key.
            AzureError: see ``public_key``.
        """
        found = self._key().key
        is_there = str(getattr(found.kty, "value", found.kty)).endswith("-HSM")
        if self._hsm and not is_there:
            fact = "it is a software key, and a key in an HSM is declared; Azure can't move a key into an HSM"
            remedy = "begin the next generation (caGeneration), whose keys are made in the HSM, or remove hsm (caVaultHsm)"
            raise RefusedError(f"key '{self._id}'", fact, remedy)
        return is_there

    @property
    def created(self) -> datetime | None:
        """When this version of the key was created, or imported, by the vault's clock; None if the vault does not say.

        Raises:
            AzureError: see ``public_key``.
        """
        found: datetime | None = self._key().properties.created_on
        return found

    def sign(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
        """The signature over ``digest``, a hash by ``algorithm``: PKCS#1 v1.5 for RSA, DER (r, s) for EC.

        Raises:
            AzureError: see ``public_key``; or the key is disabled, or is not permitted to sign.
        """
        from azure.keyvault.keys.crypto import SignatureAlgorithm

        public, found = self.public_key, self._key()
        name = _algorithm(public, algorithm, f"key '{self._id}'")
        with self._lock:
            crypto = self._crypto = self._crypto or self._client.cryptography(found)
            signature = self._client.call(f"signing with key '{self._id}'", lambda: crypto.sign(SignatureAlgorithm(name), digest).signature)
        if isinstance(public, rsa.RSAPublicKey):
            return bytes(signature)
        half = len(signature) // 2  # RFC 7518 3.4: r and s, side by side
        return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))

    def create(self, algorithm: KeyAlgorithm) -> None:
        """Create the key in the vault if it does not exist. An existing key is kept, and a deleted one is recovered, never purged.

        Raises:
            AzureError: see ``public_key``.
        """
        with self._lock:
            self._found = self._client.call(f"creating key '{self._id}'", lambda: self._existing_key() or self._new_key(algorithm))

    def _existing_key(self) -> Any:
        """The key in the vault; None if it does not exist: asked again, because to create a key that exists makes another one.

        A given version can't be created, so for that one the error is raised.
        """
        for wait in (0.0, *VAULT_ABSENCE_WAITS):
            time.sleep(wait)
            try:
                return self._client.keys.get_key(self._id.name, self._id.version or None)
            except ResourceNotFoundError:
                if self._id.version:
                    raise
        return None

    def _new_key(self, algorithm: KeyAlgorithm) -> Any:
        """A key that is created, or recovered where one of this name was deleted."""
        try:
            return self._create(algorithm)
        except HttpResponseError as error:
            if error.response is None or inner_code(error.response) != DELETED:
                raise
        keys = self._client.keys
        keys.begin_recover_deleted_key(self._id.name).wait()
        show_message(f"key '{self._id}' was deleted in its vault and is recovered: it is the same key as before")
        return keys.get_key(self._id.name)

    def _create(self, algorithm: KeyAlgorithm) -> Any:
        options = {"hardware_protected": self._hsm, "key_operations": ["sign", "verify"]}
        if algorithm.curve:
            return self._client.keys.create_ec_key(self._id.name, curve=algorithm.curve.name, **options)
        return self._client.keys.create_rsa_key(self._id.name, size=algorithm.modulus, **options)

    def _key(self) -> Any:
        with self._lock:
            if self._found is None:
                self._found = self._client.call(
                    f"key '{self._id}'", lambda: self._client.keys.get_key(self._id.name, self._id.version or None)
                )
            return self._found


_KEYS: dict[tuple[KeyId, bool], KeyInVault] = {}  # one for each key: a process lasts for one run
_GUARD = threading.Lock()


def read(fields: Mapping[str, Any]) -> KeyInVault:
    """The key that the field `key` names, with `hsm` in hardware; this makes no call to the vault.

    Raises:
        RefusedError: see ``KeyId.read``; or `hsm` is not a truth value.
    """
    key_id, hsm = KeyId.read(str(fields["key"])), fields.get("hsm", False)
    if not isinstance(hsm, bool):
        raise RefusedError(f"key '{key_id}'", f"its field hsm is {hsm!r}", "use true or false, without quotes")
    with _GUARD:
        return _KEYS.setdefault((key_id, hsm), KeyInVault(key_id, hsm=hsm))


def _public_key(web_key: Any, what: str) -> PublicKey:
    """A JSON web key's public half (RFC 7518 6)."""
    kind = str(getattr(web_key.kty, "value", web_key.kty))
    if kind.startswith("RSA"):
        return rsa.RSAPublicNumbers(int.from_bytes(web_key.e, "big"), int.from_bytes(web_key.n, "big")).public_key()
    curve = _CURVES.get(str(getattr(web_key.crv, "value", web_key.crv)))
    if not kind.startswith("EC") or curve is None:
        raise RefusedError(what, f"it is of type {kind} and can't sign certificates", "use an RSA key, or an EC key on P-256 or P-384")
    return ec.EllipticCurvePublicNumbers(int.from_bytes(web_key.x, "big"), int.from_bytes(web_key.y, "big"), curve).public_key()


def _algorithm(key: PublicKey, hashed: hashes.HashAlgorithm, what: str) -> str:
    """Key Vault's name of the signature algorithm: an EC key has exactly one, that of its curve."""
    found = _RSA_ALGORITHMS.get(hashed.name) if isinstance(key, rsa.RSAPublicKey) else _EC_ALGORITHMS.get((key.curve.name, hashed.name))
    if found is None:
        kind = f"EC on {key.curve.name}" if isinstance(key, ec.EllipticCurvePublicKey) else "RSA"
        raise RefusedError(what, f"Key Vault can't sign {hashed.name} with a key of type {kind}", "use RSA, or EC on P-256, P-384 or P-521")
    return found
