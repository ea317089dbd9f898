"""Custody `state`: the key is an encrypted secret in the state, and in memory for one call."""

from collections.abc import Mapping
from typing import Any

from hubtrust.pki.keys import load_private_key
from hubtrust.pki.signers import KeyInMemory
from hubtrust.reconcile_errors import DeclarationError


def read(fields: Mapping[str, Any]) -> KeyInMemory:
    """The key of the fields `privateKey` (PEM) and `passphrase`.

    Raises:
        DeclarationError: there is no key.
        PkiError: see ``load_private_key``.
    """
    if not fields.get("privateKey"):
        raise DeclarationError("signer", "custody 'state' needs a privateKey", "give the key as PEM, as a secret, or use another custody")
    return KeyInMemory(load_private_key(str(fields["privateKey"]), what="signer.privateKey", passphrase=fields.get("passphrase")))
