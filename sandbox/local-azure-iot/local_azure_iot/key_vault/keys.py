"""Keys in a vault and their versions: their properties, their allowed operations, their signatures.

The functions take the vault's document. A soft-deleted key is not there for any of them: `deleted_keys.py` has it.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from local_azure_iot.key_vault import deleted_keys, errors
from local_azure_iot.key_vault.vaults import KEY, key_prefix

if TYPE_CHECKING:
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.store import Document

    PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1(), "P-256K": ec.SECP256K1()}
_CURVE_NAMES = {curve.name: name for name, curve in _CURVES.items()}
_LONGEST_RETENTION = 90  # days
_RSA_SIZES = (2048, 3072, 4096)
_HASHES: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_EC_ALGORITHMS = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "ES256K": "P-256K"}
_OPERATIONS = {"RSA": ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"], "EC": ["sign", "verify"]}


def create(azure: Azure, vault: Document, name: str, body: dict[str, Any]) -> Document:
    """A new version of the key `name`, generated in the vault.

    Raises:
        VaultError: Azure does not support the kind, size or curve, the vault has no hardware keys, or a soft-deleted key has the name.
    """
    kind = str(body.get("kty"))
    _require_possible(azure, vault, name, kind)
    if kind in {"RSA", "RSA-HSM"}:
        size = body.get("key_size") or 2048
        if size not in _RSA_SIZES:
            raise errors.parameter_invalid(f"Property key_size has invalid value: {size}")
        key: PrivateKey = rsa.generate_private_key(public_exponent=65537, key_size=size)
    elif kind in {"EC", "EC-HSM"}:
        curve = body.get("crv") or "P-256"
        if curve not in _CURVES:
            raise errors.parameter_invalid(f"Property crv has invalid value: {curve}")
        key = ec.generate_private_key(_CURVES[curve])
    else:
        raise errors.parameter_invalid(f"Property kty has invalid value: {kind}")
    return _store_new_version(azure, vault, name, kind, key, body.get("key_ops"), body)


def import_(azure: Azure, vault: Document, name: str, body: dict[str, Any]) -> Document:
    """A new version of the key `name`, from a JSON web key with its private half (RFC 7518, 6).

    Raises:
        VaultError: The JSON web key is invalid or has no private half, the vault has no hardware keys, or a soft-deleted key has the name.
    """
    web_key = body.get("key") or {}
    try:
        key = _private_key(web_key)
    except (KeyError, ValueError, TypeError, binascii.Error) as error:
        raise errors.parameter_invalid(f"Property key is invalid: {type(error).__name__}") from error
    given = str(web_key["kty"])
    kind = f"{given}-HSM" if body.get("Hsm") and not given.endswith("-HSM") else given
    _require_possible(azure, vault, name, kind)
    return _store_new_version(azure, vault, name, kind, key, web_key.get("key_ops"), body)


def require(azure: Azure, vault: Document, name: str, version: str = "") -> Document:
    """The given or newest version of the key, which must exist.

    Raises:
        VaultError: The key or the version does not exist.
    """
    found = [each for each in versions(azure, vault, name) if version in {"", each["version"]}]
    if not found or deleted_keys.find(azure, vault, name):
        raise errors.key_not_found(f"{name}/{version}" if version else name)
    return found[-1]


def versions(azure: Azure, vault: Document, name: str) -> list[Document]:
    """All versions of a key, the oldest first, also of a soft-deleted one."""
    return azure.store.list(KEY, key_prefix(vault, name))


def newest(azure: Azure, vault: Document) -> list[Document]:
    """The newest version of every key that is not soft-deleted."""
    found = {each["name"].lower(): each for each in azure.store.list(KEY, key_prefix(vault))}
    return [each for name, each in found.items() if deleted_keys.find(azure, vault, name) is None]


def update(azure: Azure, vault: Document, name: str, version: str, body: dict[str, Any]) -> Document:
    """Enable or disable a key, or change its allowed operations.

    Raises:
        VaultError: The key or the version does not exist.
    """
    key = require(azure, vault, name, version)
    enabled = (body.get("attributes") or {}).get("enabled")
    key["enabled"] = key["enabled"] if enabled is None else enabled
    key["operations"] = body.get("key_ops") or key["operations"]
    key["tags"] = key["tags"] if body.get("tags") is None else body["tags"]
    key["updated"] = int(azure.clock.timestamp())
    azure.store.put(KEY, key_prefix(vault, name) + key["version"], key)
    return key


def sign(azure: Azure, vault: Document, name: str, version: str, body: dict[str, Any]) -> tuple[Document, str]:
    """The signature over a digest, as RFC 7518 3 writes it, in base64url.

    Raises:
        VaultError: The key does not exist, is disabled, expired or not for signing; or the algorithm or digest is invalid.
    """
    key = require(azure, vault, name, version)
    if not key["enabled"]:
        raise errors.key_disabled("sign")
    if key["expires"] is not None and azure.clock.timestamp() > key["expires"]:
        raise errors.key_expired("sign")
    if "sign" not in key["operations"]:
        raise errors.operation_not_permitted("sign")
    algorithm = str(body.get("alg"))
    hash_ = _HASHES.get(algorithm[2:5])
    try:
        digest = _decoded(str(body["value"]))
    except (KeyError, ValueError) as error:
        raise errors.parameter_invalid("Property value is invalid") from error
    private = _private_key_of(key)
    fits = algorithm.startswith(("RS", "PS")) if isinstance(private, rsa.RSAPrivateKey) else _EC_ALGORITHMS.get(algorithm) == key["curve"]
    if hash_ is None or not fits:
        raise errors.algorithm_incompatible(key["kind"], algorithm)
    if len(digest) != hash_.digest_size:
        raise errors.digest_length(len(digest))
    return key, _encoded(_signature(private, algorithm, digest, hash_))


def to_json(vault: Document, key: Document, uri: str) -> dict[str, Any]:
    """A key bundle as Key Vault returns it: the public half and the attributes."""
    private = _private_key_of(key)
    web_key: dict[str, Any] = {"kid": identifier(key, uri), "kty": key["kind"], "key_ops": key["operations"]}
    if isinstance(private, rsa.RSAPrivateKey):
        numbers = private.public_key().public_numbers()
        web_key |= {"n": _encoded(_big_endian(numbers.n)), "e": _encoded(_big_endian(numbers.e))}
    elif isinstance(private, ec.EllipticCurvePrivateKey):
        point, size = private.public_key().public_numbers(), (private.key_size + 7) // 8
        web_key |= {"crv": key["curve"], "x": _encoded(point.x.to_bytes(size, "big")), "y": _encoded(point.y.to_bytes(size, "big"))}
    return {"key": web_key, "attributes": attributes(vault, key), "tags": key["tags"]}


def attributes(vault: Document, key: Document) -> dict[str, Any]:
    """A key's attributes. How it can be recovered follows from its vault."""
    days = vault["properties"]["softDeleteRetentionInDays"]
    level = "Recoverable" if days == _LONGEST_RETENTION else "CustomizedRecoverable"
    level += "" if vault["properties"].get("enablePurgeProtection") else "+Purgeable"
    found = {"enabled": key["enabled"], "created": key["created"], "updated": key["updated"], "recoveryLevel": level}
    found |= {"recoverableDays": days, "exportable": False}
    return found | ({"exp": key["expires"]} if key["expires"] is not None else {})


