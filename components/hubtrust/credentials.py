"""How a device or a module authenticates: with a certificate that a CA signs here, or with self-signed ones whose thumbprints are given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_tls as tls

from hubtrust.authority import CertificateAuthority
from hubtrust.certificates.lifetimes import DEVICE, LIFETIMES, require_window
from hubtrust.devices.json_values import kind
from hubtrust.dynamic.issued_certificate import IssuedCertificate, IssuedCertificateInputs
from hubtrust.hub import TrustedHub
from hubtrust.known_values import is_plain, require_plain, when_known
from hubtrust.pki.request import load_request, requested_key
from hubtrust.program_errors import ProgramError
from hubtrust.reconcile_errors import DeclarationError

_SECRET_KEYS = ["privateKeyPem", "privateKeyOpenssh", "privateKeyPemPkcs8"]


def _nothing() -> pulumi.Output[Any]:
    return pulumi.Output.from_input(None)


@dataclass(frozen=True)
class Issued:
    """What was issued, each None where it was not."""

    certificate: pulumi.Output[str | None] = field(default_factory=_nothing)
    """PEM."""
    chain: pulumi.Output[str | None] = field(default_factory=_nothing)
    """PEM: the certificate and its issuers."""
    private_key: pulumi.Output[str | None] = field(default_factory=_nothing)
    """PEM, a secret."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The arguments of a device or module that say how it authenticates."""

    authority: CertificateAuthority | None
    request: pulumi.Input[str] | None
    make_key: bool
    thumbprints: pulumi.Input[Sequence[pulumi.Input[str]]] | None
    lifetime_days: pulumi.Input[float] | None
    renew_before_days: pulumi.Input[float] | None

    def require_valid(self, error: type[ProgramError], what: str, hub: TrustedHub, *, common_name: object, entry: str) -> None:
        """The arguments say exactly one way, each has an effect, and the hub can accept it. What is plain of them is read.

        ``common_name`` is what a request must be for; ``entry`` the resource that declares ``what`` without a way to authenticate.

        Raises:
            ProgramError: one of these is not so.
        """
        require_plain(error, f"make_key of {what}", self.make_key)
        self._require_types(error, what, hub)
        self._require_one_way(error, what, entry)
        days = {"lifetime_days": self.lifetime_days, "renew_before_days": self.renew_before_days}
        if self.thumbprints is not None:
            stray = [name for name, value in (days | {"authority": self.authority}).items() if value is not None]
            if stray:
                fact = (
                    f"{' and '.join(stray)} {'have' if len(stray) > 1 else 'has'} no effect with thumbprints: no certificate is issued here"
                )
                raise error(what, fact, f"remove {' and '.join(stray)}, or replace thumbprints by request")
            return
        if self.authority is None or self.authority.signer is None:
            fact = "no authority is given" if self.authority is None else "the key that signs device certificates is not here"
            raise error(what, fact, "give an authority whose issuing key is available here, or sign the certificate where the key is")
        if not may_trust(hub, self.authority):
            name = self.authority.name
            fact = f"its hub does not trust the authority '{name}', so it could never connect"
            raise error(what, fact, f"name '{name}' in the hub's authorities, or give one of these to it")
        with error.told():
            IssuedCertificateInputs.check_plain(what, days)
            _require_window(self.lifetime_days, self.renew_before_days)
            if self.request is not None and is_plain(self.request):
                _require_own(self.request, common_name, f"request of {what}")

    def _require_types(self, error: type[ProgramError], what: str, hub: object) -> None:
        """Also for whoever runs no type checker: what these are for must be known here and now."""
        if not isinstance(hub, TrustedHub):
            raise error(what, f"its hub is {_kind(hub)}", "give a TrustedHub; TrustedHub.existing makes one of a hub's resource id")
        if not isinstance(self.authority, CertificateAuthority | None):
            raise error(what, f"its authority is {_kind(self.authority)}", "give a CertificateAuthority")
        if not isinstance(self.make_key, bool):
            raise error(what, f"make_key is {_kind(self.make_key)}", "give True or False")

    def _require_one_way(self, error: type[ProgramError], what: str, entry: str) -> None:
        if self.request is not None and self.make_key:
            raise error(what, "request and make_key are both given", "give only one of them")
        if self.thumbprints is not None and (self.request is not None or self.make_key):
            fact = "thumbprints are given together with request or make_key"
            raise error(what, fact, "remove thumbprints: the CA authenticates it")
        if self.request is None and not self.make_key and self.thumbprints is None:
            fact = "neither request, make_key nor thumbprints is given, so nothing says how it authenticates"
            raise error(what, fact, f"give its own signing request as request, or use {entry} for a registry entry only")

    def given_thumbprints(self) -> Any:
        """The thumbprints; None where a CA authenticates."""
        return None if self.thumbprints is None else _required("thumbprints", self.thumbprints)

    def issue(self, name: str, component: pulumi.Resource, hub: TrustedHub, subject: Mapping[str, Any]) -> Issued:
        """Declare the certificate, and the key if it is made here. ``subject`` has the inputs of IssuedCertificate that name the holder."""
        if self.authority is None or self.thumbprints is not None:
            return Issued()
        private_key, public_key = _nothing(), None
        if self.make_key:
            private_key, public_key = _made_key(name, component)
        issued = IssuedCertificate(
            name,
            profile="device",
            **subject,
            public_key=public_key,
            request=None if self.request is None else _required("request", self.request),
            issuer_certificate=self.authority.chain,  # type: ignore[arg-type] # not None where there is a signer
            anchor=_trusted_of(hub, self.authority),
            signer=self.authority.signer or {},
            lifetime_days=self.lifetime_days,
            renew_before_days=self.renew_before_days,
            cloud=hub.cloud,
            opts=pulumi.ResourceOptions(parent=component),
        )
        return Issued(issued.certificate, issued.chain, private_key)


