"""The inventory of a deployed stack: every part of it, as the resources of a run have it, and states that lack something."""

import base64
import copy
import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from hubtrust.certificates.lifetimes import INTERMEDIATE, LIFETIMES
from hubtrust.cli import status_table
from hubtrust.cli.stack_export import deployment_of
from hubtrust.evidence.log import Log
from hubtrust.inventory import device_certificates, due, evidence_found
from hubtrust.inventory.certificates_found import Authorities
from hubtrust.inventory.inventory import Inventory
from hubtrust.inventory.records import Authority, Service
from hubtrust.inventory.state import State
from hubtrust.pki.certificate import load_certificate
from tests.inventory.conftest import authority, device_certificate
from tests.kit.authorities import ec_key, name, pem_of
from tests.kit.samples import SEED

OTHER_SHELL = ("pulumi-python:dynamic/hubtrust:", "hubtrust:index:")


@pytest.fixture(scope="module")
def deployment(plant: Any) -> Any:
    return deployment_of(plant.exported.encode(), "the export")


@pytest.fixture(scope="module")
def found(deployment: Any) -> Inventory:
    return Inventory.of(deployment, datetime.now(UTC))


def of(deployment: Any, **changes: Any) -> Inventory:
    """The inventory of a deployment with these members changed."""
    return Inventory.of({**deployment, **changes}, datetime.now(UTC))


def named(found: Inventory, subject: str) -> Authority:
    (one,) = [one for one in found.authorities if one.subject == f"CN={subject}"]
    return one


def service(found: Inventory, kind: str) -> Service:
    (one,) = [one for one in found.services if one.kind == kind]
    return one


def test_authorities(found: Inventory) -> None:
    """Each CA once, whoever made it: where its key is, whose it is, and which one issued it; those of others have no renewal."""
    root, issuing = named(found, "Contoso Plant root CA"), named(found, "Contoso Plant issuing CA")
    assert (root.kind, root.issuer, issuing.kind, issuing.issuer) == ("root", None, "issuing", root.id)
    assert {(one.authority, one.generation, one.key_custody) for one in (root, issuing)} == {("plant", 1, "state")}
    assert issuing.renew_at == issuing.not_after - timedelta(days=LIFETIMES[INTERMEDIATE].renew_before_days)
    assert root.renew_at is not None, "tls renews it"
    bought = named(found, "Bought CA")
    assert (bought.authority, bought.key_custody, bought.renew_at, bought.days_left) == ("bought", "offline", None, 39)
    assert (named(found, "Another CA").key_custody, named(found, "Ovens CA").key_custody) == ("state", "state")
    assert len(found.authorities) == 9
    assert found.stack == "organization/plant/dev"


def test_keys_in_a_vault(found: Inventory) -> None:
    """A root, what is below it, and below that what signs devices: each knows its issuer, and that its key is in the vault."""
    root, between, issuing = (named(found, f"Kept {kind} CA") for kind in ("root", "intermediate 1", "issuing"))
    assert [(one.kind, one.issuer) for one in (root, between, issuing)] == [
        ("root", None),
        ("intermediate", root.id),
        ("issuing", between.id),
    ]
    assert {(one.key_custody, one.authority, one.renew_at is None) for one in (root, between, issuing)} == {("key-vault", "kept", False)}


def test_what_a_hub_trusts(found: Inventory) -> None:
    """The word of each proof; one that another provider declares is never proven, and is named."""
    hub = service(found, "hub")
    trusts = {one.certificate_name.partition("-")[0]: one for one in hub.trusts}
    assert (trusts["plant"].state, trusts["plant"].proof, trusts["plant"].certificate) == (
        "verified",
        "possession",
        named(found, "Contoso Plant issuing CA").id,
    )
    assert (trusts["bought"].state, trusts["bought"].proof) == ("waiting", None)
    assert (trusts["portal"].state, trusts["portal"].proof, trusts["portal"].certificate) == (
        "unverified",
        None,
        named(found, "Portal CA").id,
    )
    assert [one.what for one in found.unseen] == ["how certificate 'portal' was verified"]
    assert (hub.devices.count, hub.devices.enabled, hub.devices.disabled) == (22, 21, 1)
    assert hub.devices.by_certificate == {"certificateAuthority": 21, "selfSigned": 1}
    assert str(hub.host).endswith(".azure-devices.net")


