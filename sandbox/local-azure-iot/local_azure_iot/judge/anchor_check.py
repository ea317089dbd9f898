"""Can any device ever connect below this CA? A CA of which OpenSSL refuses every path must not be marked as verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from OpenSSL import crypto

from local_azure_iot.judge import algorithms, connection_check, der
from local_azure_iot.judge.certificate import openssl_words
from local_azure_iot.judge.connection_check import Reason

if TYPE_CHECKING:
    from local_azure_iot.judge.certificate import Certificate

_VERSION_3 = bytes.fromhex("a003020102")
_SERIAL_NUMBER = bytes.fromhex("020101")
_ANY_NAME = bytes.fromhex("300e310c300a06035504030c03416e79")  # CN=Any
# With these, the trial found nothing wrong with the CA: its signature can't be good, and Azure was recorded to verify CAs that no
# extension marks as such.
_FITTING = {Reason.SIGNATURE, Reason.NOT_AN_AUTHORITY}


def unusable(authority: Certificate) -> str:
    """Why no path with this CA is ever valid; empty if there may be one.

    OpenSSL is asked about a path with a made-up certificate that names this CA as its issuer: in the middle of the CA's validity nothing
    but the signature may be wrong with it.
    """
    if algorithms.has_explicit_parameters(authority.key_algorithm):
        return "its EC key describes its curve instead of naming it (RFC 5480, 2.1.1)"
    if authority.not_before is None or authority.not_after is None:
        return "a date of its validity can't be read"
    if authority.not_after < authority.not_before:
        return "it ends before it begins"
    try:
        crypto.load_certificate(crypto.FILETYPE_ASN1, authority.encoded).get_pubkey()
        trial = crypto.load_certificate(crypto.FILETYPE_ASN1, _below(authority))
    except crypto.Error as error:
        return f"OpenSSL can't read it or its key ({openssl_words(error)})"
    middle = authority.not_before + (authority.not_after - authority.not_before) / 2
    refusal = connection_check.path_refusal([trial], (authority.encoded,), middle)
    return "" if refusal is None or refusal.reason in _FITTING else refusal.detail


def _below(authority: Certificate) -> bytes:
    """A certificate that names this CA as its issuer, has its dates and its key, and a signature that is none."""
    algorithm = algorithms.one_signature(authority.key_algorithm)
    parts = (_VERSION_3, _SERIAL_NUMBER, algorithm, authority.subject.encoded, authority.validity, _ANY_NAME, authority.key)
    signed = der.encode(der.SEQUENCE, b"".join(parts))
    return der.encode(der.SEQUENCE, signed + algorithm + der.encode(der.BIT_STRING, bytes(65)))
