"""The CA's chain and key in the settings: every encoding, in files and inline, becomes the same PEM; what is wrong is told by its key."""

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hubtrust import Import, Request
from hubtrust.pki import encodings
from hubtrust.pki.certificate import load_certificates
from hubtrust.pki.keys import load_private_key
from settings import SettingsError
from tests.components.test_settings import CA, load
from tests.kit.openssl_keys import openssl, openssl_octets
from tests.kit.root_authority import RootAuthority

PASSPHRASE = "correct horse"
SECRETS = ("caKey", "caKeyPassphrase")
CHAINS: dict[str, Callable[[bytes], bytes]] = {
    "PEM": lambda pem: pem,
    "DER": lambda pem: openssl_octets("x509", "-outform", "DER", given=pem),
    "PKCS#7": lambda pem: openssl_octets("crl2pkcs7", "-nocrl", "-certfile", "/dev/stdin", "-outform", "DER", given=pem),
    "UTF-16": lambda pem: pem.decode().encode("utf-16"),
    "base64 of PEM": base64.b64encode,
    "JSON": lambda pem: json.dumps(pem.decode()).encode(),
}
KEYS: dict[str, tuple[str, ...]] = {
    "PKCS#8": ("pkey",),
    "SEC1": ("ec",),
    "DER": ("pkey", "-outform", "DER"),
    "encrypted": ("pkcs8", "-topk8", "-passout", f"pass:{PASSPHRASE}"),
    "encrypted DER": ("pkcs8", "-topk8", "-outform", "DER", "-passout", f"pass:{PASSPHRASE}"),
    "encrypted by OpenSSL": ("ec", "-aes256", "-passout", f"pass:{PASSPHRASE}"),
}


def imported(folder: Path, **keys: str) -> Import:
    source = load(secrets=SECRETS, folder=folder, **{"caSource": "import"} | keys).source()
    assert isinstance(source, Import)
    return source


