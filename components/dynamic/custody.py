"""Where a signing key is, as an input says it: one schema for every resource that signs."""

from collections.abc import Mapping
from typing import Any

from pulumi import Input

from ..pki.keys import load_private_key
from ..pki.signers import KeyInMemory, Signer
from .errors import DeclarationError

STATE, OFFLINE = "state", "offline"
_FIELDS = {STATE: {"custody", "privateKey", "passphrase"}, OFFLINE: {"custody"}}


def in_state(private_key: Input[str], passphrase: Input[str] | None = None) -> dict[str, Any]:
    """The input ``signer`` for a key (PEM, encrypted or not) that lives as an encrypted secret in the state."""
    return {"custody": STATE, "privateKey": private_key} | ({"passphrase": passphrase} if passphrase is not None else {})


def offline() -> dict[str, Any]:
    """The input ``signer`` for a key that no machine of ours ever holds: proofs are made elsewhere and come in as inputs."""
    return {"custody": OFFLINE}


def custody_of(signer: object) -> str:
    """The custody that the input names.

    Raises:
        DeclarationError: there is no such custody, or a field that it does not have.
    """
    if not isinstance(signer, Mapping) or signer.get("custody") not in _FIELDS:
        named = signer.get("custody") if isinstance(signer, Mapping) else None
        raise DeclarationError("signer", f"there is no custody '{named}'", f"use {' or '.join(_FIELDS)}")
    custody = str(signer["custody"])
    if strays := sorted(signer.keys() - _FIELDS[custody]):
        raise DeclarationError("signer", f"custody '{custody}' has no {', '.join(strays)}", f"give {', '.join(sorted(_FIELDS[custody]))}")
    return custody


def signer_from(signer: object) -> Signer | None:
    """What signs; None where nothing here can (`offline`, or no signer at all).

    Raises:
        DeclarationError: see ``custody_of``, or the key is missing.
        KeyUnreadableError, WeakError: the key is no good.
    """
    if signer is None or custody_of(signer) == OFFLINE or not isinstance(signer, Mapping):
        return None
    if not signer.get("privateKey"):
        raise DeclarationError("signer", "custody 'state' and no privateKey", "give the key's PEM as a secret, or another custody")
    return KeyInMemory(load_private_key(str(signer["privateKey"]), what="signer.privateKey", passphrase=signer.get("passphrase")))
