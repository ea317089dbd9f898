"""Formats of keys and certificates that are known and not read here: what each is, and the command that converts it."""

import re
from typing import NamedTuple

from hubtrust.pki.errors import UnreadableError


class _Format(NamedTuple):
    mark: re.Pattern[bytes]
    name: str
    remedy: str


_KEYTOOL = "convert it: keytool -importkeystore -srckeystore FILE -destkeystore ca.p12 -deststoretype PKCS12"
_SSH = "convert it: ssh-keygen -p -m PKCS8 -f FILE, which changes the file itself, so keep a copy"
_PUTTY = "convert it: puttygen FILE -O private-openssh -o ca.key"
_PUBLIC = "give the certificate or the private key that is meant"
_PGP = "it can't be converted into X.509; give a certificate or a key in PEM, DER, PKCS#7 or PKCS#12"
_EXPORT = "export the certificates from it as PKCS#7 (certmgr.msc)"
_UNPACK = "unpack it, and give the file inside"
_DOWNLOAD = "open the address in a browser, log in, and save the file itself"
_BY_OCTETS = tuple(
    _Format(re.compile(mark, re.IGNORECASE | re.DOTALL), name, remedy)
    for mark, name, remedy in (
        (rb"\xfe\xed\xfe\xed", "a Java keystore (JKS)", _KEYTOOL),
        (rb"\xce\xce\xce\xce", "a Java keystore (JCEKS)", f"{_KEYTOOL} -srcstoretype JCEKS"),
        (
            rb"\x00\x00\x00[\x00-\x02]\x00\x00\x00[\x08-\x40]",
            "a BouncyCastle keystore (BKS)",
            f"{_KEYTOOL} -srcstoretype BKS -providerclass org.bouncycastle.jce.provider.BouncyCastleProvider -providerpath bcprov.jar",
        ),
        (rb"\x00\x00\x00\x00CERT", "a Microsoft certificate store (.sst)", _EXPORT),
        (rb"\x1e\xf1\xb5\xb0", "a Microsoft private key (.pvk)", "convert it: openssl rsa -inform PVK -in FILE -out ca.key"),
        (
            rb"[\x06\x07]\x02\x00\x00\x00[\x24\xa4]\x00\x00RSA[12]",
            "a Microsoft key blob",
            "convert it: openssl rsa -inform MSBLOB -in FILE -out ca.key",
        ),
        (rb"SQLite format 3\x00", "a database, perhaps of NSS", "export from it: pk12util -o ca.p12 -n NAME -d FOLDER"),
        (rb"Salted__", "encrypted with openssl enc", "decrypt it: openssl enc -d, with the options that it was encrypted with"),
        (rb"PuTTY-User-Key-File-", "a PuTTY key", _PUTTY),
        (rb"---- BEGIN SSH2 ", "a key in SSH2 format", _SSH),
        (rb"(ssh-(rsa|dss|ed25519)|ecdsa-sha2-\S+|sk-\S+@openssh\.com) AAAA", "an OpenSSH public key", _PUBLIC),
        (rb"[\x94\x95\x98\x99\xc5\xc6\xd8]..?.?[\x03-\x06]....", "a binary PGP key", _PGP),
        (rb"PK\x03\x04", "a ZIP archive", _UNPACK),
        (rb"\x1f\x8b", "a gzip archive", _UNPACK),
        (rb"\s*(<!doctype html|<html)", "an HTML page, perhaps a login page", _DOWNLOAD),
        (rb"\s*<(\?xml|[a-z])", "XML", "give only the certificate or the key that is in it"),
        (rb"version https://git-lfs\.github\.com/spec/", "a pointer of Git LFS, not the file itself", "run git lfs pull"),
        (rb"\$ANSIBLE_VAULT;", "encrypted with Ansible Vault", "decrypt it: ansible-vault decrypt FILE"),
        (rb"age-encryption\.org/", "encrypted with age", "decrypt it: age --decrypt FILE"),
        (rb'\s*\{.*"kty"\s*:', "a JSON web key (JWK)", "convert it to PEM where it comes from, and give that"),
        (rb'\s*\{.*"kind"\s*:\s*"(secret|list)"', "a Kubernetes secret", "give only its value tls.crt or tls.key, base64 or decoded"),
        (rb"(?m:.*^kind: *secret\b)", "a Kubernetes secret", "give only its value tls.crt or tls.key, base64 or decoded"),
        (rb'\s*[{\[]\s*["{\[]', "JSON", "give only the value that has the certificate or the key (az: --query value --output tsv)"),
    )
)
_BY_LABEL = {  # of a PEM block; the beginning of it is enough
    "OPENSSH PRIVATE KEY": ("an OpenSSH private key", _SSH),
    "SSH2 ": ("a key in SSH2 format", _SSH),
    "PGP ": ("a PGP key or message", _PGP),
    "AGE ENCRYPTED FILE": ("encrypted with age", "decrypt it: age --decrypt FILE"),
    "TSS2 PRIVATE KEY": ("a key that only its TPM can use", "use custody pkcs11, with a module for TPMs"),
}


def label_error(label: str, *, what: str) -> UnreadableError | None:
    """The error for a PEM block with this label; None if it is not of another format."""
    for mark, (name, remedy) in _BY_LABEL.items():
        if label.startswith(mark):
            return UnreadableError(what, f"it is {name}", remedy)
    return None


def octets_error(octets: bytes, *, what: str) -> UnreadableError | None:
    """The error for a file that is of another format; None if it is of none that is known."""
    found = next((each for each in _BY_OCTETS if each.mark.match(octets)), None)
    return UnreadableError(what, f"it is {found.name}", found.remedy) if found else None
