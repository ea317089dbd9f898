"""One device's way to its hub, walked with a key made for it: and where it ends, which link broke."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hubtrust.azure.device_session import Identity, context, publish_once
from hubtrust.azure.errors import AzureError, SessionError
from hubtrust.azure.registry import Registry, Twin
from hubtrust.pki import issue
from hubtrust.pki.certificate import common_name, pem, thumbprint
from hubtrust.pki.chain import Chain, validate_leaf
from hubtrust.pki.signers import Signer
from hubtrust.reconcile_errors import BrokenLinkError

_LIFETIME = timedelta(hours=1)
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 8.0  # seconds between two tries: a proof, a role or a name may not have spread yet
_SESSION = 30.0  # seconds for one session
_PAYLOAD = '{"hubtrust":"connection check"}'


@dataclass(frozen=True)
class Way:
    """From a device to its hub: who it is, who signs for it, and whom the hub trusts (``thumbprint``, ``verified``, ``name`` each)."""

    host: str
    device_id: str
    chain: Chain
    signer: Signer
    trust: Sequence[Mapping[str, Any]]

    def described(self) -> str:
        """`press-001 < issuing CA < root CA`."""
        names = [common_name(one.subject) or one.subject.rfc4514_string() for one in self.chain.certificates]
        return " < ".join((self.device_id, *names))

    def identity(self, now: datetime) -> Identity:
        """A fresh key, and a certificate for it that lasts an hour.

        Raises:
            PkiError: the authority can't sign for this device now.
        """
        key, issuing = ec.generate_private_key(ec.SECP256R1()), self.chain.issuing
        validity = issue.Validity.lasting(_LIFETIME, now=now).within(issuing)
        leaf = issue.device(
            issue.Issuer(issuing, self.signer),
            device_id=self.device_id,
            public_key=key.public_key(),
            validity=validity,
            serial=x509.random_serial_number(),
        )
        validate_leaf(leaf, self.chain, now=now)
        passphrase = token_hex(32).encode()
        encryption = serialization.BestAvailableEncryption(passphrase)
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        return Identity(pem(leaf) + self.chain.pem, private, passphrase)


def walk(
    way: Way,
    registry: Registry,
    *,
    now: datetime,
    deadline: float,
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Connect and publish one message; tried again until ``deadline`` (seconds) while what is missing may still be spreading.

    Raises:
        BrokenLinkError: a link is broken; which one, and what to do.
        PkiError: the authority can't sign for this device now.
    """
    tls = context(way.identity(now))
    end, wait = time.monotonic() + deadline, _FIRST_WAIT
    while True:
        try:
            publish_once(way.host, way.device_id, tls, payload=_PAYLOAD, timeout=min(_SESSION, deadline))
        except SessionError as error:
            broken, passes = diagnosis(error, way, registry)
            if not passes or time.monotonic() + wait > end:
                raise broken from None
            if wait == _FIRST_WAIT:
                tell(f"{broken}; trying again for up to {deadline:.0f} s")
            sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
        else:
            return


def diagnosis(error: SessionError, way: Way, registry: Registry) -> tuple[BrokenLinkError, bool]:
    """What broke, by asking the registry where MQTT alone can't tell, and whether waiting may help."""
    if error.link != "device":
        return BrokenLinkError(error.what, f"{error.link}: {error.fact}", error.remedy), error.link != "tls"
    try:
        found = registry.twin(way.device_id)
    except AzureError as unknown:
        return BrokenLinkError(error.what, f"{error.fact}; and its registry can't be asked: {unknown.fact}", unknown.remedy), True
    link, fact, remedy, passes = _of_device(way, found) or _of_chain(way)
    return BrokenLinkError(error.what, f"{link}: {fact} ({error.fact})", remedy), passes


def _of_device(way: Way, found: Twin | None) -> tuple[str, str, str, bool] | None:
    if found is None:
        fact = f"the hub has no device '{way.device_id}', which is the common name (CN) of its certificate; case counts"
        return "identity missing", fact, "declare the device, or name another one as the canary", False
    if not found.registration.enabled:
        reason = f": {found.registration.reason}" if found.registration.reason else ""
        return "disabled", f"the device is disabled{reason}", "enable it, or name another one as the canary", False
    if found.authentication != "certificateAuthority":
        fact = f"its identity is of type {found.authentication}, not certificateAuthority"
        return "identity", fact, "declare it without thumbprints, or name another one as the canary", False
    return None


def _of_chain(way: Way) -> tuple[str, str, str, bool]:
    in_chain = {thumbprint(one) for one in way.chain.certificates}
    held = [one for one in way.trust if one.get("thumbprint") in in_chain]
    if any(one.get("verified") for one in held):
        fact = f"{way.described()} is not accepted, though '{held[0].get('name')}' is verified on the hub"
        return "chain not trusted", fact, "look at the hub's certificates; a proof may take a moment to spread", True
    known = ", ".join(f"'{one.get('name')}' ({'verified' if one.get('verified') else 'not verified'})" for one in way.trust) or "none"
    remedy = "let the hub trust the CA that signs its devices"
    return "chain not trusted", f"the hub trusts nothing of {way.described()}; it has {known}", remedy, bool(held)
