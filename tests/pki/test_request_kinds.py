"""Requests as devices, servers and old tools make them: what is read, and what is told of those that are refused."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from hubtrust.errors import HubtrustError
from hubtrust.pki import errors
from hubtrust.pki.names import common_name
from hubtrust.pki.request import load_request, requested_key
from tests.kit import der
from tests.kit.authorities import ec_key, hierarchy, name, pem_of, private_pem, rsa_key
from tests.kit.certificate_shapes import COMMON_NAME, RequestShape, attribute, extension, key_info
from tests.kit.certificate_shapes import name as encoded_name
from tests.kit.openssl_keys import SIGNING_KINDS, made_by_openssl, openssl
from tests.kit.repository import SHARED

KEY = ec_key()
PLAIN = x509.CertificateSigningRequestBuilder().subject_name(name("mixer-01")).sign(KEY, hashes.SHA256())
SHAPE = RequestShape.of(PLAIN.public_bytes(serialization.Encoding.DER))
_EXTENSION_REQUEST, _MICROSOFT = "1.2.840.113549.1.9.14", "1.3.6.1.4.1.311"
_USAGE = extension("2.5.29.15", der.encode(der.BIT_STRING, b"\x05\xa0"), critical=True)
_EMPTY = der.encode(der.SEQUENCE)


def pem(encoding: bytes, label: str = "CERTIFICATE REQUEST") -> str:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(encoding).decode()}-----END {label}-----\n"


def asked(oid: str, *values: bytes) -> bytes:
    """An attribute of a request."""
    return der.encode(der.SEQUENCE, der.oid(oid), der.encode(der.SET, *values))


def key_of(text: str, device_id: str | None = "mixer-01") -> Any:
    return requested_key(load_request(text, what="request"), what="request", name=device_id)


def refusal(text: str, device_id: str | None = "mixer-01") -> HubtrustError:
    with pytest.raises(HubtrustError) as refused:
        key_of(text, device_id)
    assert str(refused.value).isprintable()
    return refused.value


_ATTRIBUTES: dict[str, tuple[bytes, ...] | None] = {
    "absent": None,
    "none": (),
    "of IIS and certreq": (
        asked(f"{_MICROSOFT}.13.2.3", der.encode(der.IA5_STRING, b"10.0.20348.2")),
        asked(
            f"{_MICROSOFT}.21.20",
            der.encode(
                der.SEQUENCE, der.integer(5), *(der.encode(der.UTF8_STRING, each) for each in (b"WEB1", b"CORP\\admin", b"InetMgr.exe"))
            ),
        ),
        asked(
            f"{_MICROSOFT}.13.2.2",
            der.encode(
                der.SEQUENCE,
                der.integer(1),
                der.encode(der.BMP_STRING, "Microsoft RSA SChannel Cryptographic Provider".encode("utf-16-be")),
                der.encode(der.BIT_STRING, b"\0"),
            ),
        ),
        asked(_EXTENSION_REQUEST, der.encode(der.SEQUENCE, _USAGE)),
    ),
    "with Microsoft's own request for extensions": (asked(f"{_MICROSOFT}.2.1.14", der.encode(der.SEQUENCE, _USAGE)),),
    "unknown": (asked("1.3.6.1.4.1.99999.9", der.encode(der.NULL)),),
    "with a challenge password": (asked("1.2.840.113549.1.9.7", der.encode(der.PRINTABLE_STRING, b"pa$$word_")),),
    "with an unstructured name": (asked("1.2.840.113549.1.9.2", der.encode(der.IA5_STRING, b"switch\xe9")),),
    "with two requests for extensions": (asked(_EXTENSION_REQUEST, der.encode(der.SEQUENCE, _USAGE)),) * 2,
    "with an extension twice": (asked(_EXTENSION_REQUEST, der.encode(der.SEQUENCE, _USAGE, _USAGE)),),
    "with extensions that can't be read": (asked(_EXTENSION_REQUEST, der.encode(der.NULL)),),
    "with an empty extension": (asked(_EXTENSION_REQUEST, der.encode(der.SEQUENCE, extension("2.5.29.17", _EMPTY))),),
    "without values": (asked("1.2.3.4"),),
}


@pytest.mark.parametrize("number", [-1, 0, 1, 2, 3, 2**70], ids=lambda number: f"version {number + 1}")
@pytest.mark.parametrize("attributes", _ATTRIBUTES)
def test_versions_and_attributes_make_no_difference(number: int, attributes: str) -> None:
    """Only the key and the common name are used. OpenSSL reads each of them."""
    found = _ATTRIBUTES[attributes]
    shape = replace(SHAPE, version=der.integer(number), attributes=None if found is None else der.encode(0xA0, *found))
    assert key_of(pem(shape.signed(KEY))) == KEY.public_key()


def test_attributes_that_are_not_marked_as_constructed_are_none() -> None:
    """As OpenSSL has it."""
    assert key_of(pem(replace(SHAPE, attributes=b"\x80\x00").signed(KEY))) == KEY.public_key()


@pytest.mark.parametrize("tag", der.STRING_TYPES, ids=lambda tag: der.STRING_TYPES[tag][0])
def test_a_name_is_read_from_every_string_type(tag: int) -> None:
    """Also `_` in a PrintableString, and Latin-1 in a TeletexString."""
    text = "mixer_01é"
    encoding = SHAPE.named(encoded_name(attribute(COMMON_NAME, tag, text.encode(der.STRING_TYPES[tag][1])))).signed(KEY)
    found = load_request(pem(encoding), what="request")
    assert common_name(found.subject) == text
    assert requested_key(found, what="request", name=text) == KEY.public_key()


@pytest.mark.parametrize("label", ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"])
@pytest.mark.parametrize(
    "before", ["", "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n", "Certificate Request:\n    Data\n"]
)
def test_labels_and_what_is_before_a_request(label: str, before: str) -> None:
    """As `openssl ecparam`, `openssl req -text` and certreq write it."""
    assert key_of(before + pem(SHAPE.signed(KEY), label)) == KEY.public_key()


@pytest.mark.parametrize("kind", SIGNING_KINDS)
def test_a_key_of_another_kind_is_named(tmp_path: Path, kind: str) -> None:
    """Its curve or its algorithm, and what to use."""
    error = refusal(made_by_openssl(tmp_path, kind)[2], "press-001")
    named = {
        "pss": "RSASSA-PSS",
        "explicit": "explicit parameters",
        "brainpool": "curve brainpoolP256r1",
        "secp192": "curve secp192r1",
        "binary curve": "curve 1.3.132.0.26",
        "sm2": "curve SM2",
    }
    assert named.get(kind, kind.capitalize() if kind.startswith("ed") else kind.upper() if kind == "dsa" else kind) in error.fact
    assert "EC on P-256, P-384 or P-521" in error.remedy


@pytest.mark.parametrize(
    ("key", "algorithm", "shown"),
    [
        (rsa_key(), "md5", "MD5"),
        (rsa_key(), "sha1", "SHA1"),
        (KEY, "sha1", "SHA1"),
    ],
    ids=["RSA with MD5", "RSA with SHA-1", "EC with SHA-1"],
)
def test_a_weak_hash_is_named(key: Any, algorithm: str, shown: str) -> None:
    """The signature verifies, so that is not what is said."""
    made = replace(SHAPE, key=key_info(key.public_key()))
    error = refusal(pem(made.signed(key, algorithm)))
    assert (type(error), error.fact) == (errors.WeakError, f"it is signed with {shown}, which is too weak")
    assert error.remedy == "create the request again, signed with SHA-256"


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda found: found.name)
def test_a_pss_signature_by_a_plain_rsa_key_is_verified(algorithm: Any) -> None:
    """RFC 4055 allows it; a changed one is refused."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(name("mixer-01"))
    made = builder.sign(rsa_key(), algorithm, rsa_padding=padding.PSS(padding.MGF1(algorithm), algorithm.digest_size))
    encoding = made.public_bytes(serialization.Encoding.DER)
    assert key_of(pem(encoding)) == rsa_key().public_key()
    assert refusal(pem(encoding[:-1] + bytes([encoding[-1] ^ 1]))).fact == "its signature does not verify with the key in it"


