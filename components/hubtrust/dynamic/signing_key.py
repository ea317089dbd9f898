"""SigningKey: a key that stays in its vault or token; found or created there, and only its public half is an output.

Its inputs are the fields of ``SigningKeyInputs`` here. To add one, add a field there and a parameter of the same name to the constructor
here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from cryptography import x509

from hubtrust.certificates.issuance import parse_subject
from hubtrust.custody.custodies import STORED_KEY_CUSTODIES, DeclaredSigner, StoredKey, StoredKeySigner, read_signer
from hubtrust.dynamic.lifecycle import Change, Reconciled, Reconciler
from hubtrust.inputs import Inputs, Properties, choice, input_field
from hubtrust.pki.certificate import rfc3339
from hubtrust.pki.issue import request
from hubtrust.pki.keys import KeyAlgorithm, key_name, key_thumbprint, public_pem, require_strong_key
from hubtrust.process import show_message
from hubtrust.reconcile_errors import DeclarationError


def _stored(value: object) -> DeclaredSigner:
    found = read_signer(value)
    if found.stored is None:
        raise DeclarationError(
            "signer", f"custody '{found.custody}' has no key in a vault or token", f"use {' or '.join(STORED_KEY_CUSTODIES)}"
        )
    return found


@dataclass(frozen=True, kw_only=True)
class SigningKeyInputs(Inputs):
    """The inputs of a SigningKey."""

    signer: DeclaredSigner = input_field(
        _stored,
        "where the key is: ``signer_inputs.in_key_vault`` or ``in_token``; it becomes a secret.",
        required=True,
        secret=True,
    )
    make: KeyAlgorithm | None = input_field(
        choice(KeyAlgorithm, "there is no algorithm '{}'"),
        "the ``KeyAlgorithm`` of a key that is created if there is none; an existing key is used as it is.",
    )
    subject: x509.Name | None = input_field(
        parse_subject,
        "the subject, as RFC 4514 text, of a certificate signing request for an outside authority.",
        kept=True,
    )

    @property
    def key(self) -> StoredKey:
        """The key in its vault or token."""
        if self.signer.stored is None:  # pragma: no cover - `_stored` refuses it
            raise AssertionError
        return self.signer.stored


class SigningKeyOutputs:
    """The outputs of a SigningKey."""

    custody: pulumi.Output[str]
    """Where the key is: `key-vault` or `pkcs11`."""
    declared: pulumi.Output[str]
    """The key's address as it was declared."""
    reference: pulumi.Output[str]
    """The permanent address of this key: in a vault it has the key's version."""
    public_key: pulumi.Output[str]
    """The public half, PEM."""
    key_thumbprint: pulumi.Output[str]
    """SHA-256 of the public key (SubjectPublicKeyInfo, DER), hex; it is the resource's id."""
    key: pulumi.Output[str]
    """The kind of key, such as `EC P-256`."""
    hardware: pulumi.Output[bool | None]
    """True where the key is known to be in an HSM."""
    created: pulumi.Output[str | None]
    """When the key was created in its vault, or imported there, UTC: 2026-11-24T03:19:06Z; None for a token, which does not say."""
    subject: pulumi.Output[str | None]
    """The subject of ``request``, as declared; None without one."""
    request: pulumi.Output[str | None]
    """The certificate signing request, PEM (RFC 2986); None without a subject."""


class SigningKeyProvider(Reconciler[SigningKeyInputs]):
    """Finds the key, or creates it if it does not exist and `make` is set; never deletes it."""

    inputs, results = SigningKeyInputs, SigningKeyOutputs

    def on_check(self, olds: Properties, news: SigningKeyInputs) -> None:
        """Tell that another algorithm changes nothing here: a key keeps its own."""
        if news.make and olds.get("make") not in (None, news.make) and olds.get("signer") == news.given.get("signer"):
            address = news.given["signer"]["key"]
            show_message(f"key '{address}' stays {olds['make']}: a key keeps its algorithm; {news.make} is for keys of the next generation")

    def on_diff(self, olds: Properties, news: SigningKeyInputs) -> Change:
        """Another address is another key, so a replacement. Another subject needs a new request.

        That a key is to be in an HSM from now on is asked of the key: a software key is refused then.
        """
        if "signer" in news.unknown or (news.signer.custody, news.given["signer"]["key"]) != (olds.get("custody"), olds.get("declared")):
            return Change(["signer"], updates=True)
        to_hardware = bool(news.given["signer"].get("hsm")) and not olds.get("hardware")
        return Change(updates=to_hardware or "subject" in news.unknown or news.given.get("subject") != olds.get("subject"))

    def on_create(self, news: SigningKeyInputs) -> tuple[str, dict[str, Any]]:
        """Find the key by its address, or create it. A key that an interrupted run has created is found the same way."""
        if news.make:
            news.key.create(news.make)
        outs = self._outs(news)
        if news.make and outs["key"] != news.make.display_name:
            show_message(f"key '{outs['declared']}' exists already and is used as it is: it is {outs['key']}, not {news.make.display_name}")
        return outs["keyThumbprint"], outs

    @staticmethod
    def _outs(news: SigningKeyInputs) -> dict[str, Any]:
        key, address = news.key, news.given["signer"]["key"]
        public_key = require_strong_key(key.public_key, what=f"key '{address}'")
        made = request(StoredKeySigner(key, public_key), subject=news.subject) if news.subject else None
        return news.kept_values() | {
            "custody": news.signer.custody,
            "declared": address,
            "reference": key.reference,
            "publicKey": public_pem(public_key),
            "keyThumbprint": key_thumbprint(public_key),
            "key": key_name(public_key),
            "hardware": key.hardware or None,
            "created": rfc3339(key.created) if key.created else None,
            "request": made.pem if made else None,
        }

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """Return the state: a key's public half never changes, and the PIN that a login would need is in no output."""
        return dict(olds)

    def on_update(self, _id: str, _olds: Properties, news: SigningKeyInputs) -> dict[str, Any]:
        """Sign another request with the same key."""
        return self._outs(news)

    def on_delete(self, _id: str, olds: Properties) -> None:
        """The key is kept: what it signed is trusted."""
        show_message(f"key '{olds['declared']}' is not deleted; delete it by hand when nothing trusts its certificates any more")


class SigningKey(SigningKeyOutputs, Reconciled, module="hubtrust", name="SigningKey"):
    """A key in Azure Key Vault or in a PKCS#11 token."""

    provider = SigningKeyProvider

    def __init__(
        self,
        resource_name: str,
        *,
        signer: pulumi.Input[Mapping[str, pulumi.Input[Any]]],
        make: pulumi.Input[str] | None = None,
        subject: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """A key in Azure Key Vault or in a PKCS#11 token.

        Args:
            resource_name: its name in Pulumi.
            signer: where the key is: ``signer_inputs.in_key_vault`` or ``in_token``; it becomes a secret.
            make: the ``KeyAlgorithm`` of a key that is created if there is none; an existing key is used as it is.
            subject: the subject, as RFC 4514 text, of a certificate signing request for an outside authority.
            opts: Pulumi's resource options.
        """
        super().__init__(resource_name, locals(), opts)
