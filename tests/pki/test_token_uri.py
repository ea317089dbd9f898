"""PKCS#11 URIs (RFC 7512): which ones identify a key permanently, and which are refused."""

import pytest

from hubtrust.custody.pkcs11 import require_tries_left
from hubtrust.custody.pkcs11_uri import TokenUri
from hubtrust.pki.errors import PinError, TokenError


def test_a_key_by_token_and_label() -> None:
    """Attributes are percent-decoded; the slot is ignored, because the token's name identifies it."""
    found = TokenUri.read(
        "pkcs11:token=My%20token;serial=A1;object=ca%2Froot;id=%01%ff;type=private;slot-id=7;x-of=us?module-path=/lib/p11.so"
    )
    assert (found.token, found.serial, found.label, found.id, found.module_path) == (
        "My token",
        "A1",
        "ca/root",
        b"\x01\xff",
        "/lib/p11.so",
    )
    assert found.what == "key 'pkcs11:token=My%20token;serial=A1;object=ca%2Froot;id=%01%ff;type=private;slot-id=7;x-of=us'"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("token=a;object=b", "'token=a;object=b' is not a PKCS#11 URI; write it as pkcs11:token="),
        ("pkcs11:object=b", "it names no token"),
        ("pkcs11:slot-id=1;object=b", "it names a slot but no token, and a token's slot can change; add token=<label>"),
        ("pkcs11:token=a", "it names no key; add object=<label> or id="),
        ("pkcs11:token=a;object=b;object=c", "'object' occurs twice in it"),
        ("pkcs11:token=a;object=b;colour=red", "'colour' is not an attribute of a PKCS#11 URI"),
        ("pkcs11:token=a;object", "'object' is not an attribute of a PKCS#11 URI"),
        ("pkcs11:token=a;object=b;type=cert", "it names a cert, which can't sign"),
        ("pkcs11:token=%ff;object=b", "a name in it is not UTF-8"),
        ("pkcs11:token=a;object=b?pin-value=1234", "it contains a PIN or the source of one; remove it, and give pin (a secret)"),
        ("pkcs11:token=a;object=b?pin-source=file:/pin", "it contains a PIN or the source of one"),
    ],
)
def test_invalid_uris_are_refused(text: str, match: str) -> None:
    """The error is one line with the fact and the remedy, and never contains the PIN."""
    with pytest.raises(TokenError) as caught:
        TokenUri.read(text)
    assert match in str(caught.value)
    assert "1234" not in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "match"), [(0x20000, "one more mistake would lock the token, so the PIN is not tried"), (0x60000, "is locked")]
)
def test_no_pin_is_tried_where_it_could_lock(flags: int, match: str) -> None:
    """CKF_USER_PIN_FINAL_TRY and CKF_USER_PIN_LOCKED (PKCS #11 v3.0, token info): refused before anything is sent."""
    with pytest.raises(PinError, match=match):
        require_tries_left(flags | 0x10000, what="key")


def test_an_earlier_wrong_pin_does_not_block_the_right_one() -> None:
    """With CKF_USER_PIN_COUNT_LOW alone there are attempts left, so the PIN is tried."""
    require_tries_left(0x1042D, what="key")
