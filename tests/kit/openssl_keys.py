"""CAs whose keys `cryptography` reads and does not write, made by the `openssl` command when tests run."""

import subprocess
from pathlib import Path


def openssl(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def made_by_openssl(folder: Path, kind: str) -> tuple[str, str, str]:
    """Certificate, key and request of a root whose key is for RSASSA-PSS alone, or has explicit EC parameters (valid from today)."""
    options = {
        "pss": ["-algorithm", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
        "explicit": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"],
    }
    openssl(folder, "genpkey", *options[kind], "-out", "ca.key")
    openssl(
        folder,
        "req",
        "-x509",
        "-key",
        "ca.key",
        "-subj",
        "/CN=Odd Root",
        "-addext",
        "keyUsage=critical,keyCertSign",
        "-days",
        "9",
        "-out",
        "ca.pem",
    )
    openssl(folder, "req", "-new", "-key", "ca.key", "-subj", "/CN=press-001", "-out", "device.csr")
    openssl(folder, "pkey", "-in", "ca.key", "-pubout", "-out", "ca.pub")
    return ((folder / "ca.pem").read_text(), (folder / "ca.key").read_text(), (folder / "device.csr").read_text())
