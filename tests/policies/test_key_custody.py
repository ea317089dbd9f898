"""Whose keys are in the state: by what resources declare, and by the public halves of the keys that they hold."""

import base64
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, pkcs12
from pulumi import AssetArchive, StringAsset
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies.rules.custody import custody_allowed, custody_at_the_end
from policies.rules.resource import NotKnownYetError, Resource
from tests.kit.authorities import ABSENT, Forged, ec_key, parsed, pem_of, private_pem, rsa_key

DYNAMIC = "pulumi-python:dynamic/hubtrust:"
TLS = {noun: f"tls:index/{noun[0].lower()}{noun[1:]}:{noun}" for noun in ("PrivateKey", "SelfSignedCert", "LocallySignedCert")}
VAULTS = {"allowed": ["key-vault", "pkcs11", "offline"]}
EVERYWHERE = {"allowed": ["state", *VAULTS["allowed"]]}
CA = Forged("Press CA", key=ec_key())
RSA_CA = Forged("Mill CA", key=rsa_key(2048))
DEVICE = Forged("press-001", issuer=CA, authority=False)


def found(type_: str, settings: dict[str, Any] = VAULTS, **props: Any) -> list[str]:
    return list(custody_allowed(Resource(type_, unknown_checking_proxy(props)), settings))


def at_the_end(*resources: Resource, settings: dict[str, Any] = VAULTS) -> list[tuple[str, str]]:
    return list(custody_at_the_end(resources, settings))


def in_a_store(authority: Forged, password: str | None = None) -> str:
    """PKCS #12 with the key and the certificate, in base64."""
    certificate = x509.load_pem_x509_certificate(pem_of(authority.certificate).encode())
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return base64.b64encode(pkcs12.serialize_key_and_certificates(b"ca", authority.key, certificate, None, encryption)).decode()


@pytest.mark.parametrize(
    "noun", ["VerifiedCertificate", "IssuedCertificate", "IssuedBatch", "AuthorityRequest", "PossessionProof", "NextYears"]
)
def test_every_resource_with_a_signer_is_judged(noun: str) -> None:
    """Also resources that hubtrust will get."""
    for type_ in (f"{DYNAMIC}{noun}", f"hubtrust:index:{noun}"):
        (message,) = found(type_, signer={"custody": "state", "privateKey": private_pem(CA.key)})
        assert "'state'" in message
        assert found(type_, signer={"custody": "key-vault"}) == []
        assert found(type_, EVERYWHERE, signer={"custody": "state"}) == []


IN_STATE: dict[str, tuple[str, dict[str, Any]]] = {
    "a root of pulumi-tls": (TLS["SelfSignedCert"], {"isCaCertificate": True, "privateKeyPem": private_pem(CA.key)}),
    "a root, in text": (TLS["SelfSignedCert"], {"isCaCertificate": "TRUE", "privateKeyPem": UNKNOWN_STRING_VALUE}),
    "a root, its key not known yet": (TLS["SelfSignedCert"], {"isCaCertificate": True, "privateKeyPem": UNKNOWN_STRING_VALUE}),
    "a device signed by pulumi-tls": (TLS["LocallySignedCert"], {"caPrivateKeyPem": UNKNOWN_STRING_VALUE, "isCaCertificate": False}),
    "a secret with key and certificate": ("azure-native:keyvault:Secret", {"value": private_pem(CA.key) + pem_of(CA.certificate)}),
    "an imported store": ("azure:keyvault/certificate:Certificate", {"certificate": {"contents": in_a_store(CA, "x1"), "password": "x1"}}),
    "an open store": ("azure:keyvault/certificate:Certificate", {"certificate": {"contents": in_a_store(RSA_CA)}}),
    "two keys, the second a CA's": ("any:index:Note", {"a": private_pem(DEVICE.key) + private_pem(CA.key), "b": pem_of(CA.certificate)}),
    "an archive": (
        "any:index:Files",
        {"files": AssetArchive({"key": StringAsset(private_pem(CA.key)), "ca": StringAsset(pem_of(CA.certificate))})},
    ),
}


