"""SigningKey: a key that stays in its vault or token; found there, or made there, and only its public half comes out."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi

from hubtrust.certificates.issuance import parse_subject
from hubtrust.custody.custodies import ELSEWHERE, KeyElsewhere, custody_of, holder, require_signer
from hubtrust.dynamic.lifecycle import Change, Properties, Reconciled, Reconciler, Validator, is_unknown, say
from hubtrust.pki.issue import request
from hubtrust.pki.keys import KeyAlgorithm, key_name, key_thumbprint, public_pem, require_strong_key
from hubtrust.reconcile_errors import DeclarationError


def _require_elsewhere(value: object) -> None:
    require_signer(value)
    if (custody := custody_of(value)) not in ELSEWHERE:
        raise DeclarationError("signer", f"custody '{custody}' has no key to look for", f"use {' or '.join(ELSEWHERE)}")


def _require_algorithm(value: object) -> None:
    if value not in list(KeyAlgorithm):
        raise DeclarationError("make", f"there is no algorithm '{value}'", f"use {', '.join(KeyAlgorithm)}")


class SigningKeyProvider(Reconciler):
    """Looks the key up, makes it where it was told to and there is none; never deletes one."""

    validators: ClassVar[Mapping[str, Validator]] = {"signer": _require_elsewhere, "make": _require_algorithm, "subject": parse_subject}
    required = frozenset({"signer"})
    secret_inputs = frozenset({"signer"})
    outputs = frozenset({"custody", "declared", "reference", "publicKey", "keyThumbprint", "key", "subject", "request"})

    def on_diff(self, olds: Properties, news: Properties) -> Change:
        """Another address is another key. The request is signed anew where its subject changes."""
        signer, subject = news["signer"], news.get("subject")
        if is_unknown(signer) or (signer["custody"], signer["key"]) != (olds.get("custody"), olds.get("declared")):
            return Change(["signer"], updates=True)
        return Change(updates=is_unknown(subject) or subject != olds.get("subject"))

    def on_create(self, news: Properties) -> tuple[str, dict[str, Any]]:
        """Found by its address; a dead run's is found too, for keys are made where there is none only."""
        if news.get("make"):
            holder(news["signer"]).make(KeyAlgorithm(news["make"]))
        outs = self._outs(news)
        return outs["keyThumbprint"], outs

    @staticmethod
    def _outs(news: Properties) -> dict[str, Any]:
        signer, subject = news["signer"], news.get("subject")
        held = holder(signer)
        require_strong_key(held.public_key, what=f"key '{signer['key']}'")
        made = request(KeyElsewhere(signer, held.public_key), subject=parse_subject(subject)) if subject else None
        return {
            "custody": signer["custody"],
            "declared": signer["key"],
            "reference": held.reference,
            "publicKey": public_pem(held.public_key),
            "keyThumbprint": key_thumbprint(held.public_key),
            "key": key_name(held.public_key),
            "subject": subject,
            "request": _pem(made) if made else None,
        }

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """What the state says: a key's public half never changes, and a PIN, which looking would need, is in no output."""
        return dict(olds)

    def on_update(self, _id: str, _olds: Properties, news: Properties) -> dict[str, Any]:
        """The same key, another request."""
        return self._outs(news)

    def on_delete(self, _id: str, olds: Properties) -> None:
        """The key stays: what it signed is trusted, and a key that is gone comes back for nobody."""
        say(f"key '{olds['declared']}' stays where it is; delete it there, when nothing trusts it any more")


def _pem(made: Any) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return str(made.public_bytes(Encoding.PEM).decode())


class SigningKey(Reconciled, module="hubtrust", name="SigningKey"):
    """A key in Azure Key Vault or in a PKCS#11 token."""

    custody: pulumi.Output[str]
    reference: pulumi.Output[str]
    public_key: pulumi.Output[str]
    key_thumbprint: pulumi.Output[str]
    key: pulumi.Output[str]
    request: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        signer: pulumi.Input[Mapping[str, Any]],
        make: pulumi.Input[str] | None = None,
        subject: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it.

        Args:
            resource_name: Pulumi's name for it.
            signer: where it is: ``custody.in_key_vault(…)`` or ``custody.in_token(…)``; made a secret here.
            make: a ``KeyAlgorithm``: the key is made there where there is none; a key that is there is used as it is.
            subject: of a certificate signing request by this key, for an outside authority, as RFC 4514 text.
            opts: Pulumi's options.

        Outputs: ``reference`` is the address for good (in a vault: with its version), ``public_key`` and ``request`` are PEM.
        """
        super().__init__(SigningKeyProvider(), resource_name, {"signer": signer, "make": make, "subject": subject}, opts)