def test_enrollments(found: Inventory) -> None:
    """A group has the authority that it refers to by name; the others have certificates of their own."""
    there = service(found, "dps")
    issuing = named(found, "Contoso Plant issuing CA").id
    shown = [(one.kind, one.id, one.status, one.count, one.authorities) for one in there.enrollments]
    assert shown == [
        ("fleet", "saws", "enabled", 1, ()),
        ("group", "presses", "enabled", 1, (issuing,)),
        ("individual", "saw-1", "enabled", 1, ()),
    ]


def test_device_certificates(found: Inventory) -> None:
    """Those that were issued here, one by one and in a batch, are renewed; those of enrollments are somebody's."""
    devices = found.device_certificates
    ovens, issuing = named(found, "Ovens CA").id, named(found, "Contoso Plant issuing CA").id
    renewed = {one.device_id: (one.issuer, one.renew_at is not None) for one in devices.named}
    assert renewed == {
        "saw-1": (ovens, False),
        "saw-2": (ovens, False),
        **{f"oven-{number}": (ovens, True) for number in (1, 2, 3)},
        "press-1": (issuing, True),
    }
    assert [one.count for one in devices.ends_by] == [2, 3, 1]
    assert (devices.count, devices.earliest_end) == (6, devices.named[0].not_after)


def test_what_is_due(found: Inventory) -> None:
    """In the order of dates: what is unproven, renewals by their first day, and ends that nothing here renews."""
    shown = [(one.days_left, one.what.partition("(")[0]) for one in found.due]
    assert [days for days, _ in shown] == [0, 0, 0, 9, 14, 29, 39, 79]
    assert [what for _, what in shown[3:]] == [
        "2 device certificates of 'CN=Ovens CA' end",
        "3 device certificates of 'CN=Ovens CA' are renewed",
        "the certificate of device 'press-1' is renewed",
        "root CA 'CN=Bought CA' ",
        "root CA 'CN=Another CA' ",
    ]
    assert "docs/adopting.md" in next(one.action for one in found.due if "'portal'" in one.what)


def test_later_dates(deployment: Any) -> None:
    """A CA in its window is renewed by the next run, and what has ended says so."""
    late = Inventory.of(deployment, datetime.now(UTC) + timedelta(days=3600))
    dues = {one.what: one for one in late.due}
    root = next(one for what, one in dues.items() if what.startswith("root CA 'CN=Contoso Plant root CA'"))
    assert ("is due for renewal" in root.what, root.days_left, "the next `pulumi up`" in root.action) == (True, -316, True)
    issuing = next(what for what in dues if "issuing CA" in what and "has ended" in what)
    assert dues[issuing].days_left < 0
    assert late.ends_within(0)


def test_within(found: Inventory) -> None:
    """A certificate that ends in nine days and some hours ends within ten days, and not within nine."""
    assert (found.ends_within(9), found.ends_within(10)) == (False, True)


def test_the_document(found: Inventory) -> None:
    """Exactly these members, whatever is missing; it has no private key."""
    document = found.document()
    assert list(document) == [
        *("version", "stack", "at", "unseen", "authorities", "services", "deviceCertificates", "evidence", "due", "findings")
    ]
    assert list(document["authorities"][0]) == [
        *("id", "subject", "issuer", "kind", "generation", "authority", "notBefore", "notAfter", "daysLeft", "renewAt", "keyCustody"),
        *("keyAlgorithm", "sha256", "thumbprint"),
    ]
    assert list(document["services"][0]) == ["id", "name", "kind", "host", "trusts", "enrollments", "devices"]
    assert list(document["services"][0]["trusts"][0]) == [
        *("certificate", "certificateName", "state", "proof", "provenAt", "etag", "record")
    ]
    assert list(document["deviceCertificates"]) == ["count", "earliestEnd", "endsBy", "named"]
    assert "PRIVATE" not in json.dumps(document)


