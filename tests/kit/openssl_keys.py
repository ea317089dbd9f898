"""CAs whose keys `cryptography` reads and does not write, or does not know, made by the `openssl` command when tests run."""

import subprocess
from pathlib import Path

_EC = ["-algorithm", "EC", "-pkeyopt"]
_KINDS = {
    "pss": ["-algorithm", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
    "explicit": [*_EC, "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"],
    "brainpool": [*_EC, "ec_paramgen_curve:brainpoolP256r1"],
    "secp192": [*_EC, "ec_paramgen_curve:prime192v1"],
    "secp256k1": [*_EC, "ec_paramgen_curve:secp256k1"],
    "binary curve": [*_EC, "ec_paramgen_curve:sect233k1"],
    "sm2": ["-algorithm", "SM2"],
    "ed25519": ["-algorithm", "ED25519"],
    "ed448": ["-algorithm", "ED448"],
    "dsa": ["-paramfile", "dsa.parameters"],
}
# Keys of the first kinds sign certificates; those of the others are for key agreement, and sign nothing.
SIGNING_KINDS = tuple(_KINDS)
AGREEMENT_KINDS = ("x25519", "x448")


def openssl(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def openssl_octets(*arguments: str, given: bytes = b"") -> bytes:
    """What the command writes for what it is given, without a file in between."""
    done = subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def key_by_openssl(folder: Path, kind: str) -> bytes:
    """Create `ca.key` of this kind in the folder; returns its public half (SubjectPublicKeyInfo) in DER."""
    if kind == "dsa":
        openssl(folder, "genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:2048", "-out", "dsa.parameters")
    openssl(folder, "genpkey", *_KINDS.get(kind, ["-algorithm", kind.upper()]), "-out", "ca.key")
    openssl(folder, "pkey", "-in", "ca.key", "-pubout", "-out", "ca.pub")
    openssl(folder, "pkey", "-in", "ca.key", "-pubout", "-outform", "DER", "-out", "ca.pub.der")
    return (folder / "ca.pub.der").read_bytes()


def made_by_openssl(folder: Path, kind: str) -> tuple[str, str, str]:
    """Certificate, key and request (for press-001) of a root with such a key, one of `SIGNING_KINDS` (valid from today)."""
    key_by_openssl(folder, kind)
    root = ["-key", "ca.key", "-subj", "/CN=Odd Root", "-addext", "keyUsage=critical,keyCertSign", "-days", "9"]
    openssl(folder, "req", "-x509", *root, "-out", "ca.pem")
    openssl(folder, "req", "-new", "-key", "ca.key", "-subj", "/CN=press-001", "-out", "device.csr")
    return ((folder / "ca.pem").read_text(), (folder / "ca.key").read_text(), (folder / "device.csr").read_text())
