"""A key in Azure Key Vault or Managed HSM: read, created and used to sign; its private half never leaves the vault.

Source: learn.microsoft.com/azure/key-vault/keys/about-keys-details (algorithms), learn.microsoft.com/rest/api/keyvault/keys.
"""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError as CoreError
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from hubtrust.azure import reachability
from hubtrust.azure.clouds import BY_VAULT_SUFFIX, Cloud
from hubtrust.azure.error_bodies import envelope
from hubtrust.azure.errors import (
    AzureError,
    BusyError,
    CredentialsError,
    DeniedError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)
from hubtrust.azure.generated_models import complete
from hubtrust.azure.login import login
from hubtrust.azure.network_faults import network_fault
from hubtrust.azure.retry import LAST_ATTEMPT, VAULT_ABSENCE_WAITS, VAULT_DEADLINE, VAULT_RETRIES, retry_context
from hubtrust.azure.time_limit import TimeOverError, within
from hubtrust.errors import one_line
from hubtrust.pki.keys import P_256, P_384, P_521, KeyAlgorithm, PublicKey

# How a key is named. Private links use the same names (learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates).
_ID = re.compile(
    r"(?P<vault>https://[A-Za-z0-9-]+\.(?P<suffix>(?:vault|managedhsm)\.[a-z.]+))(?::443)?/keys/(?P<name>[A-Za-z0-9-]{1,127})(?:/(?P<version>[0-9a-f]{32}))?/?"
)
_CURVES: dict[str, ec.EllipticCurve] = {curve.name: curve.parameters for curve in (P_256, P_384, P_521)} | {"P-256K": ec.SECP256K1()}
_EC_ALGORITHMS = {("secp256r1", "sha256"): "ES256", ("secp384r1", "sha384"): "ES384", ("secp521r1", "sha512"): "ES512"}
_RSA_ALGORITHMS = {"sha256": "RS256", "sha384": "RS384", "sha512": "RS512"}
# Tries and seconds: a throttled vault says when to try again; a name that does not resolve will not resolve later.
_CLIENT_OPTIONS: dict[str, Any] = {"retry_total": 6, "retry_connect": 2, "retry_backoff_max": 15}
_REMEDIES = {
    "KeyDisabled": "enable it (az keyvault key set-attributes --enabled true), or use another key",
    "KeyExpired": "extend its dates, or use another key",
    "KeyOperationForbidden": "add `sign` to the key's permitted operations",
    "KeyNotFound": "check the name and the version, or let the key be created here (see docs/custody.md)",
    "ForbiddenByFirewall": "allow this machine's address in the vault's firewall, or run where the vault can be reached",
    "ObjectIsDeletedButRecoverable": "recover the deleted key of that name (az keyvault key recover), or use another name",
    "ObjectIsBeingDeleted": "wait until it is deleted, or use another name",
}
_T = TypeVar("_T")
_DENIED = (
    "give this identity the role Key Vault Crypto User on the key (Crypto Officer to create keys); a new role takes minutes to take effect"
)


@dataclass(frozen=True, slots=True)
class KeyId:
    """A key's address; ``version`` is empty for the newest."""

    vault: str  # https URL
    name: str
    version: str
    cloud: Cloud

    @classmethod
    def read(cls, text: str) -> "KeyId":
        """``https://<vault>.vault.azure.net/keys/<name>[/<version>]``, in any cloud.

        Raises:
            RefusedError: it is not the id of a key in Key Vault or Managed HSM.
        """
        found = _ID.fullmatch(text)
        if found is None or found["suffix"] not in BY_VAULT_SUFFIX:
            shape = "https://<vault>.vault.azure.net/keys/<name>/<version>"
            raise RefusedError(f"key '{text}'", "it is not the id of a key in Azure Key Vault", f"write it as {shape}")
        return cls(found["vault"], found["name"], found["version"] or "", BY_VAULT_SUFFIX[found["suffix"]])

    def __str__(self) -> str:
        return f"{self.vault}/keys/{self.name}" + (f"/{self.version}" if self.version else "")