@pytest.mark.parametrize("case", IN_STATE)
def test_a_cas_key_in_one_resource_is_found_before_the_step(case: str) -> None:
    """Where the resource shows that it is a CA's; where the state is allowed, nothing is reported."""
    type_, props = IN_STATE[case]
    (message,) = found(type_, **props)
    assert "so that key is in the state, but this environment only allows key-vault, pkcs11, offline: " in message
    assert "BEGIN" not in message
    assert found(type_, EVERYWHERE, **props) == []


@pytest.mark.parametrize(
    ("type_", "props"),
    [
        (TLS["SelfSignedCert"], {"privateKeyPem": private_pem(CA.key)}),
        (TLS["SelfSignedCert"], {"isCaCertificate": "false", "privateKeyPem": private_pem(CA.key)}),
        (TLS["LocallySignedCert"], {"isCaCertificate": False, "certRequestPem": UNKNOWN_STRING_VALUE}),
        (TLS["PrivateKey"], {"algorithm": "ECDSA"}),
        ("any:index:Note", {"key": private_pem(DEVICE.key), "chain": pem_of(DEVICE.certificate, CA.certificate)}),
        ("any:index:Note", {"contents": in_a_store(CA, "another"), "password": "one"}),
    ],
)
def test_other_keys_may_be_in_the_state(type_: str, props: dict[str, Any]) -> None:
    """Of devices and servers; and what nobody can open."""
    assert found(type_, **props) == []


def forms(key: Any) -> dict[str, Any]:
    """A key as resources hold it."""
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return {
        "pem": private_pem(key),
        "json": json.dumps({"key": private_pem(key)}),
        "lines": private_pem(key).splitlines(),
        "base64": base64.b64encode(der).decode(),
        "base64 of PEM": base64.b64encode(private_pem(key).encode()).decode(),
        "hex": der.hex(":"),
        "OpenSSH": key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode(),
    }


def jwk_of(key: Any) -> dict[str, str]:
    numbers = key.private_numbers()
    values = {"x": numbers.public_numbers.x, "y": numbers.public_numbers.y, "d": numbers.private_value}
    octets = {name: base64.urlsafe_b64encode(value.to_bytes(32, "big")).decode().rstrip("=") for name, value in values.items()}
    return {"kty": "EC", "crv": "P-256", **octets}


@pytest.mark.parametrize("authority", [CA, RSA_CA], ids=["EC", "RSA"])
def test_a_key_and_its_ca_in_two_resources_are_found_at_the_end(authority: Forged) -> None:
    """In any form of the key; it is the key's resource that is named, and nothing where the state is allowed."""
    trusted = Resource(f"{DYNAMIC}VerifiedCertificate", {"certificate": pem_of(authority.certificate), "signer": {"custody": "offline"}})
    every = forms(authority.key) | ({"JWK": jwk_of(authority.key)} if authority is CA else {})
    for form, value in every.items():
        made = Resource(TLS["PrivateKey"], {"privateKeyPem": value}, urn="urn:key")
        ((message, urn),) = at_the_end(trusted, made)
        assert urn == "urn:key", form
        assert f"is the key of the CA '{'CN=' + str(authority.subject)}'" in message, form
        assert at_the_end(trusted, made, settings=EVERYWHERE) == []
    other = Resource(TLS["PrivateKey"], {"privateKeyPem": private_pem(ec_key())}, urn="urn:other")
    assert at_the_end(trusted, other) == []


def test_a_key_that_a_preview_does_not_know_postpones_the_rule() -> None:
    """What is known is reported first."""
    made = Resource(TLS["PrivateKey"], unknown_checking_proxy({"privateKeyPem": UNKNOWN_STRING_VALUE}))
    known = Resource("any:index:Note", {"a": private_pem(CA.key), "b": pem_of(CA.certificate)}, urn="urn:note")
    reported = custody_at_the_end([made, known], VAULTS)
    assert next(reported)[1] == "urn:note"
    with pytest.raises(NotKnownYetError):
        next(reported)


