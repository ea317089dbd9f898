"""Real key stores: a vault on local Azure, a SoftHSM token; and the inputs that refer to a key there."""

import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from azure.identity import ClientSecretCredential
from azure.keyvault.keys import JsonWebKey, KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from hubtrust.pki.keys import KeyAlgorithm, PrivateKey
from local_azure_iot import installation
from tests.kit.authorities import private_pem
from tests.kit.local_azure import LocalAzure
from tests.kit.prerequisites import need
from tests.kit.provider_process import Provider, ResourceState

PIN = "plant-pin-84017263"
PIN_VARIABLE = "PLANT_TOKEN_PIN"
ALGORITHMS = (KeyAlgorithm.EC_P256, KeyAlgorithm.EC_P384, KeyAlgorithm.RSA_3072)
OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"  # Key Vault Crypto Officer
_MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so")


def softhsm() -> str | None:
    """The path of SoftHSM's module; None where it is not installed."""
    module = next((path for path in _MODULES if Path(path).exists()), None)
    return module if shutil.which("softhsm2-util") else None


def need_softhsm() -> str:
    """The path of SoftHSM's module. Where it is not installed, the test is skipped; in CI it fails."""
    module = softhsm()
    need(module, "SoftHSM is not installed, so custody pkcs11 is not tested; install it (Debian: apt-get install softhsm2)")
    return str(module)


@dataclass
class Tokens:
    """SoftHSM tokens in a folder of their own."""

    folder: Path
    module: str

    def __post_init__(self) -> None:
        (self.folder / "tokens").mkdir(parents=True)
        self.config.write_text(f"directories.tokendir = {self.folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")

    @property
    def config(self) -> Path:
        """The configuration file, for SOFTHSM2_CONF."""
        return self.folder / "softhsm2.conf"

    def run(self, *arguments: str) -> str:
        """Run softhsm2-util. PINs of temporary tokens may be in its arguments."""
        environment = {"PATH": os.environ["PATH"], "SOFTHSM2_CONF": str(self.config)}
        done = subprocess.run(["softhsm2-util", *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def token(self, label: str) -> str:
        """Create a token with the PIN that all test tokens have."""
        self.run("--init-token", "--free", "--label", label, "--so-pin", "so-pin-84017263", "--pin", PIN)
        return label

    def give(self, token: str, name: str, key: PrivateKey) -> str:
        """Import a key into the token with SoftHSM's own tool; returns its URI."""
        file = self.folder / f"{name}.p8"
        file.write_text(private_pem(key))
        self.run("--import", str(file), "--token", token, "--label", name, "--id", uuid.uuid4().hex, "--pin", PIN)
        file.unlink()
        return self.uri(token, name)

    def uri(self, token: str, key: str) -> str:
        """The key's PKCS#11 URI."""
        return f"pkcs11:token={token};object={key};type=private?module-path={self.module}"


@dataclass
class Vault:
    """A vault on local Azure."""

    azure: LocalAzure
    name: str

    @property
    def uri(self) -> str:
        """Its https URL."""
        return f"https://{self.name}.vault.azure.net"

    @cached_property
    def keys(self) -> KeyClient:
        """Microsoft's own client, unmodified, with the role Key Vault Crypto Officer."""
        return KeyClient(self.uri, self._credential, **self._through)

    def signer(self, name: str, public_key: ec.EllipticCurvePublicKey) -> "VaultSigner":
        """A signer with an EC key of the vault, by Microsoft's client."""
        return VaultSigner(CryptographyClient(self.keys.get_key(name), self._credential, **self._through), public_key)

    @cached_property
    def _credential(self) -> ClientSecretCredential:
        officer = principal(self.azure, "Key Vault Crypto Officer")
        return ClientSecretCredential(self.azure.ready["tenant_id"], officer["client_id"], officer["client_secret"], **self._through)

    @property
    def _through(self) -> dict[str, Any]:
        return {"proxies": {"https": self.azure.ready["proxy"]}, "connection_verify": self.azure.ready["ca_file"]}

    def give(self, name: str, key: PrivateKey, operations: tuple[str, ...] = ("sign", "verify")) -> str:
        """Import a key into the vault with Microsoft's client; returns its id with the version."""
        return str(self.keys.import_key(name, JsonWebKey(key_ops=list(operations), **_web_key(key))).id)


@dataclass
class VaultSigner:
    """An EC key on P-256 that signs in its vault."""

    client: CryptographyClient
    public_key: ec.EllipticCurvePublicKey

    def sign(self, digest: bytes, _algorithm: object) -> bytes:
        """The signature over a SHA-256 digest, DER."""
        signature = self.client.sign(SignatureAlgorithm.es256, digest).signature
        half = len(signature) // 2
        return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))


def _web_key(key: PrivateKey) -> dict[str, Any]:
    """The key's numbers as octets (RFC 7518, section 6)."""
    if isinstance(key, rsa.RSAPrivateKey):
        own, public = key.private_numbers(), key.public_key().public_numbers()
        numbers = {"n": public.n, "e": public.e, "d": own.d, "p": own.p, "q": own.q, "dp": own.dmp1, "dq": own.dmq1, "qi": own.iqmp}
        return {"kty": "RSA"} | {name: number.to_bytes((number.bit_length() + 7) // 8, "big") for name, number in numbers.items()}
    point = key.public_key().public_numbers()
    numbers = {"x": point.x, "y": point.y, "d": key.private_numbers().private_value}
    curve = {256: "P-256", 384: "P-384", 521: "P-521"}[key.key_size] if key.curve.name != "secp256k1" else "P-256K"
    return {"kty": "EC", "crv": curve} | {name: number.to_bytes((key.key_size + 7) // 8, "big") for name, number in numbers.items()}


def principal(azure: LocalAzure, role: str) -> dict[str, Any]:
    """A new application with that role in the subscription."""
    created: dict[str, Any] = azure.control("POST", "/principals", {"role": role})
    return created


def vault(azure: LocalAzure, name: str = "") -> Vault:
    """A new vault."""
    name = name or f"kv-{uuid.uuid4().hex[:12]}"
    azure.control("POST", "/vaults", {"name": name})
    return Vault(azure, name)


def environment(azure: LocalAzure, tokens: Tokens | None, **login: str) -> dict[str, str]:
    """A provider process's environment: what `sandbox env` prints, the token's configuration and PIN, and the login."""
    found = installation.environment(azure.ready) | login
    found |= {"AZURE_CLIENT_ID": found["ARM_CLIENT_ID"], "AZURE_CLIENT_SECRET": found["ARM_CLIENT_SECRET"], PIN_VARIABLE: PIN}
    return found | ({"SOFTHSM2_CONF": str(tokens.config)} if tokens else {})


@dataclass
class LookedUpKey:
    """A key in its store, with the inputs that refer to it after it was looked up."""

    signer: dict[str, Any]
    created: ResourceState

    @classmethod
    def look_up(cls, keys: Provider, signer: dict[str, Any], **more: Any) -> "LookedUpKey":
        """Create a SigningKey."""
        created = keys.create({"signer": signer, **more})
        return cls({**signer, "key": created.outs["reference"], "publicKey": created.outs["publicKey"]}, created)


def root_of(issuing: Provider, signer: dict[str, Any], subject: str = "CN=Plant A") -> ResourceState:
    """A root certificate, signed with that key in its store."""
    return issuing.create({"profile": "root", "subject": subject, "signer": signer, "pathLength": 1})
