"""IssuedCertificate over gRPC, as the engine calls it: what is issued, renewed and refused."""

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hubtrust.dynamic.issued_batch import IssuedBatchProvider
from hubtrust.dynamic.issued_certificate import IssuedCertificateProvider
from hubtrust.pki.certificate import load_certificate, load_certificates, rfc3339
from hubtrust.pki.keys import key_thumbprint, public_pem
from local_azure_iot import installation
from tests.kit.authorities import ec_key, name, private_pem, rsa_key
from tests.kit.local_azure import LocalAzure
from tests.kit.provider_process import UNKNOWN, CallFailedError, Provider, ProviderProcess, ResourceState

ROOT_KEY, ISSUING_KEY, DEVICE_KEY = ec_key(), ec_key(ec.SECP384R1()), ec_key()


def signer(key: Any) -> dict[str, str]:
    return {"custody": "state", "privateKey": private_pem(key)}


ROOT = {"profile": "root", "subject": "CN=Plant A Root,O=Contoso", "signer": signer(ROOT_KEY)}


@pytest.fixture(scope="module")
def issued(azure: LocalAzure) -> Iterator[Provider]:
    """The provider in a process of this module's own: a test looks for keys in all that was sent."""
    with ProviderProcess(installation.environment(azure.ready)) as process:
        yield process.of(IssuedCertificateProvider)


@pytest.fixture(scope="module")
def root(issued: Provider) -> ResourceState:
    return issued.create(ROOT)


def intermediate(root: ResourceState, **changes: Any) -> dict[str, Any]:
    below = {
        "profile": "intermediate",
        "subject": "CN=Plant A Issuing",
        "publicKey": public_pem(ISSUING_KEY.public_key()),
        "issuerCertificate": root.outs["certificate"],
        "signer": signer(ROOT_KEY),
        "pathLength": 0,
    }
    return {name: value for name, value in (below | changes).items() if value is not None}


def device(issuing: ResourceState, **changes: Any) -> dict[str, Any]:
    below = {
        "profile": "device",
        "deviceId": "press-001",
        "publicKey": public_pem(DEVICE_KEY.public_key()),
        "issuerCertificate": issuing.outs["chain"],
        "signer": signer(ISSUING_KEY),
    }
    return {name: value for name, value in (below | changes).items() if value is not None}


def faults(provider: Provider, news: dict[str, Any]) -> str:
    reasons = [reason for _, reason in provider.check(news).failures]
    assert all("\n" not in reason for reason in reasons)
    assert all(key not in "".join(reasons) for key in ("PRIVATE KEY", *private_pem(ROOT_KEY).splitlines()[1:-1]))
    return "; ".join(reasons)


