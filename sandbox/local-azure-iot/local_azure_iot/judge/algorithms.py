"""Kinds of keys, and the signatures that each makes: which of the two fit together, and what they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.judge import der

if TYPE_CHECKING:
    from local_azure_iot.judge.certificate import Algorithm

RSASSA_PSS = "1.2.840.113549.1.1.10"
EC = "1.2.840.10045.2.1"
_SM2_CURVE = bytes.fromhex("06082a811ccf5501822d")
_PSS_KEY = "RSA for RSASSA-PSS alone"
_KEYS = {
    "1.2.840.113549.1.1.1": "RSA", RSASSA_PSS: _PSS_KEY, EC: "EC", "1.2.840.10040.4.1": "DSA", "1.3.101.110": "X25519",
    "1.3.101.111": "X448", "1.3.101.112": "Ed25519", "1.3.101.113": "Ed448",
    **{f"2.16.840.1.101.3.4.3.{17 + place}": f"ML-DSA-{size}" for place, size in enumerate((44, 65, 87))},
}  # fmt: skip
# What it is called, and the kind of key that makes it.
_SIGNATURES = {
    "1.2.840.113549.1.1.4": ("MD5 and RSA", "RSA"), "1.2.840.113549.1.1.5": ("SHA-1 and RSA", "RSA"),
    "1.2.840.113549.1.1.14": ("SHA-224 and RSA", "RSA"), "1.2.840.113549.1.1.11": ("SHA-256 and RSA", "RSA"),
    "1.2.840.113549.1.1.12": ("SHA-384 and RSA", "RSA"), "1.2.840.113549.1.1.13": ("SHA-512 and RSA", "RSA"),
    RSASSA_PSS: ("RSASSA-PSS", _PSS_KEY),
    "1.2.840.10045.4.1": ("SHA-1 and ECDSA", "EC"), "1.2.840.10045.4.3.1": ("SHA-224 and ECDSA", "EC"),
    "1.2.840.10045.4.3.2": ("SHA-256 and ECDSA", "EC"), "1.2.840.10045.4.3.3": ("SHA-384 and ECDSA", "EC"),
    "1.2.840.10045.4.3.4": ("SHA-512 and ECDSA", "EC"),
    "1.2.840.10040.4.3": ("SHA-1 and DSA", "DSA"), "2.16.840.1.101.3.4.3.2": ("SHA-256 and DSA", "DSA"),
    "1.2.156.10197.1.501": ("SM3 and SM2", "SM2"),
    **{name: (kind, kind) for name, kind in _KEYS.items() if kind.startswith(("Ed", "ML-DSA"))},
}  # fmt: skip
# The AlgorithmIdentifier, in DER, of one signature by each kind of key; RSASSA-PSS with SHA-256.
_ONE_SIGNATURE = {
    "RSA": "300d06092a864886f70d01010b0500",
    _PSS_KEY: "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500"
    "a203020120",
    "EC": "300a06082a8648ce3d040302",
    "DSA": "300b0609608648016503040302",
    "SM2": "300a06082a811ccf55018375",
}  # fmt: skip


def kind_of(key: Algorithm) -> str:
    """The kind of a key, such as `RSA`; the number of one that is not known."""
    if key.name == EC and key.parameters is not None and key.parameters.whole == _SM2_CURVE:
        return "SM2"
    return _KEYS.get(key.name, key.name)


def name_of(signature: Algorithm) -> str:
    """What the signature is called; the number of one that is not known."""
    return _SIGNATURES.get(signature.name, (signature.name, ""))[0]


def fits(signature: Algorithm, key: Algorithm) -> bool:
    """Whether a key of this kind makes signatures of this kind."""
    made_by = _SIGNATURES.get(signature.name, ("", ""))[1]
    return made_by == kind_of(key) or (signature.name == RSASSA_PSS and kind_of(key) == "RSA")


def one_signature(key: Algorithm) -> bytes:
    """The AlgorithmIdentifier of a signature that such a key makes, in DER."""
    encoded = _ONE_SIGNATURE.get(kind_of(key))
    return bytes.fromhex(encoded) if encoded else key.encoded  # keys such as Ed25519 and their signatures have one number


def has_explicit_parameters(key: Algorithm) -> bool:
    """Whether an EC key describes its curve instead of naming it: forbidden (RFC 5480 2.1.1), and OpenSSL refuses every path with it."""
    return key.name == EC and (key.parameters is None or key.parameters.tag != der.OBJECT_IDENTIFIER)
