"""Every encoding in which a person is handed a certificate or a key is read; what is not read is named truly."""

import base64
import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubtrust.pki.certificate import load_certificate, load_certificates
from hubtrust.pki.errors import PkiError, PrivateKeyInsideError, UnreadableError
from hubtrust.pki.keys import load_private_key
from hubtrust.pki.request import load_request
from tests.kit.authorities import Forged, ec_key, hierarchy, pem_of, private_pem
from tests.kit.openssl_keys import openssl, openssl_octets
from tests.kit.repository import SHARED

KEY = ec_key()
ROOT = Forged(subject="Contoso Root", key=KEY).certificate
PEM, DER, KEY_PEM = pem_of(ROOT), ROOT.der, private_pem(KEY)
BARE = base64.b64encode(DER).decode()
CHAIN = hierarchy(depth=2).up
CASES = SHARED / "cases"

TEXTS: dict[str, str] = {
    "CRLF": PEM.replace("\n", "\r\n"),
    "CR": PEM.replace("\n", "\r"),
    "doubled line ends": PEM.replace("\n", "\n\n"),
    "doubled CRLF": PEM.replace("\n", "\r\r\n"),
    "spaces at the ends of lines": PEM.replace("\n", "  \t\n"),
    "indented": PEM.replace("\n", "\n    "),
    "one line": PEM.replace("\n", " "),
    "no line ends": PEM.replace("\n", ""),
    r"\n as two characters": PEM.replace("\n", r"\n"),
    r"\r\n as four characters": PEM.replace("\n", r"\r\n"),
    "JSON text": json.dumps(PEM),
    "JSON text in JSON": json.dumps(json.dumps(PEM)),
    "JSON object": json.dumps({"certificate": PEM}),
    "JSON of PHP": json.dumps(PEM).replace("/", r"\/"),
    "JSON of .NET": json.dumps(PEM).replace("+", r"\u002B"),
    "single quotes": f"'{PEM}'",
    "for a URL": PEM.replace(" ", "%20").replace("+", "%2B").replace("\n", "%0A"),
    "for a URL, line ends alone": PEM.replace("\n", "%0A"),
    "of a form": PEM.replace("+", "%2B").replace("\n", "%0D%0A").replace(" ", "+"),
    "PowerShell": PEM.replace("\n", "`r`n"),
    "parameters before it": f"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{PEM}",
    "comments around": f"subject=CN = x\n# Wurzel: Schlüssel\n{PEM}# end",
    "bag attributes": f"Bag Attributes\n    localKeyID: 54 69\n    friendlyName: x\nsubject=CN = x\n\nissuer=CN = x\n\n{PEM}",
    "old label": PEM.replace(" CERTIFICATE", " X509 CERTIFICATE"),
    "headers": PEM.replace("CERTIFICATE-----\n", "CERTIFICATE-----\nComment: x\n\n", 1),
    "padding lost": PEM.replace("=", ""),
    "bare base64": BARE,
    "bare base64 in lines": PEM.split("-----")[2],
    "bare base64 in quotes": f'"{BARE}"\n',
    r"bare base64 with \n": BARE[:64] + r"\n" + BARE[64:],
    "base64 of PEM": base64.b64encode(PEM.encode()).decode(),
    "base64 of base64": base64.b64encode(BARE.encode()).decode(),
    "data URL": f"data:application/pkix-cert;base64,{BARE}",
    "hex": DER.hex(),
    "hex with colons": DER.hex(":").upper(),
}