def test_a_chain_of_three_verifies_with_openssl(issued: Provider, root: ResourceState, tmp_path: Path) -> None:
    """Root, intermediate of path length 0 and a device, issued one after the other, are a chain for OpenSSL."""
    issuing = issued.create(intermediate(root))
    press = issued.create(device(issuing))
    (tmp_path / "root").write_text(root.outs["certificate"])
    (tmp_path / "chain").write_text(press.outs["chain"])
    command = ["openssl", "verify", "-x509_strict", "-CAfile", tmp_path / "root", "-untrusted", tmp_path / "chain", tmp_path / "chain"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [one.subject.rfc4514_string() for one in load_certificates(press.outs["chain"], what="chain")] == [
        "CN=press-001",
        "CN=Plant A Issuing",
        "CN=Plant A Root,O=Contoso",
    ]
    length = load_certificate(issuing.outs["certificate"], what="c").extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (length.ca, length.path_length) == (True, 0)
    assert (press.id, press.outs["keyThumbprint"]) == (key_thumbprint(DEVICE_KEY.public_key()),) * 2
    assert press.outs["issuerKeyThumbprint"] == key_thumbprint(ISSUING_KEY.public_key())


def test_an_unchanged_certificate_has_no_difference(issued: Provider, root: ResourceState) -> None:
    """A second run, with or without a refresh before, finds no difference and keeps the certificate."""
    for news in (ROOT, intermediate(root)):
        created = issued.create(news)
        assert issued.diff(created, news).changes is False
        refreshed = issued.read(created)
        assert refreshed is not None
        assert refreshed.outs == created.outs
        assert refreshed.inputs == news, "no input is given back, or every refresh would show the keys as a difference"
        assert issued.diff(refreshed, refreshed.inputs).changes is False, "the engine asks so when it looks for drift"
        assert issued.diff(refreshed, news).changes is False
        assert issued.up(created, news).outs == created.outs
        issued.delete(created)


def test_a_lifetime_that_is_cut_is_told(azure: LocalAzure) -> None:
    """Once for each certificate that is issued, and once for a batch; not where the lifetime is the default, or the issuer lasts."""
    with ProviderProcess(installation.environment(azure.ready)) as process:
        one, batch = process.of(IssuedCertificateProvider), process.of(IssuedBatchProvider)
        root = one.create(ROOT | {"lifetimeDays": 30, "renewBeforeDays": 3})
        for lifetime in ({"lifetimeDays": 400}, {"lifetimeDays": 20}, {}):
            one.create(intermediate(root, renewBeforeDays=2, **lifetime))
        request = x509.CertificateSigningRequestBuilder().subject_name(name("press-1")).sign(DEVICE_KEY, hashes.SHA256())
        requests = request.public_bytes(serialization.Encoding.PEM).decode()
        declared = {"requests": requests, "issuerCertificate": root.outs["certificate"], "signer": signer(ROOT_KEY)}
        batch.create(declared | {"lifetimeDays": 40, "renewBeforeDays": 2})
    told = [line for line in process.printed.splitlines() if "lifetimeDays" in line]
    ends = f"it ends on {root.outs['notAfter']} with its issuer"
    assert [line.partition(": ")[2].partition("days before")[0] for line in told] == [f"{ends}, 370 ", f"{ends}, 10 "]
    assert [line.split("'")[:2] for line in told] == [["", "CN=Plant A Issuing"], ["", "CN=press-1"]]
    assert all(line.endswith("lifetimeDays is over; have the issuer renewed, or use a smaller lifetimeDays") for line in told)


def test_a_lifetime_is_cut_to_the_issuers_end(issued: Provider, root: ResourceState) -> None:
    """A lifetime beyond the issuer's is cut to the issuer's end, and is not renewed in every run because of that."""
    news = intermediate(root, lifetimeDays=36500, renewBeforeDays=36000)
    created = issued.create(news)
    assert created.outs["notAfter"] == root.outs["notAfter"]
    assert created.outs["renewAt"] < datetime.now(UTC).isoformat()
    assert issued.diff(created, news).changes is False


def test_renewal_keeps_the_key_and_re_key_does_not(issued: Provider, root: ResourceState) -> None:
    """In its renewal window a certificate is renewed in place; another key, name or issuer's key is a replacement."""
    news = intermediate(root, lifetimeDays=100, renewBeforeDays=30)
    created = issued.create(news)
    due = news | {"renewBeforeDays": 99.99999}
    assert (issued.diff(created, due).changes, issued.diff(created, due).replaces) == (True, [])
    assert issued.update(created, due).outs["serial"] == created.outs["serial"], (
        "one second old: not due, only the renewal time is computed again"
    )
    longer = news | {"lifetimeDays": 200}
    renewed = issued.update(created, longer)
    assert renewed.outs["serial"] != created.outs["serial"]
    assert renewed.outs["keyThumbprint"] == created.outs["keyThumbprint"]
    assert issued.diff(renewed, longer).changes is False
    assert issued.diff(created, news | {"publicKey": public_pem(ec_key().public_key())}).replaces == ["publicKey"]
    assert issued.diff(created, news | {"subject": "CN=Plant B"}).replaces == ["subject"]
    assert issued.diff(created, news | {"signer": signer(ec_key())}).replaces == ["signer"]


def test_a_due_certificate_is_renewed(issued: Provider, root: ResourceState) -> None:
    """After its renewal time the certificate shows a difference (also in a refresh), and `up` renews it for the same key."""
    news = intermediate(root, lifetimeDays=100, renewBeforeDays=30)
    created = issued.create(news)
    old = x509.CertificateBuilder(
        subject_name=name("Plant A Issuing"),
        issuer_name=load_certificate(root.outs["certificate"], what="root").subject,
        public_key=ISSUING_KEY.public_key(),
        serial_number=17,
        not_valid_before=datetime.now(UTC) - timedelta(days=80),
        not_valid_after=datetime.now(UTC) + timedelta(days=20),
    ).sign(ROOT_KEY, hashes.SHA256())
    aged = ResourceState(
        created.id,
        created.outs
        | {
            "certificate": old.public_bytes(serialization.Encoding.PEM).decode(),
            "notBefore": rfc3339(old.not_valid_before_utc),
            "renewAt": "2026-01-01T00:00:00Z",
        },
        news,
    )
    refreshed = issued.read(aged)
    assert refreshed is not None
    with ProviderProcess() as process:
        assert process.of(IssuedCertificateProvider).diff(refreshed, refreshed.inputs).changes is True
    assert re.search(
        r"'CN=Plant A Issuing' \([0-9A-F]{8}\): renewal is due, because it expires on .*; the next `up` renews it",
        process.printed,
    )
    renewed = issued.up(aged, news)
    assert (renewed.outs["serial"], renewed.outs["keyThumbprint"]) != ("11", None)
    assert renewed.outs["keyThumbprint"] == created.outs["keyThumbprint"]
    assert renewed.outs["renewAt"] > datetime.now(UTC).isoformat()
    assert "keySince" not in created.outs, "the states of earlier versions have none, and show no difference"
    assert renewed.outs["keySince"] == rfc3339(old.not_valid_before_utc)
    assert issued.diff(renewed, news).changes is False
    again = issued.update(renewed, news | {"lifetimeDays": 90})
    assert (again.outs["serial"] != renewed.outs["serial"], again.outs["keySince"]) == (True, renewed.outs["keySince"])


def test_a_renewed_issuer_keeps_its_children(issued: Provider, root: ResourceState) -> None:
    """An issuer renewed for the same key keeps its children, whose chain has the new issuer; a renamed issuer reissues them."""
    created = issued.create(intermediate(root))
    again = issued.update(root, ROOT | {"lifetimeDays": 4000})
    assert again.outs["serial"] != root.outs["serial"]
    news = intermediate(again)
    assert (issued.diff(created, news).changes, issued.diff(created, news).replaces) == (True, [])
    kept = issued.update(created, news)
    assert (kept.outs["serial"], kept.outs["issuerCertificate"]) == (created.outs["serial"], again.outs["certificate"])
    renamed = issued.create(ROOT | {"subject": "CN=Another Name"})
    signed = issued.update(created, intermediate(renamed))
    assert (signed.outs["issuer"], signed.outs["serial"] != created.outs["serial"]) == ("CN=Another Name", True)


def test_a_device_is_certified_from_its_own_request(issued: Provider, root: ResourceState) -> None:
    """A request comes in, its key is certified, and its name must be the device's."""
    issuing = issued.create(intermediate(root))
    built = x509.CertificateSigningRequestBuilder().subject_name(name("press-001")).sign(DEVICE_KEY, hashes.SHA256())
    text = built.public_bytes(serialization.Encoding.PEM).decode()
    created = issued.create(device(issuing, publicKey=None, request=text))
    assert created.outs["keyThumbprint"] == key_thumbprint(DEVICE_KEY.public_key())
    wrong = faults(issued, device(issuing, publicKey=None, request=text, deviceId="press-002"))
    assert "its common name is 'press-001', but the device is 'press-002'" in wrong


def test_unknown_values_pass_check(issued: Provider, root: ResourceState) -> None:
    """In a preview every input may be unknown: check accepts them, diff expects a change."""
    unknown = intermediate(
        root, publicKey=UNKNOWN, issuerCertificate=UNKNOWN, signer={"custody": "state", "privateKey": UNKNOWN}, pathLength=UNKNOWN
    )
    assert issued.check(unknown).failures == []
    created = issued.create(intermediate(root))
    found = issued.diff(created, unknown)
    assert (found.changes, found.replaces, found.delete_first) == (True, ["publicKey", "signer", "issuerCertificate"], False)
    assert issued.diff(created, intermediate(root, lifetimeDays=UNKNOWN)).replaces == []
    assert issued.check({"profile": UNKNOWN, "signer": UNKNOWN}).failures == []


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"profile": "leaf"}, "profile: there is no profile 'leaf'; use root, intermediate, device"),
        ({"profile": None}, "profile: it is missing"),
        ({"subject": None}, "subject: it is missing, and profile 'intermediate' needs it"),
        ({"subject": "Plant A"}, "subject: 'Plant A' is not a distinguished name; write it as CN=Plant A,O=Contoso"),
        ({"subject": ""}, "subject: it is empty"),
        ({"pathLength": 0.5}, "pathLength: it is 0.5; use a whole number from 0 to 9"),
        ({"pathLength": None}, "pathLength: it is missing"),
        ({"lifetimeDays": -1}, "lifetimeDays: it is -1.0; use a number from"),
        (
            {"lifetimeDays": 10},
            "renewBeforeDays: it is 182.5, but lifetimeDays is only 10; use a smaller renewBeforeDays or a longer lifetimeDays",
        ),
        ({"publicKey": None}, "publicKey: there are 0 keys to certify"),
        ({"publicKey": "noise"}, "publicKey: it contains no certificate, key or request"),
        ({"publicKey": public_pem(rsa_key(1024).public_key())}, "its RSA key has 1024 bits"),
        ({"colour": "red"}, "colour: there is no such property; use anchor, cloud, deviceId"),
        ({"signer": signer(ec_key())}, "give the key that belongs to this certificate"),
        ({"signer": {"custody": "drawer"}}, "signer: there is no custody 'drawer'; use state, offline, key-vault or pkcs11"),
        ({"signer": "drawer"}, "signer: there is no custody 'None'"),
        ({"signer": {"custody": "offline"}}, "custody 'offline' can't sign here; issue the certificate where the key is"),
        ({"signer": {"custody": "offline", "privateKey": "x"}}, "custody 'offline' does not take privateKey; use only custody"),
        ({"signer": {"custody": "state"}}, "custody 'state' needs a privateKey"),
        ({"signer": {"custody": "state", "privateKey": private_pem(ROOT_KEY, "word")}}, "is encrypted and no passphrase was given"),
        (
            {"signer": {"custody": "state", "privateKey": private_pem(ROOT_KEY, "word"), "passphrase": "drow"}},
            "the passphrase does not decrypt",
        ),
    ],
)
def test_invalid_inputs_are_refused(issued: Provider, root: ResourceState, changes: dict[str, Any], match: str) -> None:
    """Each invalid input is reported by its name, the fact and the remedy, before anything is created; no message contains a key."""
    assert match in faults(issued, intermediate(root, **changes))