def refused(folder: Path, **keys: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(secrets=SECRETS, folder=folder, **{"caSource": "import"} | keys)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def is_of_ca(source: Import) -> bool:
    key = load_private_key(source.private_key or "", what="the key", passphrase=source.passphrase)
    return source.chain == CA.pem and key.public_key() == CA.key.public_key()


@pytest.fixture
def pkcs12(tmp_path: Path) -> Path:
    """The CA as PKCS#12, with the passphrase."""
    (tmp_path / "both.pem").write_text(CA.pem + CA.private_pem)
    openssl(tmp_path, "pkcs12", "-export", "-in", "both.pem", "-out", "ca.p12", "-passout", f"pass:{PASSPHRASE}")
    return tmp_path


@pytest.mark.parametrize("form", CHAINS)
def test_a_chain_of_any_encoding_becomes_pem(form: str, tmp_path: Path) -> None:
    """As a file, and inline where it is text; the previous generation's too, and the answer to a request."""
    octets = CHAINS[form](CA.pem.encode())
    (tmp_path / "ca").write_bytes(octets)
    assert imported(tmp_path, caChainFile="ca").chain == CA.pem
    inline = octets.decode() if octets.isascii() else base64.b64encode(octets).decode()
    assert imported(tmp_path, caChain=inline).chain == CA.pem
    answer = load(folder=tmp_path, caSource="request", caChainFile="ca").source()
    assert isinstance(answer, Request)
    assert answer.answer == CA.pem
    before = load(
        folder=tmp_path, caSource="import", caChain=CA.pem, caPreviousChainFile="ca", caKeepPrevious="true", caGeneration="2"
    ).previous()
    assert isinstance(before, Import)
    assert before.chain == CA.pem


@pytest.mark.parametrize("form", KEYS)
def test_a_key_of_any_encoding_becomes_pem(form: str, tmp_path: Path) -> None:
    """As a file, and inline. It stays encrypted if it is."""
    octets = openssl_octets(*KEYS[form], given=CA.private_pem.encode())
    (tmp_path / "ca").write_bytes(octets)
    secret = {"caKeyPassphrase": PASSPHRASE} if "encrypted" in form else {}
    inline = octets.decode() if octets.isascii() else base64.b64encode(octets).decode()
    for given in ({"caKeyFile": "ca"}, {"caKey": inline}):
        source = imported(tmp_path, caChain=CA.pem, **given, **secret)
        assert is_of_ca(source)
        assert ("ENCRYPTED" in str(source.private_key)) == ("encrypted" in form)
        assert source.passphrase == secret.get("caKeyPassphrase")


def test_what_was_read_before_stays_as_it_is(tmp_path: Path) -> None:
    """The key's text is in the state: comments, parameters, a missing last line end make no difference, and CRLF in a file none either."""
    parameters = openssl_octets("ecparam", "-name", "prime256v1").decode()
    for text in (CA.private_pem, CA.private_pem.rstrip(), f"# ours\n{parameters}{CA.private_pem}"):
        (tmp_path / "ca.key").write_bytes(text.encode())
        assert imported(tmp_path, caChain=CA.pem, caKeyFile="ca.key").private_key == text
        assert imported(tmp_path, caChain=CA.pem, caKey=text).private_key == text
        (tmp_path / "ca.key").write_bytes(text.replace("\n", "\r\n").encode())
        assert imported(tmp_path, caChain=CA.pem, caKeyFile="ca.key").private_key == text


def test_one_file_may_have_both(pkcs12: Path) -> None:
    """PKCS#12, or PEM with the chain and the key: both settings name it."""
    for name, secret in (("ca.p12", {"caKeyPassphrase": PASSPHRASE}), ("both.pem", {})):
        source = imported(pkcs12, caChainFile=name, caKeyFile=name, **secret)
        assert is_of_ca(source)
        assert source.private_key == CA.private_pem
        assert source.passphrase is None or name == "both.pem"
    text = base64.b64encode((pkcs12 / "ca.p12").read_bytes()).decode()
    assert is_of_ca(imported(pkcs12, caChain=text, caKey=text, caKeyPassphrase=PASSPHRASE))
    assert is_of_ca(imported(pkcs12, caChainFile="ca.p12", caKey=text, caKeyPassphrase=PASSPHRASE))


def test_a_key_that_is_not_asked_for_is_left_out_or_refused(pkcs12: Path) -> None:
    """PKCS#12 has one by its nature, so that a line says it; in PEM it is a mistake."""
    stack = load(secrets=SECRETS, folder=pkcs12, caSource="import", caChainFile="ca.p12", caKeyPassphrase=PASSPHRASE)
    (line,) = stack.notices()
    assert line.startswith("caChainFile 'ca.p12': its private key is not used here; give the same file as the key too")
    source = stack.source()
    assert isinstance(source, Import)
    assert (source.chain, source.private_key) == (CA.pem, None)
    (line,) = refused(pkcs12, caChainFile="both.pem")
    assert line.startswith("hubtrust: caChainFile 'both.pem': it contains a private key; remove the key")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            {"caChainFile": "ca.p12"},
            "caChainFile 'ca.p12': this PKCS#12 file has a passphrase and none was given; give its passphrase as a s",
        ),
        ({"caChainFile": "ca.p12", "caKeyPassphrase": "wrong"}, "caChainFile 'ca.p12': the passphrase does not open this PKCS#12 file"),
        ({"caChainFile": "empty"}, "caChainFile 'empty': it is empty"),
        ({"caChainFile": "folder"}, "caChainFile 'folder': it can't be read: it is a folder"),
        ({"caChainFile": "large"}, "caChainFile 'large': it can't be read: it has 5,242,880 bytes, and at most 4,194,304 are read"),
        ({"caChainFile": "page.html"}, "caChainFile 'page.html': it is an HTML page, perhaps a login page"),
        ({"caChain": "certs/ca.pem"}, "caChain: it is the name of a file, not what is in it; give the content, or name the file in the"),
        ({"caChain": CA.pem, "caKeyFile": "ssh"}, "caKeyFile 'ssh': it is an OpenSSH private key; convert it: ssh-keygen -p -m PKCS8"),
        ({"caChain": CA.pem, "caKeyFile": "ca.pem"}, "caKeyFile 'ca.pem': it contains no private key, only a CERTIFICATE; give the file"),
        ({"caChain": CA.pem, "caKeyFile": "locked"}, "caKeyFile 'locked': the private key is encrypted and no passphrase was given"),
        ({"caChain": CA.pem, "caKeyFile": "locked", "caKeyPassphrase": "wrong"}, "caKeyFile 'locked': the passphrase does not decrypt"),
    ],
)
def test_what_can_not_be_read_is_told_by_its_key(keys: dict[str, str], told: str, pkcs12: Path) -> None:
    """With all other errors, a line each."""
    (pkcs12 / "empty").touch()
    (pkcs12 / "folder").mkdir()
    (pkcs12 / "large").write_bytes(b"#" * 5 * 2**20)
    (pkcs12 / "page.html").write_text("<!DOCTYPE html><title>Sign in</title>")
    (pkcs12 / "ca.pem").write_text(CA.pem)
    (pkcs12 / "locked").write_bytes(openssl_octets(*KEYS["encrypted"], given=CA.private_pem.encode()))
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", pkcs12 / "ssh"], check=True, stdin=subprocess.DEVNULL)
    found = refused(pkcs12, units="many", **keys)
    assert len(found) == 2
    assert found[1].startswith(f"hubtrust: {told}")


def test_a_chain_keeps_what_pkcs12_holds(pkcs12: Path) -> None:
    """All certificates, the CA's own first."""
    above = RootAuthority("Above")
    (pkcs12 / "above.pem").write_text(above.pem)
    arguments = ("-in", "both.pem", "-certfile", "above.pem", "-out", "two.p12", "-passout", "pass:")
    openssl(pkcs12, "pkcs12", "-export", *arguments)
    source = imported(pkcs12, caChainFile="two.p12", caKeyFile="two.p12")
    assert {one.der for one in load_certificates(source.chain, what="the chain")} == {CA.certificate.der, above.certificate.der}
    assert [block.label for block in encodings.read(source.private_key or "", what="the key").blocks] == ["PRIVATE KEY"]