def test_both_shells(plant: Any, found: Inventory) -> None:
    """The plugin's types are read as those of the dynamic provider."""
    other = deployment_of(plant.exported.replace(*OTHER_SHELL).encode(), "the export")
    assert Inventory.of(other, found.at) == found


def test_empty_and_destroyed(deployment: Any) -> None:
    """Nothing is there, and it is said; a destroyed stack may have its stack resource left."""
    stack = [one for one in deployment["resources"] if one["type"] == "pulumi:pulumi:Stack"]
    for one in ({}, {"resources": None}, {"resources": []}, {"resources": [{**stack[0], "outputs": {}}]}):
        empty = Inventory.of(one, datetime.now(UTC))
        assert (empty.authorities, empty.services, empty.due) == ((), (), ())
        assert [one.why for one in empty.unseen] == ["the stack has none: it is empty, or was destroyed"]


def test_a_stack_of_another_program(deployment: Any) -> None:
    """It is said that hubtrust is not in it; what others declare is shown all the same."""
    theirs = [one for one in deployment["resources"] if one["type"].startswith(("tls:", "azure-native:"))]
    other = of(deployment, resources=theirs)
    assert {"Another CA", "Portal CA"} <= {one.subject.removeprefix("CN=") for one in other.authorities}
    assert {one.what for one in other.unseen} == {"any resource of hubtrust", "how certificate 'portal' was verified"}


def test_an_interrupted_run(deployment: Any) -> None:
    """What was being created is named, and a replaced resource that is still to be deleted; its trust is still there."""
    resources = copy.deepcopy(deployment["resources"])
    fleet = next(one for one in resources if one["type"].endswith(":DeviceFleet"))
    old = copy.deepcopy(next(one for one in resources if one["type"].endswith(":VerifiedCertificate")))
    resources.remove(fleet)
    resources.append(old | {"delete": True})
    half = of(deployment, resources=resources, pending_operations=[{"resource": fleet, "type": "creating"}])
    told = {one.what: one.why for one in half.unseen}
    assert told["pulumi-python:dynamic/hubtrust:DeviceFleet 'lathes'"].startswith("a run was interrupted while it was creating it")
    assert any(what.startswith("VerifiedCertificate") and "`pulumi up` deletes it" in why for what, why in told.items())
    assert service(half, "hub").devices.count == 2


def test_older_versions(deployment: Any, found: Inventory) -> None:
    """Outputs that they did not have: a renewal follows from its window, and there is no date of a proof."""
    resources = copy.deepcopy(deployment["resources"])
    for one in resources:
        for output in ("renewAt", "renewBeforeDays", "provenAt", "provenBy", "provenCode", "proofs", "keySince", "pathLength"):
            (one.get("outputs") or {}).pop(output, None)
    old = of(deployment, resources=resources)
    assert named(old, "Contoso Plant issuing CA") == named(found, "Contoso Plant issuing CA")
    assert {one.proven_at for one in service(old, "hub").trusts} == {None}


def test_encrypted_values(deployment: Any) -> None:
    """A certificate that the program made a secret is named, with the reason; from `--show-secrets` it is read."""
    encrypted = next(
        value
        for one in deployment["resources"]
        for value in (one.get("outputs") or {}).values()
        if isinstance(value, dict) and "ciphertext" in value
    )
    resources = copy.deepcopy(deployment["resources"])
    batch = next(one for one in resources if one["type"].endswith(":IssuedBatch"))
    plain, batch["outputs"]["certificates"] = batch["outputs"]["certificates"], encrypted
    hidden = of(deployment, resources=resources)
    assert hidden.device_certificates.count == 3
    assert "--show-secrets" in next(one.why for one in hidden.unseen if one.what == "certificates of IssuedBatch 'ovens'")
    mark = {name: value for name, value in encrypted.items() if name != "ciphertext"}
    batch["outputs"]["certificates"] = mark | {"plaintext": json.dumps(plain)}
    assert of(deployment, resources=resources).device_certificates.count == 6