def _made_key(name: str, component: pulumi.Resource) -> tuple[pulumi.Output[str | None], pulumi.Output[str]]:
    """The private key, and the public one."""
    pulumi.log.warn(
        f"{name}: its key is generated here and kept in the state, for demos and tests only; otherwise pass its own request", component
    )
    opts = pulumi.ResourceOptions(parent=component, additional_secret_outputs=_SECRET_KEYS)
    key = tls.PrivateKey(name, algorithm="ECDSA", ecdsa_curve="P256", opts=opts)
    return pulumi.Output.secret(key.private_key_pem), key.public_key_pem


def _require_window(lifetime_days: Any, renew_before_days: Any) -> None:
    """The renewal window is inside the lifetime, as far as both are plain."""
    default = LIFETIMES[DEVICE]
    days = default.days if lifetime_days is None else lifetime_days
    window = default.renew_before_days if renew_before_days is None else renew_before_days
    if is_plain([days, window]):
        require_window(days, window, days_name="lifetime_days", window_name="renew_before_days")


def _require_own(request: object, common_name: object, what: str) -> None:
    """The request is one, and for ``common_name`` if that is known."""
    if not isinstance(request, str):
        raise DeclarationError(what, f"it is {_kind(request)}", "give the request as text: PEM, or base64 of DER")
    requested_key(load_request(request, what=what), what=what, name=common_name if isinstance(common_name, str) else None)


class MissingValueError(ProgramError):
    """An Output that decides how a device authenticates turned out to hold nothing."""


def _required(name: str, value: Any) -> pulumi.Output[Any]:
    """``value``, which must not turn out to be None: the device would authenticate in another way than the program says."""

    def require(known: Any) -> Any:
        if known is None:
            raise DeclarationError(name, "the given Output is empty", "give it a value, or leave the argument out")
        return known

    return when_known(MissingValueError, require, value)


def _kind(value: object) -> str:
    return "an Output" if isinstance(value, pulumi.Output) else kind(value)


class UntrustedAuthorityError(ProgramError):
    """The chain of an authority, which is an Output, has no certificate that the hub trusts."""


def _trusted_of(hub: TrustedHub, authority: CertificateAuthority) -> pulumi.Input[str | None] | None:
    """``hub.trusted_of``. Where that is an Output, the hub must turn out to trust the authority: see ``may_trust``."""
    trusted = hub.trusted_of(authority)
    if is_plain(trusted) or hub.trusts_others or authority in hub.authorities:
        return trusted

    def require(found: str | None) -> str | None:
        if found is None:
            fact = "its hub trusts no certificate of its chain, so none of its devices could connect"
            raise UntrustedAuthorityError(f"authority '{authority.name}'", fact, f"name '{authority.name}' in the hub's authorities")
        return found

    return when_known(UntrustedAuthorityError, require, trusted)


def may_trust(hub: TrustedHub, authority: CertificateAuthority) -> bool:
    """Whether devices of ``authority`` can connect to ``hub``, as far as this program knows.

    They can if it is one of the hub's authorities, or if its chain contains a certificate that the hub trusts. A hub that was there before
    may trust CAs that are not declared here.
    """
    return hub.trusts_others or authority in hub.authorities or hub.trusted_of(authority) is not None
