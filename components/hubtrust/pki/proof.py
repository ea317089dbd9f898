"""The other half of a proof of possession made elsewhere: does this certificate answer that code?"""

from datetime import datetime, timedelta

from cryptography import x509

from hubtrust.pki.certificate import common_name, display
from hubtrust.pki.chain import require_signed_by
from hubtrust.pki.errors import ChainError, ProofError
from hubtrust.pki.profile import require_valid_at

_DAYS = 30  # from the ceremony until the answer must be in: people carry it
_SKEW = timedelta(minutes=5)  # the ceremony's machine may be ahead of the service, and openssl dates what it signs from its own now


def ceremony(code: str) -> str:
    """The command that answers ``code`` where the key is: ca.pem and ca.key stand for the authority's certificate and key.

    Nothing but the code goes there and nothing but proof.pem comes back; the request is signed by a key that is thrown away at once.
    OpenSSL 1.1.1 or newer. Another tool does as well: what counts is the signature and a subject that is the code and nothing else.
    """
    request = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null"
    signing = f"openssl x509 -req -sha256 -CA ca.pem -CAkey ca.key -set_serial 0x01{code[:30]} -days {_DAYS}"
    return f"{request} -subj /CN={code} | {signing} -out proof.pem"


def require_answer(proof: x509.Certificate, *, code: str, authority: x509.Certificate, now: datetime) -> None:
    """``proof`` is signed by ``authority``, names ``code`` alone, and is valid at ``now``, or within minutes of it.

    Raises:
        ProofError: it is signed by another key or answers another code.
        NotValidNowError: it has expired, or starts later.
    """
    what, asked = f"the proof for {display(authority)}", common_name(proof.subject)
    try:
        require_signed_by(proof, authority)
    except ChainError as error:
        raise ProofError(what, error.fact, "sign it with the authority's own key") from None
    if asked != code or len(list(proof.subject)) != 1:
        fact = f"its subject is '{proof.subject.rfc4514_string()}' and the code to answer is {code}"
        raise ProofError(what, fact, f"sign a certificate whose subject is exactly CN={code}")
    start = proof.not_valid_before_utc
    require_valid_at(proof, now=start if now < start <= now + _SKEW else now)
