"""The passphrase secrets manager: encrypts the secrets of a stack's settings and state as Pulumi does.

Key: PBKDF2-HMAC-SHA256 of the passphrase, 1,000,000 rounds, 32 bytes. Cipher: AES-256-GCM with a random 96-bit nonce.
State: `v1:<salt>:v1:<nonce>:<ciphertext>` (base64), where the plaintext is the word `pulumi`: a wrong passphrase can't decrypt it.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROUNDS = 1_000_000
SALT_BYTES = 8
NONCE_BYTES = 12
KEY_BYTES = 32
_CHECK_WORD = "pulumi"


class SecretsError(EngineError):
    """A secret can't be read or written: the passphrase is missing or wrong, or the text is not a secret of this stack."""


class PassphraseSecrets:
    """Secrets encrypted with a passphrase. Create it with `new_passphrase_secrets` or `open_passphrase_secrets`.

    `encrypt` uses a fresh nonce each time; to keep a ciphertext, the caller must keep it.
    """

    kind = "passphrase"

    def __init__(self, cipher: AESGCM, salt_state: str, random_bytes: Callable[[int], bytes]) -> None:
        self._cipher = cipher
        self._salt_state = salt_state
        self._random_bytes = random_bytes

    def state(self) -> dict[str, str]:
        """`{"salt": "v1:…"}`, as checkpoints hold it."""
        return {"salt": self._salt_state}

    def encrypt(self, plaintext: str) -> str:
        """`v1:<nonce>:<ciphertext>` of a text."""
        return _seal(self._cipher, plaintext, self._random_bytes(NONCE_BYTES))

    def decrypt(self, ciphertext: str) -> str:
        """The text in `v1:<nonce>:<ciphertext>`.

        Raises:
            SecretsError: it has another form, or was encrypted with another key.
        """
        try:
            return _unseal(self._cipher, ciphertext)
        except InvalidTag:
            raise SecretsError(
                "failed to decrypt a secret: it was encrypted with a different passphrase or salt; "
                "set it again with `config set --secret`, or restore the stack's encryptionsalt"
            ) from None


def new_passphrase_secrets(passphrase: str, random_bytes: Callable[[int], bytes] = os.urandom) -> PassphraseSecrets:
    """Secrets with a new salt, for a stack that has none yet."""
    salt = random_bytes(SALT_BYTES)
    cipher = _cipher(passphrase, salt)
    check = _seal(cipher, _CHECK_WORD, random_bytes(NONCE_BYTES))
    return PassphraseSecrets(cipher, f"v1:{base64.b64encode(salt).decode()}:{check}", random_bytes)


def open_passphrase_secrets(passphrase: str, salt_state: str, random_bytes: Callable[[int], bytes] = os.urandom) -> PassphraseSecrets:
    """The secrets of a stack whose `encryptionsalt` is `salt_state`.

    Raises:
        SecretsError: the passphrase is wrong, or `salt_state` has a form this engine does not support.
    """
    version, _, rest = salt_state.partition(":")
    salt_text, _, check = rest.partition(":")
    if version != "v1" or not check:
        raise SecretsError(f"the stack's encryptionsalt has the form {version!r}, not v1:<salt>:<check>; restore the line from a backup")
    try:
        cipher = _cipher(passphrase, base64.b64decode(salt_text, validate=True))
        right = _unseal(cipher, check) == _CHECK_WORD
    except InvalidTag:
        right = False
    except binascii.Error as error:
        raise SecretsError(f"the stack's encryptionsalt is damaged ({error}); restore the line from a backup") from None
    if not right:
        raise SecretsError(
            "incorrect passphrase: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the passphrase of this stack"
        )
    return PassphraseSecrets(cipher, salt_state, random_bytes)


def passphrase_from(environment: Mapping[str, str]) -> str:
    """The passphrase from the environment, as the CLI reads it: the variable, otherwise the content of the file, stripped.

    Raises:
        SecretsError: neither variable is set, or the file can't be read.
    """
    direct = environment.get("PULUMI_CONFIG_PASSPHRASE")
    if direct is not None:
        return direct
    name = environment.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if not name:
        raise SecretsError("passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE environment variables")
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretsError(f"unable to read PULUMI_CONFIG_PASSPHRASE_FILE: {error}") from None


# Deriving a key takes almost a second, and one process may open the same stack many times.
@functools.lru_cache(maxsize=16)
def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    return AESGCM(hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, ROUNDS, KEY_BYTES))


def _seal(cipher: AESGCM, plaintext: str, nonce: bytes) -> str:
    sealed = cipher.encrypt(nonce, plaintext.encode(), None)
    return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(sealed).decode()}"


def _unseal(cipher: AESGCM, text: str) -> str:
    version, _, rest = text.partition(":")
    nonce, _, sealed = rest.partition(":")
    if version != "v1" or not sealed:
        raise SecretsError("failed to decrypt a secret: it does not have the form v1:<nonce>:<ciphertext>; set it again")
    try:
        return cipher.decrypt(base64.b64decode(nonce, validate=True), base64.b64decode(sealed, validate=True), None).decode()
    except (binascii.Error, ValueError) as error:
        raise SecretsError(f"failed to decrypt a secret: it is damaged ({error}); set it again") from None
