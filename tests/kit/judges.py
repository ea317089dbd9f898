"""Two judges of certification paths beside our own: `cryptography`'s verifier, and `openssl verify` as local Azure's judge sets it up."""

import re
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path as File

from cryptography import x509
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy

from hubtrust.pki.pem import CERTIFICATE, Block

HUBTRUST, CRYPTOGRAPHY, OPENSSL = "hubtrust", "cryptography", "OpenSSL"
_DEVICE_PURPOSES = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
_OPENSSL_ERROR = re.compile(
    r"error (\d+) at (\d) depth lookup: (.+)|:error:\w+:(.+?):\.\./|(Could not read .+?|Unable to load .+?) (?:from|$)"
)


@dataclass(frozen=True)
class CertificationPath:
    """A device's certificate, what is between it and the certificate that is trusted, and that one; each in DER."""

    leaf: bytes
    anchor: bytes
    between: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What a judge says: that a device may connect, or why it may not."""

    judge: str
    accepts: bool
    said: str = ""


def cryptography_verdict(path: CertificationPath, moment: datetime) -> Verdict:
    """The verdict of `cryptography`'s verifier, held to RFC 5280 section 6: what section 4 wants of issuers is permitted to be absent."""
    load = x509.load_der_x509_certificate
    try:
        with warnings.catch_warnings(action="ignore"):  # of serial numbers that are not positive, and of long names
            policy = verification.PolicyBuilder().time(moment).store(verification.Store([load(path.anchor)])).max_chain_depth(9)
            verifier = policy.extension_policies(ca_policy=_AUTHORITY, ee_policy=_DEVICE).build_client_verifier()
            verifier.verify(load(path.leaf), [load(each) for each in path.between])
    except (verification.VerificationError, ValueError, TypeError, x509.InvalidVersion, x509.UnsupportedGeneralNameType) as error:
        return Verdict(CRYPTOGRAPHY, accepts=False, said=f"{type(error).__name__}: {error}")
    except x509.DuplicateExtension as error:
        return Verdict(CRYPTOGRAPHY, accepts=False, said=f"DuplicateExtension: {error}")
    return Verdict(CRYPTOGRAPHY, accepts=True)


def openssl_verdict(path: CertificationPath, moment: datetime, *, purpose: str = "sslclient") -> Verdict:
    """The verdict of `openssl verify`: the anchor need be no root, and nothing above it is looked for."""
    with tempfile.TemporaryDirectory() as name:
        folder = File(name)
        files = {"trusted": (path.anchor,), "untrusted": path.between, "leaf": (path.leaf,)}
        for stem, held in files.items():
            (folder / stem).write_text("".join(Block(CERTIFICATE, each).text for each in held))
        command = ["openssl", "verify", "-partial_chain", "-purpose", purpose, "-attime", str(int(moment.timestamp()))]
        command += ["-trusted", "trusted", *(["-untrusted", "untrusted"] if path.between else []), "leaf"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == 0:
        return Verdict(OPENSSL, accepts=True)
    found = [" ".join(filter(None, each)) for each in _OPENSSL_ERROR.findall(done.stdout + "\n" + done.stderr)]
    return Verdict(OPENSSL, accepts=False, said="; ".join(found) or done.stderr)


def _is_authority(_policy: verification.Policy, _certificate: x509.Certificate, found: x509.BasicConstraints) -> None:
    if not found.ca:
        raise ValueError("no CA")


def _signs_certificates(_policy: verification.Policy, _certificate: x509.Certificate, found: x509.KeyUsage | None) -> None:
    if found and not found.key_cert_sign:
        raise ValueError("no keyCertSign")


def _signs(_policy: verification.Policy, _certificate: x509.Certificate, found: x509.KeyUsage | None) -> None:
    if found and not (found.digital_signature or found.key_agreement):
        raise ValueError("no digitalSignature")


def _is_for_clients(_policy: verification.Policy, _certificate: x509.Certificate, found: x509.ExtendedKeyUsage | None) -> None:
    if found and not _DEVICE_PURPOSES.intersection(found):
        raise ValueError("no clientAuth")


_AUTHORITY = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _is_authority)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs_certificates)
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _is_for_clients)
)
_DEVICE = (
    ExtensionPolicy.permit_all()
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs)
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _is_for_clients)
)