def test_certificates_that_cannot_be_read(deployment: Any) -> None:
    """They are named, and the others are shown."""
    resources = copy.deepcopy(deployment["resources"])
    for one in resources:
        if one["type"].endswith(":IssuedBatch"):
            one["outputs"]["certificates"][0] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        if one["type"].endswith(":VerifiedCertificate"):
            one["outputs"]["certificate"] = "no certificate"
    broken = of(deployment, resources=resources)
    told = [one.what for one in broken.unseen]
    assert "a certificate of IssuedBatch 'ovens'" in told
    assert any(what.startswith("certificate of VerifiedCertificate") for what in told)
    assert (broken.device_certificates.count, service(broken, "hub").trusts[0].certificate) == (5, None)


def changed(text: str, octets: bytes, others: bytes) -> str:
    """A certificate, PEM, with octets in place of others."""
    found = load_certificate(text, what="it").der
    assert octets in found
    encoded = base64.b64encode(found.replace(octets, others)).decode()
    return f"-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n"


def test_malformed_parts(deployment: Any) -> None:
    """Parts that are read only when they are asked for: a version, a name, an extension. The others are shown."""
    resources = copy.deepcopy(deployment["resources"])
    batch = next(one["outputs"]["certificates"] for one in resources if one["type"].endswith(":IssuedBatch"))
    batch[0] = changed(batch[0], bytes.fromhex("a003020102"), bytes.fromhex("a00302013d"))
    batch[1] = changed(batch[1], b"\x0c\x06oven-2", b"\x0c\x07oven-2")
    batch[2] = changed(batch[2], bytes.fromhex("0603551d23"), bytes.fromhex("0603551d0e"))  # a second subject key identifier
    for one in resources:
        if one["type"].endswith(":VerifiedCertificate"):
            text = one["outputs"]["certificate"]
            one["outputs"]["certificate"] = changed(text, bytes.fromhex("0603551d130101ff0408"), bytes.fromhex("0603551d130101ff0407"))
    found = of(deployment, resources=resources)
    assert found.device_certificates.count == 4
    assert "2 certificates of IssuedBatch 'ovens'" in [one.what for one in found.unseen]
    assert {one.certificate for one in service(found, "hub").trusts if one.certificate_name != "portal"} == {None}


def random_change(texts: list[str], draw: random.Random) -> tuple[str, str]:
    """One of these certificates, PEM, and it with another octet somewhere."""
    text = draw.choice(texts)
    encoding = bytearray(load_certificate(text, what="it").der)
    encoding[draw.randrange(len(encoding))] ^= 1 << draw.randrange(8)
    return text, f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(encoding).decode()}\n-----END CERTIFICATE-----\n"


def test_any_octet_of_a_certificate(plant: Any, deployment: Any) -> None:
    """A certificate with one changed bit anywhere is shown, or named as unreadable; HUBTRUST_SEED chooses others."""
    draw = random.Random(SEED)  # noqa: S311 - no secret
    outputs = [one.get("outputs") or {} for one in deployment["resources"]]
    texts = sorted({text for one in outputs for text in (one.get("certificate"), one.get("certPem")) if isinstance(text, str)})
    for _ in range(30):
        text, other = random_change(texts, draw)
        exported = plant.exported.replace(json.dumps(text)[1:-1], json.dumps(other)[1:-1])
        found = Inventory.of(deployment_of(exported.encode(), "the export"), datetime.now(UTC))
        assert status_table.text(found, None)
        assert found.document()["services"]