@pytest.mark.parametrize("noun", ["VerifiedCertificate", "Stash"])
@pytest.mark.parametrize("custody", ["key-vault", "offline"])
def test_a_signers_word_does_not_hide_a_key(noun: str, custody: str) -> None:
    """A custody other than the state says that no key is here; one that is here all the same is found, before the step and at its end."""
    beside = {"certificate": pem_of(CA.certificate), "signer": {"custody": custody}, "privateKey": private_pem(CA.key)}
    inside = {"certificate": pem_of(CA.certificate), "signer": {"custody": custody, "privateKey": private_pem(CA.key)}}
    for props in (beside, inside):
        (message,) = found(f"{DYNAMIC}{noun}", **props)
        assert "privateKey is the key of the CA 'CN=Press CA'" in message
    apart = Resource(f"{DYNAMIC}{noun}", {"signer": inside["signer"]}, urn="urn:key")
    trusted = Resource(f"{DYNAMIC}VerifiedCertificate", {"certificate": pem_of(CA.certificate), "signer": {"custody": "offline"}})
    assert [urn for _, urn in at_the_end(apart, trusted)] == ["urn:key"]


OLD_CA = Forged("Old CA", authority=ABSENT, usage=ABSENT, ski=ABSENT)
DER = parsed(CA.certificate).public_bytes(Encoding.DER)
WRITTEN = {
    "PEM": pem_of(CA.certificate),
    "a line before base64 of PEM": "\n" + base64.b64encode(pem_of(CA.certificate).encode()).decode(),
    "base64 of a line before PEM": base64.b64encode(b"\n" + pem_of(CA.certificate).encode()).decode(),
    "base64 of words before PEM": base64.b64encode(b"# my CA\n" + pem_of(CA.certificate).encode()).decode(),
    "base64 of DER in indented lines": "  " + "\n  ".join(base64.encodebytes(DER).decode().split()),
    "beside a damaged one": pem_of(CA.certificate) + "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
}


@pytest.mark.parametrize("way", WRITTEN)
def test_a_certificate_is_seen_however_a_hub_takes_it(way: str) -> None:
    """Also in JSON that a provider sends; what a hub trusts is a CA, whatever the certificate says of itself."""
    made = Resource(TLS["PrivateKey"], {"privateKeyPem": private_pem(CA.key)}, urn="urn:key")
    kind = "Microsoft.Devices/IotHubs/certificates@2023-06-30"
    for trusted in (
        Resource(f"{DYNAMIC}VerifiedCertificate", {"certificate": WRITTEN[way]}),
        Resource("azapi:index/resource:Resource", {"type": kind, "body": json.dumps({"properties": {"certificate": WRITTEN[way]}})}),
    ):
        assert [urn for _, urn in at_the_end(trusted, made)] == ["urn:key"]
    old = Resource(f"{DYNAMIC}VerifiedCertificate", {"certificate": pem_of(OLD_CA.certificate)})
    key = Resource(TLS["PrivateKey"], {"privateKeyPem": private_pem(OLD_CA.key)}, urn="urn:old")
    assert [urn for _, urn in at_the_end(old, key)] == ["urn:old"]


CLOSED_FORMS: dict[str, Any] = {
    "XML": "<RSAKeyValue><Modulus>1w==</Modulus><Exponent>AQAB</Exponent><D>kZ==</D></RSAKeyValue>",
    "JWK": "key:\n" + "".join(f"  {member}: {value}\n" for member, value in jwk_of(CA.key).items()),
    "PuTTY": "PuTTY-User-Key-File-3: ecdsa-sha2-nistp256\nEncryption: none\n",
    "Microsoft PVK": base64.b64encode(bytes.fromhex("1ef1b5b0 00000000 02000000 00000000 00000000 54020000") + bytes(100)).decode(),
    "Windows CNG": base64.b64encode(b"RSA2" + bytes.fromhex("00080000 03000000 00010000 80000000 80000000") + bytes(400)).decode(),
    "Java key store": base64.b64encode(
        bytes.fromhex("feedfeed 00000002 00000001") + bytes(20) + bytes.fromhex("060a2b060104012a02110101") + bytes(90)
    ).decode(),
    "PKCS #1": base64.b64encode(
        RSA_CA.key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())[
            :-100
        ]  # Chinese remainders can be computed
    ).decode(),
}