@pytest.mark.parametrize("parameters", [b"", der.encode(der.NULL)], ids=["absent", "NULL"])
@pytest.mark.parametrize(("key", "algorithm"), [(KEY, "1.2.840.10045.4.3.2"), (rsa_key(), "1.2.840.113549.1.1.11")], ids=["EC", "RSA"])
def test_a_signature_algorithm_is_read_with_and_without_parameters(key: Any, algorithm: str, parameters: bytes) -> None:
    """Tools write NULL for ECDSA, and none for RSA, against RFC 5758 3.2 and RFC 4055 5; OpenSSL reads both."""
    named = der.encode(der.SEQUENCE, der.oid(algorithm), parameters)
    assert key_of(pem(replace(SHAPE, key=key_info(key.public_key()), algorithm=named).signed(key))) == key.public_key()


def test_a_key_that_is_no_point_on_its_curve_is_told() -> None:
    """The curve is not what is wrong."""
    algorithm, _ = der.children(SHAPE.key)
    nowhere = der.encode(der.SEQUENCE, algorithm, der.encode(der.BIT_STRING, b"\0\4", b"\1" * 64))
    assert refusal(pem(replace(SHAPE, key=nowhere).signed(KEY))).fact == "its EC key is not a point on its curve P-256"


def test_an_unknown_signature_algorithm_is_named(tmp_path: Path) -> None:
    """One that OpenSSL knows and `cryptography` does not."""
    openssl(tmp_path, "genpkey", "-algorithm", "RSA", "-out", "device.key")
    openssl(tmp_path, "req", "-new", "-key", "device.key", "-subj", "/CN=mixer-01", "-sha512-256", "-out", "device.csr")
    assert refusal((tmp_path / "device.csr").read_text()).fact == "its signature algorithm 1.2.840.113549.1.1.16 is not supported"


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [("\0", r"\x00"), ("\u200e", r"\u200e"), ("\xa0", r"\xa0"), (" ", " "), ("\n", r"\n"), ("\xad", r"\xad"), ("\ufeff", r"\ufeff")],
    ids=["NUL", "left-to-right mark", "no-break space", "space", "line feed", "soft hyphen", "byte order mark"],
)
def test_a_hidden_character_is_shown_and_makes_another_name(hidden: str, shown: str) -> None:
    """At the end and at the beginning of the common name."""
    for text in (f"mixer-01{hidden}", f"{hidden}mixer-01"):
        encoding = SHAPE.named(encoded_name(attribute(COMMON_NAME, der.UTF8_STRING, text.encode()))).signed(KEY)
        fact = refusal(pem(encoding)).fact
        assert fact == f"its common name is '{text.replace(hidden, shown)}', but the device is 'mixer-01'"