def test_the_evidence_log(deployment: Any, found: Inventory) -> None:
    """It is audited, and each proof has the place of its record; one that was changed is not believed, nor one of another stack."""
    evidence = found.document()["evidence"]
    assert (evidence["verdict"], len(evidence["rootHash"])) == ("confirmed", 64)
    records = {one.record for there in found.services for one in there.trusts if one.proof}
    assert (len(records), None in records, evidence["size"] > max(filter(None, records), default=0)) == (2, False, True)
    resources = copy.deepcopy(deployment["resources"])
    outputs = next(one for one in resources if one["type"].endswith(":EvidenceRecords"))["outputs"]
    log = outputs["log"]
    for other, verdict in (
        (log[:-2], "not confirmed: "),
        (Log.empty("organization/plant/other").text, "not confirmed: the log is of the stack"),
    ):
        outputs["log"] = other
        changed = of(deployment, resources=resources)
        assert changed.evidence is not None
        assert changed.evidence.verdict.startswith(verdict)
        assert {one.record for one in service(changed, "hub").trusts} == {None}
    (hub,) = [one for one in found.services if one.kind == "hub"]
    others = replace(hub, trusts=tuple(replace(one, certificate="AB" * 32) for one in hub.trusts))
    (matched,) = evidence_found.with_records([others], Log.read(log))
    assert {one.record for one in matched.trusts} == {None}, "its name and etag are in a record of another certificate"


def test_a_request_without_an_answer(found: Inventory) -> None:
    """It is due at once; the key is known, and no certificate of it."""
    (asked,) = [one for one in found.due if "certificate request" in one.what]
    assert (asked.days_left, asked.what) == (0, "the certificate request of AuthorityRequest 'asked-g1-request' has no answer")


def test_what_ends_with_its_issuer() -> None:
    """A renewal before that of the issuer would gain nothing: the line says which one comes first."""
    now = datetime(2026, 11, 30, tzinfo=UTC)
    end = now + timedelta(days=50)
    root = Authority("A" * 64, "CN=Root", None, "root", 1, "a", now, end, 50, None, "offline", "EC P-256", "A" * 64, "A" * 40)
    below = replace(root, id="B" * 64, subject="CN=Below", issuer=root.id, kind="issuing", renew_at=now + timedelta(days=45))
    dues = due.listed(State.read({}), Authorities(), [root, below], [], [], now)
    assert "it ends with root CA 'CN=Root' (AAAAAAAA): a run renews it once that one is renewed" in {one.action for one in dues}
    longer = replace(root, not_after=end + timedelta(days=1000))
    assert "a run renews it once" not in str(due.listed(State.read({}), Authorities(), [longer, below], [], [], now))


def test_what_a_refresh_could_not_read(deployment: Any) -> None:
    """It is named with the reason; so is a list of devices, or of enrollments, that is no list."""
    resources = copy.deepcopy(deployment["resources"])
    for one in resources:
        if one["type"].endswith((":DeviceFleet", ":EnrollmentGroupEntry", ":EnrollmentFleetEntries")):
            one["outputs"]["unread"] = "403 Forbidden"
        if one["type"].endswith(":DeviceFleet"):
            one["outputs"]["members"] = "1.AAAA"
        if one["type"].endswith(":EnrollmentFleetEntries"):
            one["inputs"]["members"] = "c1.AAAA"
    found = of(deployment, resources=resources)
    told = {one.what: one.why for one in found.unseen}
    assert "the last refresh could not read it: 403 Forbidden" in told["how DeviceFleet 'lathes' is on its hub"]
    assert "how EnrollmentGroupEntry 'presses' is on its service" in told
    assert {
        "by which certificates the devices of DeviceFleet 'lathes' connect",
        "the device certificates of EnrollmentFleetEntries 'saws'",
    } <= {*told}
    assert service(found, "hub").devices.count == 22