@pytest.mark.parametrize("form", CLOSED_FORMS)
def test_a_key_that_can_not_be_compared_is_refused(form: str) -> None:
    """Before the step and at the end, also beside a key that can be; nothing where the state is allowed."""
    props = {"a": private_pem(DEVICE.key), "b": CLOSED_FORMS[form]}
    (message,) = found("any:index:Note", **props)
    assert f"the private key in b ({form}) can't be read" in message
    assert ": store it as PKCS #8, or keep it out of the state" in message
    note = Resource("any:index:Note", props, urn="urn:note")
    assert at_the_end(note) == [(message, "urn:note")], "the same words, which are said once"
    assert found("any:index:Note", EVERYWHERE, **props) == []


def test_keys_that_are_no_cas_can_be_compared_in_every_form() -> None:
    """None of the forms, pieces and encodings of a device's key is taken for a key that can't be read; nor is a symmetric one."""
    for key in (DEVICE.key, rsa_key(2048)):
        for form, value in forms(key).items():
            for props in ({"key": value}, {"key": {"deep": [value]}}, {"key": f"kv/{value}"} if form.startswith("base64") else {}):
                assert found("any:index:Note", **props, ca=pem_of(CA.certificate)) == [], form
    sealed = private_pem(DEVICE.key, "a passphrase")
    for value in (
        sealed,
        sealed.splitlines(),
        base64.b64encode(sealed.encode()).decode(),
        jwk_of(DEVICE.key),
        json.dumps(jwk_of(DEVICE.key)),
    ):
        assert found("any:index:Note", key=value) == []
    assert found("any:index:Note", key={"kty": "oct", "k": "A" * 43}, text="kty: oct\nk: " + "A" * 43) == []


@pytest.mark.parametrize(
    "password",
    [
        Resource("random:index/randomPassword:RandomPassword", {"length": 20, "result": "of the key"}),
        Resource("any:index:Note", {"passphrase": {"value": "of the key"}}),
        Resource("azure-native:keyvault:Secret", {"properties": {"value": "of the key"}}),
    ],
    ids=["made", "named", "a secret"],
)
def test_a_password_in_another_resource_opens_a_key(password: Resource) -> None:
    """Who has the state has both."""
    trusted = Resource(f"{DYNAMIC}VerifiedCertificate", {"certificate": pem_of(CA.certificate)})
    for value in (private_pem(CA.key, "of the key"), in_a_store(CA, "of the key")):
        sealed = Resource("any:index:Note", {"value": value}, urn="urn:key")
        ((message, urn),) = at_the_end(sealed, trusted, password)
        assert urn == "urn:key"
        assert "value is the key of the CA 'CN=Press CA'" in message
        assert at_the_end(sealed, trusted) == []


def test_a_public_part_that_lies_hides_no_key() -> None:
    """The private part decides; where both don't fit together, nothing can be compared."""
    lying = jwk_of(CA.key) | {name: jwk_of(DEVICE.key)[name] for name in ("x", "y")}
    (message,) = found("any:index:Note", key=lying, ca=pem_of(CA.certificate))
    assert "is the key of the CA 'CN=Press CA'" in message
    whole = RSA_CA.key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    modulus = RSA_CA.key.private_numbers().public_numbers.n.to_bytes(256, "big")
    (message,) = found("any:index:Note", key=base64.b64encode(whole.replace(modulus, bytes([*modulus[:-1], modulus[-1] ^ 2]))).decode())
    assert "can't be read" in message
