"""AuthorityRequest: the request of an issuing authority to an outside one, signed with its key in any custody, and kept until it changes.

Its inputs are the fields of ``AuthorityRequestInputs`` here. To add one, add a field there and a parameter of the same name to the
constructor here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from cryptography import x509

from hubtrust.certificates.issuance import parse_subject
from hubtrust.custody.custodies import DeclaredSigner, read_signer
from hubtrust.dynamic.lifecycle import Change, Reconciled, Reconciler
from hubtrust.inputs import Inputs, Properties, input_field
from hubtrust.pki.issue import request
from hubtrust.pki.keys import key_thumbprint, require_strong_key
from hubtrust.pki.signers import Signer


@dataclass(frozen=True, kw_only=True)
class AuthorityRequestInputs(Inputs):
    """The inputs of an AuthorityRequest."""

    signer: DeclaredSigner = input_field(
        read_signer,
        "where the authority's own key is: ``signer_inputs.in_state``, ``in_key_vault`` or ``in_token``; it becomes a secret.",
        required=True,
        secret=True,
    )
    subject: x509.Name = input_field(parse_subject, "the subject that is asked for, as RFC 4514 text.", required=True, kept=True)

    @property
    def key(self) -> Signer:
        """The signer of the request.

        Raises:
            DeclarationError: its key can't sign here.
            WeakError: see ``require_strong_key``.
        """
        found = self.signer.require_signer("create the request where the key is")
        require_strong_key(found.public_key, what="signer")
        return found


class AuthorityRequestOutputs:
    """The outputs of an AuthorityRequest."""

    custody: pulumi.Output[str]
    """Where the key is: `state`, `key-vault` or `pkcs11`."""
    subject: pulumi.Output[str]
    """The subject that is asked for, as declared."""
    key_thumbprint: pulumi.Output[str]
    """SHA-256 of the public key (SubjectPublicKeyInfo, DER), hex."""
    request: pulumi.Output[str]
    """The certificate signing request, PEM (RFC 2986)."""


class AuthorityRequestProvider(Reconciler[AuthorityRequestInputs]):
    """Signs the request once and keeps it, because each signature of an EC key is another text; again for another key or subject."""

    inputs, results = AuthorityRequestInputs, AuthorityRequestOutputs

    def on_check(self, _olds: Properties, news: AuthorityRequestInputs) -> None:
        """Check that the key can sign here."""
        if "signer" not in news.unknown:
            _ = news.key

    def on_diff(self, olds: Properties, news: AuthorityRequestInputs) -> Change:
        """Another key is another request; another subject needs another one with the same key."""
        if "signer" in news.unknown or key_thumbprint(news.key.public_key) != olds.get("keyThumbprint"):
            return Change(["signer"], updates=True)
        asked = {"subject": news.given["subject"], "custody": news.signer.custody}
        return Change(updates="subject" in news.unknown or any(olds.get(name) != value for name, value in asked.items()))

    def on_create(self, news: AuthorityRequestInputs) -> tuple[str, dict[str, Any]]:
        """Sign it."""
        outs = self._outs(news)
        return outs["keyThumbprint"], outs

    @staticmethod
    def _outs(news: AuthorityRequestInputs) -> dict[str, Any]:
        signer = news.key
        return news.kept_values() | {
            "custody": news.signer.custody,
            "keyThumbprint": key_thumbprint(signer.public_key),
            "request": request(signer, subject=news.subject).pem,
        }

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """The request exists only in the state, so there is nothing to read."""
        return dict(olds)

    def on_update(self, _id: str, _olds: Properties, news: AuthorityRequestInputs) -> dict[str, Any]:
        """Sign another one."""
        return self._outs(news)

    def on_delete(self, _id: str, _olds: Properties) -> None:
        """There is nothing to delete outside the state."""


class AuthorityRequest(AuthorityRequestOutputs, Reconciled, module="hubtrust", name="AuthorityRequest"):
    """A request to an outside authority for the certificate of an issuing authority (RFC 2986): ``request`` is PEM."""

    provider = AuthorityRequestProvider

    def __init__(
        self,
        resource_name: str,
        *,
        signer: pulumi.Input[Mapping[str, pulumi.Input[Any]]],
        subject: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """A request to an outside authority for the certificate of an issuing authority (RFC 2986): ``request`` is PEM.

        Args:
            resource_name: its name in Pulumi.
            signer: where the authority's own key is: ``signer_inputs.in_state``, ``in_key_vault`` or ``in_token``; it becomes a secret.
            subject: the subject that is asked for, as RFC 4514 text.
            opts: Pulumi's resource options.
        """
        super().__init__(resource_name, locals(), opts)
