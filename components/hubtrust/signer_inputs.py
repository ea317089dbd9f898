"""The input ``signer`` of every resource that signs: one function for each custody."""

from typing import Any

from pulumi import Input

from hubtrust.custody.custodies import KEY_VAULT, OFFLINE, PKCS11, STATE


def in_state(private_key: Input[str], passphrase: Input[str] | None = None) -> dict[str, Any]:
    """The input ``signer`` for a key that is kept as an encrypted secret in the state.

    Args:
        private_key: PEM, encrypted or not.
        passphrase: of the key, if it is encrypted.
    """
    return _signer_input(STATE, privateKey=private_key, passphrase=passphrase)


def offline() -> dict[str, Any]:
    """The input ``signer`` for a key that is never on our machines: proofs are signed where the key is, and given as inputs."""
    return _signer_input(OFFLINE)


def in_key_vault(key: Input[str], *, public_key: Input[str] | None = None, hsm: bool = False) -> dict[str, Any]:
    """The input ``signer`` for a key in Azure Key Vault.

    Args:
        key: its id: ``https://<vault>.vault.azure.net/keys/<name>/<version>``.
        public_key: PEM, needed only to issue a root: otherwise it is read from a certificate.
        hsm: True: a key that is created is one in an HSM (EC-HSM or RSA-HSM; needs a premium vault), and an existing software key is
            refused.
    """
    return _signer_input(KEY_VAULT, key=key, publicKey=public_key, hsm=hsm or None)


def in_token(
    key: Input[str], *, pin: Input[str] | None = None, pin_variable: Input[str] | None = None, public_key: Input[str] | None = None
) -> dict[str, Any]:
    """The input ``signer`` for a key in a PKCS#11 token. Of ``pin`` and ``pin_variable`` at most one is given.

    Args:
        key: its URI (RFC 7512): ``pkcs11:token=…;object=…?module-path=…``.
        pin: the PIN; with the whole input it becomes a secret.
        pin_variable: the name of the environment variable that has the PIN on the machine that runs Pulumi.
        public_key: PEM, needed only to issue a root: otherwise it is read from a certificate.
    """
    return _signer_input(PKCS11, key=key, pin=pin, pinVariable=pin_variable, publicKey=public_key)


def _signer_input(custody: str, **fields: Any) -> dict[str, Any]:
    return {"custody": custody} | {name: value for name, value in fields.items() if value is not None}
