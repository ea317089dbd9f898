"""Proof of possession: a certificate for Azure's verification code, signed by the authority: here, or elsewhere and then checked here.

Source: learn.microsoft.com/azure/iot-hub/tutorial-x509-test-certs.
"""

from datetime import datetime, timedelta

from hubtrust.pki import issue
from hubtrust.pki.certificate import Certificate, display
from hubtrust.pki.chain import require_signed_by
from hubtrust.pki.errors import ChainError, ProofError
from hubtrust.pki.issue import Issuer, Validity
from hubtrust.pki.keys import PublicKey
from hubtrust.pki.names import common_names
from hubtrust.pki.profile import require_valid_at
from hubtrust.pki.verification_code import VerificationCode

PROOF_LIFETIME = timedelta(days=1)  # of a proof that is signed here and sent to Azure at once
OFFLINE_PROOF_LIFETIME = timedelta(days=30)  # of a proof that is signed elsewhere: people carry it here
_CLOCK_SKEW = timedelta(minutes=5)  # the machine where a proof is signed may have a clock that is fast


def proof_of_possession(issuer: Issuer, *, code: str, public_key: PublicKey, now: datetime, serial: int) -> Certificate:
    """The proof for Azure's verification ``code``: a certificate whose subject is exactly ``CN=<code>``, signed by the authority.

    ``public_key`` is that of any new key, whose private half is not needed: Azure checks only the subject and the signature. ``now``
    should be the service's own time.

    Raises:
        OutlivesIssuerError: the authority has expired.
        ProofError: ``code`` has another form than Azure's codes.
        WeakError: see ``require_strong_key``.
    """
    validity = Validity.lasting(PROOF_LIFETIME, now=now).within(issuer.certificate)
    return issue.proof(issuer, code=VerificationCode(code), public_key=public_key, validity=validity, serial=serial)


def proof_command(code: str) -> str:
    """The shell command that signs the proof for ``code`` where the authority's key is. It needs OpenSSL 1.1.1 or newer.

    It reads the authority's certificate and key from ca.pem and ca.key, and writes proof.pem. The proof's own key is not kept. Any other
    tool can be used too: Azure checks that the authority signed the proof, and that its common name is the code.
    """
    # OpenSSL needs a serial number here, or it would leave a file with the next one beside ca.pem. The code is random, so its first 30 hex
    # digits are unique; 01 before them makes the number positive, and these 16 bytes are within the 20 of RFC 5280 4.1.2.2.
    serial = f"0x01{code[:30]}"
    request = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null"
    signing = f"openssl x509 -req -sha256 -CA ca.pem -CAkey ca.key -set_serial {serial} -days {OFFLINE_PROOF_LIFETIME.days}"
    return f"{request} -subj /CN={code} | {signing} -out proof.pem"


def require_proof(proof: Certificate, *, code: str, authority: Certificate, now: datetime) -> None:
    """Check that ``proof`` is signed by ``authority``, that its only common name is ``code``, and that it is valid at ``now``.

    A ceremony's tool may add an organization or a country: the service compares the common name.
    A proof that becomes valid within five minutes after ``now`` is accepted too.

    Raises:
        ProofError: another key signed it, or it is for another code.
        NotValidNowError: it has expired, or is not valid yet.
    """
    what, signed = f"the proof for {display(authority)}", common_names(proof.subject)
    try:
        require_signed_by(proof, authority)
    except ChainError as error:
        raise ProofError(what, error.fact, "sign it with the authority's own key") from None
    if signed != [code]:
        fact = f"its subject is '{proof.subject.rfc4514_string()}' and the verification code is {code}"
        raise ProofError(what, fact, f"sign a certificate with one common name, CN={code}")
    start = proof.not_valid_before_utc
    require_valid_at(proof, now=start if now < start <= now + _CLOCK_SKEW else now)
