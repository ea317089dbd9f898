"""Azure's verification codes. Whoever has a certificate for a code, signed by a CA, has proven that CA on the hub that gave the code.

So the proof is the only certificate that may be for a code: a device, or an authority, of that name would prove the CA on a stranger's hub.
"""

import re
import unicodedata
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

from hubtrust.pki.errors import ProofError, VerificationCodeError

_DIGITS = 48  # of every code that Azure was seen to give, all upper-case hex
_CODE = re.compile(rf"[0-9A-Fa-f]{{{_DIGITS}}}")
_FACT = f"has the form of an Azure verification code ({_DIGITS} hex digits), and a certificate for a code proves the CA on the code's hub"


@dataclass(frozen=True, slots=True)
class VerificationCode:
    """A code that Azure gave. Only a value of this type can be the subject of a proof.

    Raises:
        ProofError: ``text`` is anything else, such as a device's id: a proof for it would be that device's certificate.
    """

    text: str

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.text):
            fact = f"'{self.text[:_DIGITS]}' is not a verification code ({_DIGITS} hex digits)"
            raise ProofError("the proof of possession", fact, "run again; a new code is asked for")


def is_code(text: str) -> bool:
    """Whether ``text`` has the form of a code, in either case, and whatever invisible or compatible characters it is written with."""
    if len(text) < _DIGITS:
        return False
    shown = (char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char)[0] not in "ZC")
    return _CODE.fullmatch("".join(shown)) is not None


def require_no_code(text: str, *, what: str, field: str = "its id") -> None:
    """Refuse ``text``, the value of ``field``, if it has the form of a code.

    Raises:
        VerificationCodeError: it has.
    """
    if is_code(text):
        raise VerificationCodeError(what, f"{field} {_FACT}", "use another name")


def require_no_code_in(name: x509.Name, *, what: str) -> None:
    """Refuse ``name`` if any of its common names has the form of a code.

    Raises:
        VerificationCodeError: one has.
    """
    for attribute in name.get_attributes_for_oid(NameOID.COMMON_NAME):
        require_no_code(str(attribute.value), what=what, field="its common name")
