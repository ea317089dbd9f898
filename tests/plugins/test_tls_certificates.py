"""Keys and certificates of the tls stand-in, verified with openssl and cryptography."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from sandbox.plugins.property_values import Secret, plain
from tests.plugins.chains import ALGORITHMS, CA, KEY, key, parsed, request, root, signed

if TYPE_CHECKING:
    from pathlib import Path


def openssl(folder: Path, *arguments: str, **files: str) -> str:
    for name, text in files.items():
        (folder / f"{name}.pem").write_text(text)
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.stranger
@pytest.mark.parametrize(("ca", "leaf"), list(zip(ALGORITHMS, ALGORITHMS[1:] + ALGORITHMS[:1], strict=True)), ids=str)
def test_openssl_verifies_the_chains(tls: Any, tmp_path: Path, ca: dict[str, Any], leaf: dict[str, Any]) -> None:
    """A root, an intermediate and a leaf with any algorithms form a chain that openssl accepts for a TLS client."""
    root_key, middle_key, leaf_key = key(tls, **ca), key(tls, **ca), key(tls, **leaf)
    root_pem = root(tls, root_key)["certPem"]
    middle = signed(tls, root_key, root_pem, request(tls, middle_key, subject={"commonName": "Middle"}), **{**CA, "subject": None})
    last = signed(tls, middle_key, middle, request(tls, leaf_key))
    arguments = ("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", "root.pem", "-untrusted", "middle.pem", "leaf.pem")
    assert openssl(tmp_path, *arguments, root=root_pem, middle=middle, leaf=last) == "leaf.pem: OK\n"


@pytest.mark.stranger
@pytest.mark.parametrize("inputs", ALGORITHMS, ids=str)
def test_openssl_reads_the_keys(tls: Any, tmp_path: Path, inputs: dict[str, Any]) -> None:
    """Both PEM forms of a key hold the same key, whose public key is the one shown; P-224 has no SSH format."""
    _, outputs = tls.create(KEY, "k", inputs)
    shown = plain(outputs)
    assert {name for name, value in outputs.items() if isinstance(value, Secret)} >= {
        "privateKeyPem",
        "privateKeyOpenssh",
        "privateKeyPemPkcs8",
    }
    for form in ("privateKeyPem", "privateKeyPemPkcs8"):
        assert openssl(tmp_path, "pkey", "-in", "key.pem", "-pubout", key=shown[form]) == shown["publicKeyPem"]
    p224 = inputs.get("ecdsaCurve") == "P224"
    assert (shown["privateKeyOpenssh"] == "", shown["publicKeyOpenssh"] == "", shown["publicKeyFingerprintMd5"] == "") == (p224, p224, p224)


@pytest.mark.parametrize("form", ["privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"])
@pytest.mark.parametrize("inputs", ALGORITHMS[:1] + ALGORITHMS[2:], ids=str)
def test_get_public_key_agrees_with_the_resource(tls: Any, form: str, inputs: dict[str, Any]) -> None:
    """For each format of a key, the function returns the same attributes as the resource."""
    _, outputs = tls.create(KEY, "k", inputs)
    argument = "privateKeyOpenssh" if form == "privateKeyOpenssh" else "privateKeyPem"
    result = tls.invoke("tls:index/getPublicKey:getPublicKey", {argument: outputs[form].value})
    public = {name: value for name, value in outputs.items() if name.startswith("publicKey") or name in ("id", "algorithm")}
    assert result == {**public, argument: outputs[form].value}


def test_a_path_length_of_zero_is_lost(tls: Any) -> None:
    """A maxPathLength of 0 yields a CA without a limit, -1 too; any other value is written: the real provider's quirk."""
    pem = key(tls)

    def length(value: int | None) -> int | None:
        certificate = parsed(root(tls, pem, maxPathLength=value)["certPem"])
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length

    assert [length(value) for value in (None, -1, 0, 1, 7)] == [None, None, None, 1, 7]


def test_a_certificate_may_outlive_its_issuer(tls: Any) -> None:
    """A leaf may be valid for longer than its CA."""
    ca_key = key(tls)
    ca = root(tls, ca_key, validityPeriodHours=1)["certPem"]
    leaf = signed(tls, ca_key, ca, request(tls, key(tls)), validityPeriodHours=1000)
    assert parsed(leaf).not_valid_after_utc > parsed(ca).not_valid_after_utc


