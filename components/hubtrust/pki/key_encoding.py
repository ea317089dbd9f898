"""How a key is written (SubjectPublicKeyInfo, RFC 5280 4.1.2.7; private keys: RFC 5958, RFC 5915), and which forms paths may not have.

An RSASSA-PSS key verifies nothing but RSASSA-PSS signatures, and everything here signs with PKCS#1 v1.5, as vaults and tokens do. A CA
whose EC key has explicit parameters is refused by OpenSSL and others. Devices of such a CA could never connect.
"""

import re
from collections.abc import Sequence

from hubtrust.pki import der
from hubtrust.pki.errors import DerError, KeyEncodingError, WeakError

_RSA, _RSASSA_PSS, _EC = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.10045.2.1"  # RFC 3279 2.3, RFC 4055 1.2, RFC 5480 2.1.1
_PARAMETERS_OF_SEC1 = 0xA0  # RFC 5915 3
_USABLE_CURVES = {"1.2.840.10045.3.1.7": "P-256", "1.3.132.0.34": "P-384", "1.3.132.0.35": "P-521"}
_CURVES = {
    "1.2.156.10197.1.301": "SM2",
    "1.3.132.0.10": "secp256k1",
    "1.2.840.10045.3.1.1": "P-192",
    "1.3.132.0.8": "secp160r1",
    "1.3.132.0.16": "sect283k1",
    "1.3.132.0.17": "sect283r1",
    "1.3.132.0.36": "sect409k1",
    "1.3.132.0.37": "sect409r1",
    "1.3.132.0.38": "sect571k1",
    "1.3.132.0.39": "sect571r1",
    "1.3.132.0.33": "P-224",
    "1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1",
    "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
    "1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
}
_ALGORITHMS = {
    "1.2.840.10040.4.1": "DSA",
    "1.2.840.10046.2.1": "Diffie-Hellman",
    "1.2.840.113549.1.3.1": "Diffie-Hellman",
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}
_USE = "use RSA of 2048 bits or more, or EC on P-256, P-384 or P-521"


def unsupported_key_error(info: der.Element, *, what: str) -> WeakError:
    """The error for a key that `cryptography` can't load, or that is neither RSA nor EC: it names the curve or the algorithm."""
    algorithm, parameters = _algorithm(info)
    if algorithm == _EC and [part.tag for part in parameters] == [der.OBJECT_IDENTIFIER]:
        curve = der.dotted(parameters[0].content)
        if curve in _USABLE_CURVES:
            return WeakError(what, f"its EC key is not a point on its curve {_USABLE_CURVES[curve]}", _USE)
        return WeakError(what, f"its EC key is on the curve {_CURVES.get(curve, curve)}", _USE)
    if algorithm in (_EC, _RSA):
        return WeakError(what, f"its {'EC' if algorithm == _EC else 'RSA'} key can't be read", _USE)
    if not algorithm:
        return WeakError(what, "it does not say of which kind its key is, or on which curve", _USE)
    return WeakError(what, f"its key is {_ALGORITHMS.get(algorithm, f'of the algorithm {algorithm}')}", _USE)


def unsupported_curve_error(text: str, *, what: str) -> WeakError:
    """The error for an encrypted key that `cryptography` can't load, by what it says of it: that has the curve's object identifier."""
    curve = re.search(r"\d+(?:\.\d+){3,}", text)
    found = f"is on the curve {_CURVES.get(curve[0], curve[0])}" if curve else "is of a kind that is not supported"
    return WeakError(what, f"its key {found}", _USE)


def require_usable_key(info: der.Element, *, what: str) -> None:
    """Refuse a SubjectPublicKeyInfo, or a private key of PKCS#8 or SEC1, in a form that no path here can have.

    Raises:
        KeyEncodingError: it is an RSASSA-PSS key, or an EC key with explicit parameters.
    """
    algorithm, parameters = _algorithm(info)
    if algorithm == _RSASSA_PSS:
        fact = "its RSA key is for RSASSA-PSS only (RFC 4055), and PKCS#1 v1.5 signatures, which are made here, do not verify with it"
        raise KeyEncodingError(what, fact, "use a plain RSA key (rsaEncryption) or an EC key")
    if algorithm == _EC and [part.tag for part in parameters] != [der.OBJECT_IDENTIFIER]:
        fact = "its EC key has explicit parameters in place of a named curve (RFC 5480 2.1.1), and certification paths with it are refused"
        raise KeyEncodingError(what, fact, "use a key on a named curve (openssl: -pkeyopt ec_param_enc:named_curve) and have it reissued")


def _algorithm(info: der.Element) -> tuple[str, Sequence[der.Element]]:
    """The AlgorithmIdentifier of a key: its object identifier and its parameters; empty where there is none."""
    try:
        parts = info.elements()
        identifier = next((part for part in parts if part.tag == der.SEQUENCE), None)
        if identifier is None:
            curve = next((part for part in parts if part.tag == _PARAMETERS_OF_SEC1), None)
            return (_EC, curve.elements()) if curve else ("", ())
        algorithm, *parameters = identifier.elements()
    except (DerError, ValueError):  # ValueError: it is empty
        return "", ()
    return der.dotted(algorithm.content), parameters
