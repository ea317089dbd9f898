"""What `check` refuses before anything is created: one line with the property, the fact and the remedy."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from hubtrust.pki import issue
from tests.kit.authorities import ABSENT, Forged, ec_key, pem_of, private_pem, rsa_key
from tests.kit.provider_process import Provider, ProviderProcess
from tests.kit.root_authority import RootAuthority

HUB = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"
PRIVATE_KEY_IS_NO_PROPERTY = (
    "privateKey: there is no such property; use adopt, attest, certificate, certificateName, cloud, deadline, generation, name, "
    "proofCertificate, reprove, serviceId, signer"
)
PLANT, NOW = RootAuthority(), datetime.now(UTC)
DATES = {"start": NOW - timedelta(days=2), "end": NOW + timedelta(days=30)}


def forged(**changes: Any) -> str:
    return pem_of(Forged(**(DATES | changes)).certificate)


def leaf() -> str:
    issuer = issue.Issuer(PLANT.certificate, PLANT.signer)
    validity = issue.Validity.lasting(timedelta(days=9), now=NOW).within(PLANT.certificate)
    return pem_of(issue.device(issuer, device_id="press-001", public_key=ec_key().public_key(), validity=validity, serial=7))


@pytest.fixture(scope="module")
def provider(provider_process: ProviderProcess) -> Provider:
    return provider_process.of(VerifiedCertificateProvider)


def declared(**changes: Any) -> dict[str, Any]:
    news = {"serviceId": HUB, "certificate": PLANT.pem, "name": "plant-a", "signer": {"custody": "state", "privateKey": PLANT.private_pem}}
    return {name: value for name, value in (news | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"certificate": None}, "certificate: it is missing"),
        (
            {"certificate": leaf()},
            "certificate: 'CN=press-001' .*it is not a CA: .*give the certificate of the authority that signs",
        ),
        ({"certificate": forged(authority=ABSENT)}, "it is not a CA: basicConstraints is missing"),
        ({"certificate": forged(usage=False)}, "its key usage lacks keyCertSign .*have it reissued with keyCertSign"),
        ({"certificate": forged(end=NOW - timedelta(days=1))}, "it expired on .*; renew it"),
        ({"certificate": forged(start=NOW + timedelta(days=1))}, "it is not valid before .* wait until then"),
        ({"certificate": forged(key=rsa_key(1024))}, "its RSA key has 1024 bits; use RSA with at least 2048 bits"),
        ({"certificate": PLANT.pem + RootAuthority("Other").pem}, "it contains 2 certificates; give exactly one"),
        ({"certificate": PLANT.pem + PLANT.private_pem}, "it contains a private key; remove the key"),
        ({"certificate": "noise"}, "it contains no certificate, key or request"),
        ({"signer": None}, "signer: there is none and attest is not set; say where the key is"),
        (
            {"signer": {"custody": "state", "privateKey": private_pem(ec_key())}},
            "the given key is .* give the key that belongs",
        ),
        ({"signer": {"custody": "state", "privateKey": private_pem(PLANT.key, "word")}}, "is encrypted and no passphrase was given"),
        ({"signer": {"custody": "safe"}}, "there is no custody 'safe'; use state, offline, key-vault or pkcs11"),
        ({"proofCertificate": leaf()}, "with custody 'state' the proof is signed here; leave it out, or set custody offline"),
        ({"proofCertificate": "noise", "signer": {"custody": "offline"}}, "proofCertificate: it contains no certificate, key or request"),
        ({"serviceId": "hub-7"}, "serviceId: resource id 'hub-7': it is not the id of an IoT hub"),
        ({"name": "plant a"}, "name: the certificate would be called 'plant a-g1-0000.*use at most 64 of: letters, digits"),
        ({"name": "x" * 52, "generation": 12}, "would be called 'x{52}-g12-0{8}'"),
        ({"certificateName": "a/b"}, "the certificate would be called 'a/b'"),
        ({"generation": 0}, "generation: it is 0.0; use a whole number from 1 to 9999"),
        ({"generation": "two"}, "generation: it is 'two'"),
        ({"attest": "yes"}, "attest: it is 'yes'; use true or false"),
        ({"cloud": "germany"}, "cloud 'germany': there is no such cloud; use public, usgovernment, china"),
        ({"deadline": 0}, "deadline: it is 0.0; use a number from 1 to 3600"),
        ({"colour": "red"}, "colour: there is no such property"),
    ],
)
def test_each_invalid_input_is_reported(provider: Provider, changes: dict[str, Any], match: str) -> None:
    """Each error is one line with property, fact and remedy; a property whose value must not be printed is not named to the engine."""
    failures = provider.check(declared(**changes)).failures
    assert len(failures) == 1
    name, reason = failures[0]
    assert re.search(match, reason), reason
    assert "\n" not in reason
    assert "PRIVATE" not in reason
    assert name not in ("signer", "certificate", "proofCertificate") or "\n" not in str(changes.get(name))
    assert name != "signer", "the engine prints a property's value beside the reason"


def test_a_certificate_that_starts_in_minutes(provider: Provider) -> None:
    """The clock of this machine may be slow, and the error says so. The certificate is made here: it begins minutes after this test."""
    (_, reason), *others = provider.check(declared(certificate=forged(start=datetime.now(UTC) + timedelta(minutes=7)))).failures
    assert not others
    assert re.search("it is not valid before .* correct this machine's clock", reason), reason


def test_all_invalid_inputs_are_reported_together(provider: Provider) -> None:
    """Three invalid inputs are three failures of one check."""
    failures = provider.check(declared(generation=0, cloud="germany", name="plant a")).failures
    assert sorted(name for name, _ in failures) == ["cloud", "generation", "name"]


def test_a_key_under_an_unknown_property_is_not_printed(provider: Provider) -> None:
    """A key under an unknown property name is not named to the engine, which would print its value."""
    assert provider.check(declared(privateKey="hush")).failures == [("", PRIVATE_KEY_IS_NO_PROPERTY)]


def test_a_valid_input_passes_check(provider: Provider) -> None:
    """A valid input passes `check` and is returned unchanged."""
    checked = provider.check(declared())
    assert (checked.failures, checked.inputs) == ([], declared())