def test_many_device_certificates(deployment: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With too many different days they are counted by month, what is due of them stays a few lines, and some are named."""
    monkeypatch.setattr(device_certificates, "_MOST_DAYS", 30)
    monkeypatch.setattr(device_certificates, "MOST_NAMED", 20)
    issuer, _ = authority("Many CA", days=3000)
    resources = copy.deepcopy(deployment["resources"])
    batch = next(one for one in resources if one["type"].endswith(":IssuedBatch"))
    batch["outputs"]["certificates"] = [device_certificate(issuer, f"many-{days}", days=days) for days in range(10, 50)]
    batch["outputs"]["issuerChain"] = pem_of(issuer.certificate)
    found = of(deployment, resources=resources)
    devices = found.device_certificates
    assert (devices.count, len(devices.named)) == (43, 20)
    assert {one.date[-3:] for one in devices.ends_by} == {"-01"}
    assert sum(one.count for one in devices.ends_by) == devices.count
    assert len([one for one in found.due if "device" in one.what]) < 12
    assert {one.issuer for one in devices.named if one.device_id.startswith("many")} == {named(found, "Many CA").id}


def test_a_renewed_root_and_a_strange_key(deployment: Any) -> None:
    """Of two certificates of an issuer with the same key, the one that ends last is above; a key that Azure does not take has its OID."""
    key = ec_key()
    short, long = (authority("Twice CA", days=days, key=key)[0] for days in (100, 200))
    now = datetime.now(UTC)
    below = x509.CertificateBuilder().subject_name(name("Below")).issuer_name(short.certificate.subject).serial_number(5)
    below = (
        below.not_valid_before(now).not_valid_after(now + timedelta(days=9)).public_key(ed25519.Ed25519PrivateKey.generate().public_key())
    )
    signed = below.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(key, hashes.SHA256())
    stack = next(one for one in deployment["resources"] if one["type"] == "pulumi:pulumi:Stack")
    texts = [pem_of(short.certificate, long.certificate), signed.public_bytes(serialization.Encoding.PEM).decode()]
    found = of(deployment, resources=[stack | {"outputs": {"deep": [{"chains": texts}]}}])
    one = named(found, "Below")
    above = next(other for other in found.authorities if other.id == one.issuer)
    assert (above.days_left, one.key_algorithm, one.kind) == (199, "1.3.101.112", "issuing")


def test_services_of_others(deployment: Any) -> None:
    """The classic provider, old modules of azure-native, and an id that is none: hubs are found, and the rest is named."""
    portal = next(one for one in deployment["resources"] if one["type"] == "azure-native:iothub:Certificate")
    shown = portal["outputs"]["properties"]["certificate"]
    hub = portal["id"].partition("/certificates/")[0]

    def resource(kind: str, id_: str, **outputs: Any) -> dict[str, Any]:
        return {"urn": f"urn:pulumi:dev::plant::{kind}::other", "type": kind, "id": id_, "outputs": outputs}

    others = [
        resource("azure:iot/ioTHub:IoTHub", hub, hostname="hub-7.azure-devices.net"),
        resource(
            "azure:iot/iotHubCertificate:IotHubCertificate",
            f"{hub}/certificates/classic",
            name="classic",
            certificateContent=shown,
            isVerified=True,
        ),
        resource("azure-native:devices/v20230630:DpsCertificate", "no id", name="lost"),
        {"urn": "no urn"},
    ]
    found = of(deployment, resources=others)
    (there,) = found.services
    assert (there.host, [(one.certificate_name, one.state, one.proof) for one in there.trusts]) == (
        "hub-7.azure-devices.net",
        [("classic", "verified", None)],
    )
    assert there.trusts[0].certificate == named(found, "Portal CA").id
    told = [one.what for one in found.unseen]
    assert {"how certificate 'classic' was verified", "how certificate 'lost' was verified", "1 of the stack's resources"} <= {*told}
    assert "not proven" in status_table.text(found, None)
