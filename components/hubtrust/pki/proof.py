"""Proof of possession: a certificate for Azure's verification code, signed by the authority: here, or elsewhere and then checked here.

Source: learn.microsoft.com/azure/iot-hub/tutorial-x509-test-certs.
"""

from datetime import datetime, timedelta

from hubtrust.pki import issue
from hubtrust.pki.certificate import Certificate, display, load_certificates
from hubtrust.pki.errors import ChainError, NotValidNowError, PkiError, ProofError, UnreadableError
from hubtrust.pki.issue import Issuer, Validity
from hubtrust.pki.keys import PublicKey
from hubtrust.pki.links import require_signed_by
from hubtrust.pki.names import common_names, prepared, same_name
from hubtrust.pki.profile import require_valid_at
from hubtrust.pki.verification_code import VerificationCode, is_code

PROOF_LIFETIME = timedelta(days=1)  # of a proof that is signed here and sent to Azure at once
OFFLINE_PROOF_LIFETIME = timedelta(days=30)  # of a proof that is signed elsewhere: people carry it here
_CLOCK_SKEW = timedelta(minutes=5)  # the machine where a proof is signed may have a clock that is fast


def proof_of_possession(
    issuer: Issuer, *, code: str, public_key: PublicKey, now: datetime, serial: int, lifetime: timedelta = PROOF_LIFETIME
) -> Certificate:
    """The proof for Azure's verification ``code``: a certificate whose subject is exactly ``CN=<code>``, signed by the authority.

    ``public_key`` is that of any new key, whose private half is not needed: Azure checks only the subject and the signature. ``now``
    should be the service's own time. It ends with the authority at the latest.

    Raises:
        OutlivesIssuerError: the authority has expired.
        ProofError: ``code`` has another form than Azure's codes.
        WeakError: see ``require_strong_key``.
    """
    validity = Validity.lasting(lifetime, now=now).within(issuer.certificate)
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


def load_proof(text: str, *, what: str) -> Certificate:
    """The proof in ``text``. Tools write the certificates of the authorities after it: what has no code as its name is passed over.

    Raises:
        UnreadableError: it contains no certificate; or several, and not exactly one of them is for a code.
        PkiError: see ``load_certificates``.
    """
    given = load_certificates(text, what=what)
    if len(given) == 1:
        return given[0]
    proofs = [one for one in dict.fromkeys(given) if any(map(is_code, common_names(one.subject)))]
    if len(proofs) != 1:
        fact = f"it contains {len(given)} certificates, and {len(proofs) or 'none'} of them is for a verification code"
        raise UnreadableError(what, fact, "give only the certificate whose common name is the code")
    return proofs[0]


def require_proof(proof: Certificate, *, code: str, authority: Certificate, now: datetime) -> None:
    """Check that ``proof`` is signed by ``authority``, that its only common name is ``code``, and that it is valid at ``now``.

    A ceremony's tool may add an organization, a country, or any extensions: the service compares the common name. The proof's own key is
    not used. A proof that becomes valid within five minutes after ``now`` is accepted too.

    Raises:
        ProofError: another key signed it, it is for another code, or it is signed with SHA-1 or weaker: whoever finds a collision would
            have a certificate of this authority. Nothing else is raised, because a run that has a new code must not end by an old proof.
        NotValidNowError: it has expired, or is not valid yet.
    """
    what, remedy = f"the proof for {display(authority)}", f"sign a certificate with one common name, CN={code}"
    if proof == authority:
        raise ProofError(what, "it is the authority's own certificate", remedy)
    if proof.is_weakly_signed:
        raise ProofError(what, f"it is signed with {proof.signature_algorithm}, which is too weak", "sign it again with SHA-256")
    _require_signed(proof, authority, what)
    if fact := _other_name(common_names(proof.subject), code):
        raise ProofError(what, fact, remedy)
    start = proof.not_valid_before_utc
    try:
        require_valid_at(proof, now=start if now < start <= now + _CLOCK_SKEW else now)
    except NotValidNowError as error:
        raise NotValidNowError(what, error.fact, error.remedy if now < start else "sign another one for the same code") from None


def _require_signed(proof: Certificate, authority: Certificate, what: str) -> None:
    try:
        require_signed_by(proof, authority)
    except ChainError as error:
        fact = "it is signed by its own key" if same_name(proof.issuer, proof.subject) else error.fact
        raise ProofError(what, fact, "sign it with the authority's own key") from None
    except PkiError as error:
        raise ProofError(what, error.fact, "sign another one") from None


def _other_name(names: list[str], code: str) -> str | None:
    """What is wrong with the common names: the service compares the only one with the code, letter by letter."""
    if names == [code]:
        return None
    if len(names) != 1:
        return f"it has {len(names)} common names" if names else "it has no common name"
    if prepared(names[0]) == prepared(code):
        return f"its common name '{names[0]}' is the verification code, but not letter by letter"
    if is_code(names[0]):
        return f"it is for the code {names[0]}, and the verification code is now {code}"
    return f"its common name is '{names[0]}', and the verification code is {code}"
