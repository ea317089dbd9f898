"""Devices that enrol, over the time of a stack: a rotation disconnects nobody, and a revoked group's devices are refused by the hub.

All of it is in the stack's evidence log, in the state and in a file.
"""

from pathlib import Path

from cryptography.hazmat.primitives import serialization

from hubtrust.evidence.audit import Verdict, audit
from hubtrust.evidence.log import Log
from hubtrust.pki.certificate import load_certificate
from tests.kit.device_certificates import Party
from tests.kit.enrolling_device import EnrollingDevice
from tests.kit.hub_client import HubClient, data_token
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.program import Program
from tests.kit.provisioning_client import ProvisioningClient


def test_a_rotation_and_a_revocation(committed: Program, tmp_path: Path) -> None:
    """A new device enrols under the new CA while an old one still connects; then the old CA goes, and the devices are revoked."""
    stack, old_ca, new_ca = committed, Party("Plant CA"), Party("Plant CA")
    first = {"devices": "", "canary": "", "caSource": "import", "evidenceFile": "evidence.jsonl", **written(stack, "old", old_ca)}
    stack.configure(**first)
    stack.up()
    begun = evidence(stack)
    assert kinds(begun) == ["proof", "proof"], "at the hub and at the provisioning service"
    stack.up()
    assert evidence(stack) == begun, "a run in which nothing happened records nothing"
    with stack.azure() as azure:
        stack.control("PATCH", "/settings", {"retry_after": 0})
        hub, service = HubClient(azure, stack.hub(azure), data_token(azure)), the_service(azure, stack.hub(azure))
        with hub.http, service.http:
            old, other = (EnrollingDevice(old_ca.device(name), tmp_path / name) for name in ("saw-1", "saw-2"))
            assert old.register(service).body["status"] == "assigned"

            both = {**first, **written(stack, "new", new_ca), "caPreviousChainFile": "old.pem", "caGeneration": 2, "caKeepPrevious": True}
            stack.configure(**both)
            stack.up()
            both_trusted = evidence(stack)
            assert (begun.is_prefix_of(both_trusted), kinds(both_trusted)[2:]) == (True, ["proof", "proof", "rotation", "rotation"])
            assert "connected" in stack.outputs()["enrollment"]["state"], "the canary enrols under the new CA"
            new = EnrollingDevice(new_ca.device("saw-3"), tmp_path / "new")
            assert (new.register(service).body["status"], other.register(service).body["status"]) == ("assigned", "assigned")
            assert (old.connects(hub), new.connects(hub)) == (True, True)

            last = {**first, **written(stack, "new", new_ca), "caGeneration": 2, "caDropGeneration": 1, "enrollmentCanary": ""}
            stack.configure(**last, disabledEnrollmentGroups=["presses"])
            stack.up()
            assert len(service.service.verified()) == 1
            assert "is disabled, and 3 devices that registered with it, on their hubs" in stack.printed
            assert [one.connects(hub) for one in (old, other, new)] == [False] * 3
    last_log = evidence(stack)
    assert (both_trusted.is_prefix_of(last_log), kinds(last_log)[6:]) == (True, ["revocation", "drop", "drop"])
    revoked, dropped, _ = (one.statement.predicate for one in last_log.records[6:])
    assert (dropped["consent"], revoked["devicesDisabled"], revoked["id"]) == ({"dropGeneration": 1}, 3, "presses")
    assert revoked["deployedBy"]
    assert revoked["deployedBy"] == last_log.records[0].statement.predicate["deployedBy"]
    audited = audit(last_log, [load_certificate(one.pem, what="CA") for one in (old_ca, new_ca)], last_log.stack)
    assert (audited.errors, audited.cover[0]) == ((), last_log.size)
    signed = [one.verdicts[-1] for one in audited.records] + [audited.head and audited.head.verdict]
    assert {*signed} == {Verdict.SIGNED}
    new_key = load_certificate(new_ca.pem, what="CA").public_key()
    assert last_log.head.is_signed_by(new_key), "the CA of now"


def evidence(stack: Program) -> Log:
    """The log in the state, which the file has too."""
    text = stack.outputs()["evidence"]
    assert (stack.folder / "evidence.jsonl").read_text() == f"{text}\n"
    assert "PRIVATE KEY" not in text
    return Log.read(text)


def kinds(log: Log) -> list[str]:
    """What its records are of, in their order."""
    return [str(one.statement.kind) for one in log.records]


def written(stack: Program, name: str, authority: Party) -> dict[str, str]:
    """The settings of a CA whose files are beside the program."""
    (stack.folder / f"{name}.pem").write_text(authority.pem)
    private = authority.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (stack.folder / f"{name}.key").write_bytes(private)
    return {"caChainFile": f"{name}.pem", "caKeyFile": f"{name}.key"}


def the_service(azure: LocalAzure, hub: Hub) -> ProvisioningClient:
    """The program's provisioning service, which is in its hub's resource group."""
    group = hub.id.partition("/providers/")[0]
    (found,) = azure.ask("GET", f"{group}/providers/Microsoft.Devices/provisioningServices").json()["value"]
    return ProvisioningClient(azure, Hub(azure, found["id"]))
