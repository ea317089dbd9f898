"""Proof of possession: the certificate that answers Azure's verification code, signed here or made elsewhere and validated here.

Source: learn.microsoft.com/azure/iot-hub/tutorial-x509-test-certs.
"""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import NameOID

from hubtrust.pki.certificate import common_name, display
from hubtrust.pki.chain import require_signed_by
from hubtrust.pki.errors import ChainError, ProofError
from hubtrust.pki.issue import Issuer, Validity, end_entity
from hubtrust.pki.keys import PublicKey
from hubtrust.pki.profile import require_valid_at

PROOF_LIFETIME = timedelta(days=1)  # of a proof that is signed here and sent to Azure at once
CEREMONY_LIFETIME = timedelta(days=30)  # of a proof that is made elsewhere: people carry it
_CLOCK_SKEW = timedelta(minutes=5)  # a proof made elsewhere starts when that machine says so, and its clock may be fast


def proof_of_possession(issuer: Issuer, *, code: str, public_key: PublicKey, now: datetime, serial: int) -> x509.Certificate:
    """The certificate that answers Azure's verification ``code``: its subject is exactly ``CN=<code>``, and the authority signs it.

    ``public_key`` is that of any new key, which is thrown away: Azure looks only at the name and the signature. ``now`` should be the
    service's own time.

    Raises:
        OutlivesIssuerError: the authority has expired.
        WeakError: see ``require_strong_key``.
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, code)])
    validity = Validity.lasting(PROOF_LIFETIME, now=now).within(issuer.certificate)
    what = f"the proof for {display(issuer.certificate)}"
    return end_entity(issuer, what=what, subject=subject, public_key=public_key, validity=validity, serial=serial)


def ceremony(code: str) -> str:
    """The command that answers ``code`` where the key is; ca.pem and ca.key are the authority's certificate and key.

    Only the code goes there and only proof.pem comes back. The key of the proof itself is thrown away at once. OpenSSL 1.1.1 or newer.
    Other tools work too: what counts is the signature, and a subject that is the code and nothing else.
    """
    request = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null"
    signing = f"openssl x509 -req -sha256 -CA ca.pem -CAkey ca.key -set_serial 0x01{code[:30]} -days {CEREMONY_LIFETIME.days}"
    return f"{request} -subj /CN={code} | {signing} -out proof.pem"


def require_answer(proof: x509.Certificate, *, code: str, authority: x509.Certificate, now: datetime) -> None:
    """``proof`` is signed by ``authority``, its subject is ``code`` alone, and it is valid at ``now`` or within minutes of it.

    Raises:
        ProofError: another key signed it, or it answers another code.
        NotValidNowError: it has expired, or is not valid yet.
    """
    what, answered = f"the proof for {display(authority)}", common_name(proof.subject)
    try:
        require_signed_by(proof, authority)
    except ChainError as error:
        raise ProofError(what, error.fact, "sign it with the authority's own key") from None
    if answered != code or len(list(proof.subject)) != 1:
        fact = f"its subject is '{proof.subject.rfc4514_string()}' and the verification code is {code}"
        raise ProofError(what, fact, f"sign a certificate whose subject is exactly CN={code}")
    start = proof.not_valid_before_utc
    require_valid_at(proof, now=start if now < start <= now + _CLOCK_SKEW else now)
