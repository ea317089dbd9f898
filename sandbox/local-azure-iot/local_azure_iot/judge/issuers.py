"""Why a CA that has the name of a certificate's issuer is not taken as its issuer. OpenSSL says no more than that it found none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from OpenSSL import crypto

from local_azure_iot.judge import algorithms
from local_azure_iot.judge.certificate import openssl_words
from local_azure_iot.judge.der import MalformedError

if TYPE_CHECKING:
    from local_azure_iot.judge.certificate import Certificate


def is_named_by(below: Certificate, authority: Certificate) -> bool:
    """Whether the authority is another certificate, with the name that `below` gives as its issuer's."""
    return authority.subject.canonical == below.issuer.canonical and authority.encoded != below.encoded


def why_not(below: Certificate, authority: Certificate) -> str:
    """What stands between the two, in about the order in which OpenSSL looks at it."""
    try:
        crypto.load_certificate(crypto.FILETYPE_ASN1, authority.encoded).get_pubkey()
    except crypto.Error as error:
        return f"OpenSSL can't read that CA's certificate, or the key in it ({openssl_words(error)})"
    if fact := _of_extensions(below, authority):
        return fact
    made, key = below.signature_algorithm, authority.key_algorithm
    if not algorithms.fits(made, key):
        return f"'{below.subject}' is signed with {algorithms.name_of(made)}, and the CA's key is {algorithms.kind_of(key)}"
    return f"OpenSSL can't use an extension of '{below.subject}' or of that CA"


def _of_extensions(below: Certificate, authority: Certificate) -> str:
    for one in (below, authority):
        if one.doubled_extensions:
            return f"'{one.subject}' has the extension {one.doubled_extensions[0]} more than once (RFC 5280, 4.2)"
    try:
        wanted, own = below.authority_key_identifier(), authority.subject_key_identifier()
        if wanted is not None and own is not None and wanted != own:
            return f"'{below.subject}' names another key of that CA ({_hex(wanted)}) than the one that is known here ({_hex(own)})"
        return "" if authority.may_sign_certificates() else "the CA's key usage has no keyCertSign"
    except MalformedError as error:
        return f"an extension can't be read: {error}"


def _hex(identifier: bytes) -> str:
    shown = identifier[:32].hex().upper()
    return shown if len(identifier) <= 32 else f"{shown}…"  # noqa: PLR2004 - longer than any hash that is in use for it