def test_invalid_issuers_are_refused(issued: Provider, root: ResourceState) -> None:
    """A leaf as issuer, an issuer that allows no authority below it and an expired one are refused before anything is signed."""
    issuing = issued.create(intermediate(root))
    press = issued.create(device(issuing))
    assert "it is not a CA" in faults(issued, device(press, signer=signer(DEVICE_KEY)))
    below = intermediate(
        root, issuerCertificate=issuing.outs["chain"], signer=signer(ISSUING_KEY), publicKey=public_pem(DEVICE_KEY.public_key())
    )
    assert "pathLength: it is 0 and the issuer's own allows 0 authorities below; let the issuer sign devices" in faults(issued, below)
    narrow = issued.create(ROOT | {"pathLength": 1})
    assert "use at most 0" in faults(issued, intermediate(narrow, pathLength=1))
    assert "a root certifies the key of its signer" in faults(issued, ROOT | {"publicKey": public_pem(DEVICE_KEY.public_key())})


def test_an_encrypted_key_signs_with_its_passphrase(issued: Provider) -> None:
    """The key may be encrypted, with its passphrase in the same input."""
    news = ROOT | {"signer": {"custody": "state", "privateKey": private_pem(ROOT_KEY, "correct horse"), "passphrase": "correct horse"}}
    assert issued.create(news).outs["keyThumbprint"] == key_thumbprint(ROOT_KEY.public_key())


def test_a_failing_create_is_one_line(issued: Provider, root: ResourceState) -> None:
    """A failing create (here: called without a check) reports one line, without a traceback or a key."""
    news = intermediate(root, signer=signer(ec_key()))
    with pytest.raises(CallFailedError, match=r"^'CN=Plant A Root[^\n]+; [^\n]+\n?$"):
        issued.process.call("Create", properties=issued._with_provider(news))


def test_a_key_is_sent_only_in_the_declared_input(issued: Provider, root: ResourceState) -> None:
    """In all calls of this module, requests have keys only in `signer`, and responses have none except check's copy of its inputs."""
    import json

    for text in issued.process.traffic:
        if not text.startswith("{"):
            assert "PRIVATE KEY" not in text
            continue
        for part in json.loads(text).values():
            if isinstance(part, dict):
                assert "PRIVATE KEY" not in json.dumps({name: value for name, value in part.items() if name != "signer"})
    assert "signer" not in root.outs