OCTETS: dict[str, bytes] = {
    "DER": DER,
    "DER with a line end": DER + b"\r\n",
    "DER with padding": DER + bytes(5),
    "UTF-8 BOM": b"\xef\xbb\xbf" + PEM.encode(),
    "UTF-16": PEM.encode("utf-16"),
    "UTF-16 BE": b"\xfe\xff" + PEM.encode("utf-16-be"),
    "UTF-16 LE without BOM": PEM.encode("utf-16-le"),
    "UTF-16 BE without BOM": PEM.encode("utf-16-be"),
    "UTF-32": PEM.encode("utf-32"),
    "Latin-1 comment": f"# Größe\n{PEM}".encode("latin-1"),
    "Windows-1252 comment": f"• “Root” €\n{PEM}".encode("cp1252"),
    "UTF-16 of base64": BARE.encode("utf-16"),
    "UTF-16 with an odd octet at its end": PEM.encode("utf-16") + b"\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_is_read(text: str) -> None:
    """As text, as a file in UTF-8, and as base64 of that file."""
    assert load_certificate(text, what="the file").der == DER
    assert load_certificate(text.encode(), what="the file").der == DER
    assert load_certificate(base64.b64encode(text.encode()), what="the file").der == DER


@pytest.mark.parametrize("octets", OCTETS.values(), ids=OCTETS)
def test_a_file_is_read(octets: bytes) -> None:
    """As octets, and as base64 of them."""
    assert load_certificate(octets, what="the file").der == DER
    assert load_certificate(base64.b64encode(octets).decode(), what="the file").der == DER


def test_several_certificates_keep_their_order() -> None:
    """In PEM without a line end between blocks, in DER one after the other, and in PKCS#7 in any order."""
    ders = [one.der for one in CHAIN]
    for given_ in (pem_of(*CHAIN).replace("-----\n-----", "----------"), b"".join(ders), json.dumps(pem_of(*CHAIN))):
        assert [one.der for one in load_certificates(given_, what="the file")] == ders


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_pkcs7_is_read(tmp_path: Path, form: str) -> None:
    """What Windows exports as .p7b, also where somebody called it a CERTIFICATE, as `certutil -encode` does."""
    (tmp_path / "ca.pem").write_text(pem_of(*CHAIN))
    openssl(tmp_path, "crl2pkcs7", "-nocrl", "-certfile", "ca.pem", "-outform", form, "-out", "ca.p7b")
    octets = (tmp_path / "ca.p7b").read_bytes()
    assert {one.der for one in load_certificates(octets, what="the file")} == {one.der for one in CHAIN}
    if form == "PEM":
        assert len(load_certificates(octets.replace(b"PKCS7", b"CERTIFICATE"), what="the file")) == len(CHAIN)


def test_ber_of_pkcs7_is_read(tmp_path: Path) -> None:
    """Indefinite lengths, as a stream has them, and what is cut off in the middle."""
    (tmp_path / "ca.pem").write_text(PEM + KEY_PEM)
    (tmp_path / "message").write_text("text")
    sign = ("-sign", "-signer", "ca.pem", "-in", "message", "-stream", "-nodetach")
    openssl(tmp_path, "cms", *sign, "-outform", "DER", "-out", "signed.p7m")
    ber = (tmp_path / "signed.p7m").read_bytes()
    assert ber[1] == 0x80, "of indefinite length"
    assert load_certificate(ber, what="the file").der == DER
    for end in range(2, len(ber) - 2, 7):
        with pytest.raises(UnreadableError, match=r"^the file: it is .*damaged"):
            load_certificates(ber[:end], what="the file")


def test_pkcs7_without_certificates_is_named(tmp_path: Path) -> None:
    """It may have nothing in it, or a message."""
    with pytest.raises(UnreadableError, match=r"it is PKCS#7 without certificates"):
        load_certificates(openssl_octets("crl2pkcs7", "-nocrl"), what="the file")
    (tmp_path / "message").write_text("text")
    openssl(tmp_path, "cms", "-data_create", "-in", "message", "-outform", "DER", "-out", "data.p7m")
    with pytest.raises(UnreadableError, match="it is PKCS#7, but no list of certificates"):
        load_certificates((tmp_path / "data.p7m").read_bytes(), what="the file")


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_trust_that_openssl_adds_is_cut_off(form: str) -> None:
    """A TRUSTED CERTIFICATE has a name and purposes of OpenSSL's after the certificate."""
    trusted = openssl_octets("x509", "-trustout", "-setalias", "x", "-addtrust", "serverAuth", "-outform", form, given=PEM.encode())
    assert load_certificate(trusted, what="the file").der == DER


def test_requests_are_read_in_every_form() -> None:
    """DER, base64, and with EC parameters before the block."""
    pem = openssl_octets("req", "-new", "-key", "/dev/stdin", "-subj", "/CN=press-001", given=KEY_PEM.encode())
    der = openssl_octets("req", "-outform", "DER", given=pem)
    parameters = openssl_octets("ecparam", "-name", "prime256v1")
    for form in (pem, der, base64.b64encode(der), parameters + pem, pem.decode().replace("\n", r"\n"), pem.decode().encode("utf-16")):
        assert load_request(form, what="the request").der == der


def test_a_key_beside_certificates_is_refused_in_every_form() -> None:
    """A chain is public; that it holds a key is an error, whatever the encoding."""
    both = PEM + KEY_PEM
    for form in (
        both,
        both.replace("\n", r"\n"),
        base64.b64encode(both.encode()),
        both.encode("utf-16"),
        base64.b64encode(KEY_PEM.encode()),
    ):
        with pytest.raises(PrivateKeyInsideError):
            load_certificates(form, what="the chain")
    assert load_private_key(both, what="the key").public_key() == KEY.public_key()


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not beside the project")
@pytest.mark.parametrize("case", ["A07-der.cer", "A14-backslash-n-from-env.pem", "A16-newline-in-cn.pem"])
def test_the_shared_cases_are_read(case: str) -> None:
    """Their names are shown on one line."""
    found = load_certificates((CASES / case).read_bytes(), what="the file")
    assert all("\n" not in repr(one) for one in found)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A file as people have it, with something cut, doubled, inserted or in another case."""
    octets = draw(
        st.sampled_from([*OCTETS.values(), *(text.encode() for text in TEXTS.values()), KEY_PEM.encode(), (PEM + KEY_PEM).encode()])
    )
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(octets))] * 2)))
        middle = octets[start:end]
        change = draw(st.sampled_from(["cut", "double", "insert", "case", "reverse", "keep"]))
        inserted = draw(
            st.sampled_from([b"\n", b"\\n", b"-", b"\x00", b"\xff", b"=", b":", b"-----BEGIN X-----", b"-----END CERTIFICATE-----", b" "])
        )
        middle = {
            "cut": b"",
            "double": middle * 2,
            "insert": inserted + middle,
            "case": middle.swapcase(),
            "reverse": middle[::-1],
            "keep": middle,
        }[change]
        octets = octets[:start] + middle + octets[end:] if change != "keep" else middle
    return octets


@given(octets=st.one_of(mutated(), st.binary(max_size=200)), passphrase=st.sampled_from([None, "", "pw", "pä"]))
def test_a_damaged_file_is_read_or_refused(octets: bytes, passphrase: str | None) -> None:
    """As a chain, a key and a request, as octets and as text: nothing but a PkiError, on one line."""
    for given_ in (octets, octets.decode("latin-1")):
        for load in (
            lambda one: load_certificates(one, what="the file"),
            lambda one: load_private_key(one, what="the file", passphrase=passphrase),
            lambda one: load_request(one, what="the file"),
        ):
            with contextlib.suppress(PkiError):
                load(given_)