class KeyInVault:
    """Custody `key-vault`: read once, then one call for each signature. The connection lasts as long as the process."""

    def __init__(self, key_id: KeyId) -> None:
        self._id = key_id
        self._lock = threading.Lock()
        self._found: Any = None  # azure-keyvault-keys' KeyVaultKey
        self._keys: Any = None
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

    def sign(self, digest: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
        """The signature over ``digest``, a hash by ``algorithm``: PKCS#1 v1.5 for RSA, DER (r, s) for EC.

        Raises:
            AzureError: see ``public_key``; or the key is disabled, or is not permitted to sign.
        """
        from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm

        public, found = self.public_key, self._key()
        name = _algorithm(public, algorithm, f"key '{self._id}'")
        with self._lock:
            crypto = self._crypto = self._crypto or CryptographyClient(found, self._credential(), **self._options())
            signature = self._call(f"signing with key '{self._id}'", lambda: crypto.sign(SignatureAlgorithm(name), digest).signature)
        if isinstance(public, rsa.RSAPublicKey):
            return bytes(signature)
        half = len(signature) // 2  # RFC 7518 3.4: r and s, side by side
        return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))

    def create(self, algorithm: KeyAlgorithm) -> None:
        """Create the key in the vault if it does not exist. An existing key is kept.

        Raises:
            AzureError: see ``public_key``.
        """
        with self._lock:
            self._found = self._call(f"creating key '{self._id}'", lambda: self._existing_key() or self._create(algorithm))

    def _existing_key(self) -> Any:
        """The key in the vault; None if it does not exist: asked again, because to create a key that exists makes another one.

        A given version can't be created, so for that one the error is raised.
        """
        for wait in (0.0, *VAULT_ABSENCE_WAITS):
            time.sleep(wait)
            try:
                return self._client().get_key(self._id.name, self._id.version or None)
            except ResourceNotFoundError:
                if self._id.version:
                    raise
        return None

    def _create(self, algorithm: KeyAlgorithm) -> Any:
        options = {"hardware_protected": ".managedhsm." in self._id.vault, "key_operations": ["sign", "verify"]}
        if algorithm.curve:
            return self._client().create_ec_key(self._id.name, curve=algorithm.curve.name, **options)
        return self._client().create_rsa_key(self._id.name, size=algorithm.modulus, **options)

    def _key(self) -> Any:
        with self._lock:
            if self._found is None:
                self._found = self._call(f"key '{self._id}'", lambda: self._client().get_key(self._id.name, self._id.version or None))
            return self._found

    def _client(self) -> Any:
        from azure.keyvault.keys import KeyClient

        if self._keys is None:
            complete("azure.keyvault.keys")
            self._keys = KeyClient(self._id.vault, self._credential(), **self._options())
        return self._keys

    def _call(self, what: str, step: Callable[[], _T]) -> _T:
        """``step`` with retries, until its time is over. A vault that did not answer in this process before gets one short try."""
        host = urlsplit(self._id.vault).netloc
        is_last = reachability.is_unreachable(host)
        with _errors_translated(what, self._id.vault):
            found = within(LAST_ATTEMPT if is_last else VAULT_DEADLINE, step if is_last else lambda: _with_retries(step))
        reachability.record(host, reached=True)
        return found

    def _options(self) -> dict[str, Any]:
        from hubtrust.custody.vault_transport import VaultTransport

        return _CLIENT_OPTIONS | {"transport": VaultTransport()}

    def _credential(self) -> Any:
        return login(self._id.cloud, os.environ).credential


_KEYS: dict[KeyId, KeyInVault] = {}  # one connection for each key: a process lasts for one run
_GUARD = threading.Lock()


def read(fields: Mapping[str, Any]) -> KeyInVault:
    """The key that the field `key` names; this makes no call to the vault.

    Raises:
        RefusedError: see ``KeyId.read``.
    """
    key_id = KeyId.read(str(fields["key"]))
    with _GUARD:
        return _KEYS.setdefault(key_id, KeyInVault(key_id))


def _with_retries(step: Callable[[], _T]) -> _T:
    """Retry when the response was lost: azure-core never repeats a POST, and to sign or to read a key twice does no harm."""
    for attempt in retry_context(on=(ServiceRequestError, ServiceResponseError), **VAULT_RETRIES):
        with attempt:
            return step()
    raise AssertionError  # pragma: no cover - retry_context returns or raises


@contextmanager
def _errors_translated(what: str, vault: str) -> Iterator[None]:
    """Raise errors of azure-core as this package's own."""
    try:
        yield
    except (ServiceRequestError, ServiceResponseError) as error:
        reachability.record(urlsplit(vault).netloc, reached=False)
        fault = network_fault(error, vault)
        raise UnreachableError(what, f"the vault can't be reached: {fault.fact}", f"check the vault's name; {fault.remedy}") from None
    except TimeOverError:
        reachability.record(urlsplit(vault).netloc, reached=False)
        raise UnreachableError(what, "the vault does not answer in time", "check the vault's name, network and proxy") from None
    except HttpResponseError as error:
        raise _refusal(what, error) from None
    except (CoreError, ValueError) as error:  # ValueError: a challenge that is not the vault's own
        raise AzureError(what, _short(error), "check the vault's name and the login, then run again") from None


def _refusal(what: str, error: HttpResponseError) -> AzureError:
    response: Any = error.response
    if response is None or isinstance(error, ClientAuthenticationError):
        return CredentialsError(
            what, _short(error), "log in (az login), or set the variables of a service principal or of workload identity"
        )
    code, message = envelope(response)
    inner = _inner_code(response) or code
    fact = f"Key Vault answers {response.status_code} {inner}" + (f": {message.partition(' Caller: ')[0]}" if message else "")
    match response.status_code:
        case 403:
            return DeniedError(what, fact, _REMEDIES.get(inner, _DENIED))
        case 404:
            return NotFoundError(what, fact, _REMEDIES.get(inner, _REMEDIES["KeyNotFound"]))
        case status if status == 429 or status >= 500:  # noqa: PLR2004 - HTTP's own numbers
            return BusyError(what, fact, "run again later: work already done is kept, and the next run continues from it")
    return RefusedError(what, fact, _REMEDIES.get(inner, "correct what Key Vault names, then run again"), code=inner)


def _inner_code(response: Any) -> str:
    """The inner error code: Key Vault answers Forbidden for many reasons and names the reason inside."""
    try:
        found = {name.lower(): value for name, value in response.json()["error"].items()}
        return str(found["innererror"]["code"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


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


def _short(error: Exception) -> str:
    return one_line(error) or type(error).__name__