def test_a_subject_is_written_in_gos_order(tls: Any) -> None:
    """Whatever the order of the inputs; text that does not fit a PrintableString is UTF-8; e-mail comes last and is dropped on signing."""
    subject = {
        "emailAddress": "a@example.org",
        "serialNumber": "7",
        "commonName": "Gerät*1",
        "postalCode": "1010",
        "streetAddresses": ["Ring 1", "Stiege 2"],
        "province": "W",
        "locality": "Wien",
        "organizationalUnit": "IoT",
        "organization": "Firma & Co",
        "country": "AT",
    }
    csr = request(tls, key(tls), subject=subject)
    names = [attribute.oid._name for attribute in x509.load_pem_x509_csr(csr.encode()).subject]
    expected = [
        "countryName",
        "organizationName",
        "organizationalUnitName",
        "localityName",
        "stateOrProvinceName",
        "streetAddress",
        "streetAddress",
        "postalCode",
        "commonName",
        "serialNumber",
    ]
    assert names == [*expected, "emailAddress"]
    ca_key = key(tls)
    leaf = parsed(signed(tls, ca_key, root(tls, ca_key)["certPem"], csr))
    assert [attribute.oid._name for attribute in leaf.subject] == expected
    assert [len(rdn) for rdn in leaf.subject.rdns] == [1, 1, 1, 1, 1, 2, 1, 1, 1]
    utf8 = {attribute.oid for attribute in leaf.subject if attribute._type.name == "UTF8String"}
    assert utf8 == {NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME}


def test_alternative_names_reach_the_certificate(tls: Any) -> None:
    """DNS names, addresses (a v4-mapped one as IPv4) and URIs of a request are in its certificate; critical if the subject is empty."""
    names = {"dnsNames": ["a.example"], "ipAddresses": ["::ffff:10.0.0.1", "fe80::1"], "uris": ["urn:a:b"]}
    ca_key = key(tls)
    csr = request(tls, key(tls), subject=None, **names)
    extension = parsed(signed(tls, ca_key, root(tls, ca_key)["certPem"], csr)).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert ([str(name.value) for name in extension.value], extension.critical) == (["a.example", "10.0.0.1", "fe80::1", "urn:a:b"], True)


def test_key_identifiers_are_set_on_request(tls: Any) -> None:
    """A CA always has a subject key id, a leaf on request. Certificates name the key id of a CA that has one; a root on request."""
    pem = key(tls)

    def ids(certificate: str) -> set[str]:
        return {type(e.value).__name__ for e in parsed(certificate).extensions if "KeyIdentifier" in type(e.value).__name__}

    ca = root(tls, pem)["certPem"]
    csr = request(tls, key(tls))
    both = {"SubjectKeyIdentifier", "AuthorityKeyIdentifier"}
    assert ids(ca) == {"SubjectKeyIdentifier"}
    assert ids(root(tls, pem, setAuthorityKeyId=True)["certPem"]) == both
    assert ids(root(tls, pem, isCaCertificate=False)["certPem"]) == set()
    assert ids(signed(tls, pem, ca, csr)) == {"AuthorityKeyIdentifier"}
    assert ids(signed(tls, pem, ca, csr, setSubjectKeyId=True)) == both


@pytest.mark.stranger
def test_every_use_is_written(tls: Any, tmp_path: Path) -> None:
    """Key usages are bits, even encipher_only alone; extended key usages keep the order given."""
    uses = ["decipher_only", "server_auth", "encipher_only", "any_extended", "cert_signing"]
    pem = root(tls, key(tls), allowedUses=uses)["certPem"]
    shown = openssl(tmp_path, "x509", "-in", "root.pem", "-noout", "-ext", "keyUsage,extendedKeyUsage", root=pem).splitlines()
    assert [line.strip() for line in shown] == [
        "X509v3 Key Usage: critical",
        "Certificate Sign, Encipher Only, Decipher Only",
        "X509v3 Extended Key Usage:",
        "TLS Web Server Authentication, Any Extended Key Usage",
    ]