def identifier(key: Document, uri: str) -> str:
    """The key's id, with its version."""
    return f"{uri}/keys/{key['name']}/{key['version']}"


def _require_possible(azure: Azure, vault: Document, name: str, kind: str) -> None:
    if kind.endswith("-HSM") and vault["properties"]["sku"]["name"] != "premium":
        raise errors.hardware_key_refused()
    if deleted_keys.find(azure, vault, name):
        raise errors.name_soft_deleted(name)


def _store_new_version(
    azure: Azure, vault: Document, name: str, kind: str, key: PrivateKey, operations: Any, body: dict[str, Any]
) -> Document:
    given = body.get("attributes") or {}
    now = int(azure.clock.timestamp())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    created: Document = {
        "name": name,
        "version": uuid.uuid4().hex,
        "kind": kind,
        "curve": _CURVE_NAMES[key.curve.name] if isinstance(key, ec.EllipticCurvePrivateKey) else "",
        "operations": operations or _OPERATIONS[kind.removesuffix("-HSM")],
        "enabled": given.get("enabled") is not False,
        "expires": given.get("exp"),
        "created": now,
        "updated": now,
        "tags": body.get("tags") or {},
        "pem": pem.decode(),  # stored in the sandbox's own database only
    }
    azure.store.put(KEY, key_prefix(vault, name) + created["version"], created)
    return created


def _private_key_of(key: Document) -> Any:
    """The private key. It was checked when it was stored; checking an RSA key again would take longer than signing."""
    return serialization.load_pem_private_key(key["pem"].encode(), None, unsafe_skip_rsa_key_validation=True)


def _signature(key: Any, algorithm: str, digest: bytes, hash_: hashes.HashAlgorithm) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(mgf=padding.MGF1(hash_), salt_length=hash_.digest_size)
        return key.sign(digest, pss if algorithm.startswith("PS") else padding.PKCS1v15(), Prehashed(hash_))
    r, s = decode_dss_signature(key.sign(digest, ec.ECDSA(Prehashed(hash_))))
    size = (key.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _private_key(web_key: dict[str, Any]) -> PrivateKey:
    def number(name: str) -> int:
        return int.from_bytes(_decoded(str(web_key[name])), "big")

    if str(web_key["kty"]).startswith("RSA"):
        public = rsa.RSAPublicNumbers(number("e"), number("n"))
        return rsa.RSAPrivateNumbers(number("p"), number("q"), number("d"), number("dp"), number("dq"), number("qi"), public).private_key()
    curve = _CURVES[str(web_key["crv"])]
    return ec.EllipticCurvePrivateNumbers(number("d"), ec.EllipticCurvePublicNumbers(number("x"), number("y"), curve)).private_key()


def _big_endian(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