@pytest.mark.parametrize("certificates", [(), ("-nocerts",)], ids=["signed by a certificate", "without certificates"])
def test_a_request_inside_signed_data_is_told(tmp_path: Path, certificates: tuple[str, ...]) -> None:
    """As certreq writes it with `RequestType = CMC`, under the label of a request."""
    (tmp_path / "data").write_bytes(SHAPE.signed(KEY))
    openssl(tmp_path, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Enrollment")
    signing = "cms -sign -in data -binary -nodetach -signer ca.pem -inkey ca.key -outform DER -out cmc -econtent_type 1.3.6.1.5.5.7.12.2"
    openssl(tmp_path, *signing.split(), *certificates)
    error = refusal(pem((tmp_path / "cmc").read_bytes(), "NEW CERTIFICATE REQUEST"))
    assert error.fact == "it is a request of the form CMC (RFC 5272), in PKCS#7"


def test_letters_of_other_alphabets_are_named() -> None:
    """They look like ours; a request without a name says so."""
    for text, shown in (
        ("m\u0456xer-01", "'m\u0456xer-01' (with U+0456)"),
        ("mixer\uff0d01\0", r"'mixer\uff0d01\x00' (with U+FF0D)".replace(r"\uff0d", "\uff0d")),
    ):
        encoding = SHAPE.named(encoded_name(attribute(COMMON_NAME, der.UTF8_STRING, text.encode()))).signed(KEY)
        assert refusal(pem(encoding)).fact == f"its common name is {shown}, but the device is 'mixer-01'"
    assert refusal(pem(SHAPE.named(encoded_name()).signed(KEY))).fact == "it has no common name, but the device is 'mixer-01'"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (lambda: pem_of(hierarchy(depth=0).issuing.certificate), "it contains a certificate, which is not a request"),
        (lambda: private_pem(KEY), "it contains a private key"),
        (lambda: private_pem(KEY, "secret"), "it contains a private key"),
        (lambda: pem(b"0", "PKCS7"), "it is PKCS#7 and damaged"),
        (lambda: pem(SHAPE.signed(KEY)) * 2, "it contains 2 requests"),
        (lambda: pem(SHAPE.signed(KEY)[:-9]), "it ends in the middle of an element"),
        (lambda: pem(SHAPE.signed(ec_key())), "its signature does not verify with the key in it"),
        (lambda: pem(replace(SHAPE, key=b"").signed(KEY)), "it can't be read (UnexpectedTag at csr_info.spki)"),
    ],
    ids=["certificate", "key", "encrypted key", "PKCS#7", "two", "cut off", "signed by another key", "without a key"],
)
def test_something_else_is_told(text: Any, match: str) -> None:
    """What it is."""
    assert match in refusal(text()).fact


@pytest.mark.parametrize("case", ["B01", "B02", "B03", "B04", "B05"])
def test_the_recorded_requests(case: str) -> None:
    """Each is read as OpenSSL reads it."""
    found = next(iter((SHARED / "cases").glob(f"{case}-*.pem")), None)
    if found is None:
        pytest.skip("the recorded cases are not beside this project")
    text = found.read_text()
    if case == "B01":
        requests = [
            load_request(one + "-----END CERTIFICATE REQUEST-----", what="r")
            for one in text.split("-----END CERTIFICATE REQUEST-----")[:-1]
        ]
        assert [common_name(one.subject) for one in requests] == ["mixer-01", "mixer-02", "mixer 03"]
        assert all(requested_key(one, what="r") for one in requests)
    elif case in ("B02", "B04"):
        assert isinstance(key_of(text, "mixer-01" if case == "B02" else "mixer_01"), ec.EllipticCurvePublicKey)
    else:
        shown = {"B03": "it is signed with SHA1", "B05": r"its common name is 'mixer-01\x00', but the device is 'mixer-01'"}
        assert refusal(text).fact.startswith(shown[case])
