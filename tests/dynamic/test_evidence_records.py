"""EvidenceRecords: when records are written and signed, which copy of a log is continued, and that no record is lost or written twice."""

import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest

from hubtrust import signer_inputs
from hubtrust.custody import state
from hubtrust.dynamic import evidence_records
from hubtrust.dynamic.evidence_records import EvidenceRecordsProvider
from hubtrust.errors import HubtrustError
from hubtrust.evidence.audit import audit
from hubtrust.evidence.log import Log
from hubtrust.inputs import Properties
from hubtrust.pki.certificate import load_certificate, rfc3339
from hubtrust.pki.errors import PkiError
from tests.kit.root_authority import RootAuthority

STACK, HUB = "organization/plant/prod", "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"
AUTHORITY, NEXT = RootAuthority(), RootAuthority("Plant B")
CODES = ["A1" * 24, "B2" * 24, "C3" * 24]
PROOFS = {id(ca): [ca.proof(code) for code in CODES] for ca in (AUTHORITY, NEXT)}
ACCEPTED = rfc3339(datetime.now(UTC))  # a proof is valid for a day
PROVIDER = EvidenceRecordsProvider()
STANDS = "what was proven is trusted all the same, and the next run writes the records"


@pytest.fixture(autouse=True)
def logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A login without Azure, and the program's folder."""

    class Login:
        def token(self, _scope: str) -> str:
            return jwt.encode({"oid": "O", "tid": "T"}, "a key that nobody verifies this token with")

    monkeypatch.setattr(evidence_records, "login", lambda *_: Login())
    monkeypatch.chdir(tmp_path)


def certificate(authority: RootAuthority = AUTHORITY, generation: int = 1, *, times: int = 1, **changes: Any) -> dict[str, Any]:
    """The fact of a certificate that was proven so many times."""
    ids = {"requestId": "R", "correlationId": "C", "deployedBy": None, "commit": None, "acceptedAt": ACCEPTED}
    proofs = [{"code": CODES[one], "proof": PROOFS[id(authority)][one], "etag": f"E{one}", **ids} for one in range(times)]
    known = {"service": HUB, "certificateName": f"plant-g{generation}", "authority": "plant", "generation": generation, "etag": f"E{times}"}
    shown = {"state": "verified", "proof": "possession", "certificate": authority.pem, "proofs": proofs}
    return {"kind": "certificate", **known, **shown, **changes}


def declared(*facts: dict[str, Any], signed_by: RootAuthority | None = AUTHORITY, **more: Any) -> dict[str, Any]:
    """The inputs of a stack with these facts."""
    signers = [{"certificate": signed_by.pem, "signer": signer_inputs.in_state(signed_by.private_pem)}] if signed_by else None
    news = {"stack": STACK, "facts": [json.dumps(one) for one in facts], "signers": signers, **more}
    return {name: value for name, value in news.items() if value is not None}


def up(olds: Properties | None, news: dict[str, Any]) -> Properties:
    """The outputs after a run, which does nothing where nothing differs."""
    if olds is None:
        return PROVIDER.created(news)[1]
    return PROVIDER.updated(STACK, olds, news) if PROVIDER.difference(olds, news).updates else olds


def refused(olds: Properties | None, news: dict[str, Any]) -> str:
    """The error of a run, in one line."""
    with pytest.raises(HubtrustError) as error:
        up(olds, news)
    assert "\n" not in str(error.value)
    return str(error.value)


def kinds(outs: Properties) -> list[str]:
    """What the records in these outputs are of."""
    return [str(one.statement.kind) for one in Log.read(outs["log"]).records]


def test_a_run_in_which_nothing_happened_changes_nothing() -> None:
    """Facts in another form are the same; what signs, the login and the commit are no difference. A key is used by no diff and no read."""
    first = up(None, declared(certificate()))
    assert (kinds(first), first["size"]) == (["proof"], 1)
    other = declared(certificate(service=HUB.upper()), signed_by=None)
    assert up(first, other) == PROVIDER.found(STACK, first) == first
    assert PROVIDER.difference(first, other).updates is False
    audited = audit(Log.read(first["log"]), [AUTHORITY.certificate], STACK)
    assert (audited.errors, audited.cover[0]) == ((), 1)


def test_a_state_without_its_log_is_told() -> None:
    """Policies take an absent log for one that a preview does not know, so a run must not end well without it."""
    first = up(None, declared(certificate()))
    told = refused({name: value for name, value in first.items() if name != "log"}, declared(certificate()))
    assert "no output 'log'" in told


def test_each_run_appends_to_the_log_of_the_last_one() -> None:
    """A second proof, a rotation, then a drop; all of it is signed, and says who ran it and when."""
    first = up(None, declared(certificate()))
    second = up(first, declared(certificate(times=2)))
    rotated = up(second, declared(certificate(NEXT, 2), certificate(times=2), signed_by=NEXT))
    dropped = up(rotated, declared(certificate(NEXT, 2), signed_by=NEXT))
    assert kinds(dropped) == ["proof", "proof", "proof", "rotation", "drop"]
    logs = [Log.read(each["log"]) for each in (first, second, rotated, dropped)]
    assert all(one.is_prefix_of(next_one) for one, next_one in itertools.pairwise(logs))
    assert all(one.envelope.signature for one in logs[-1].records)
    said = logs[-1].records[-1].statement.predicate
    assert (said["deployedBy"], said["recordedAt"][-1]) == ({"objectId": "O", "tenantId": "T"}, "Z")
    assert audit(logs[-1], [], STACK).errors == ()


def test_without_a_key_records_are_not_signed() -> None:
    """Custody offline: a proof shows itself. A key of somebody else signs nothing."""
    offline = [{"certificate": AUTHORITY.pem, "signer": signer_inputs.offline()}]
    wrong = [{"certificate": AUTHORITY.pem, "signer": signer_inputs.in_state(NEXT.private_pem)}]
    for signers in (None, offline, wrong):
        log = Log.read(up(None, declared(certificate(), signed_by=None, signers=signers))["log"])
        assert (log.records[0].envelope.signature, log.head.signature) == (None, None)
        assert audit(log, [AUTHORITY.certificate], STACK).errors == ()


def test_a_key_that_refuses_loses_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run fails in one line that says that the trust stands; the next run writes what is missing."""

    def refuse(*_: Any) -> bytes:
        raise PkiError("key 'ca' in vault 'kv'", "the vault does not answer", "run again")

    news = declared(certificate(times=2))
    before = up(None, declared(certificate()))
    with monkeypatch.context() as patched:
        patched.setattr(type(state.read({"privateKey": AUTHORITY.private_pem})), "sign", refuse)
        assert PROVIDER.difference(before, news).updates is True
        said = refused(before, news)
    assert said.startswith("the evidence log: the records of this run can't be signed: key 'ca' in vault 'kv': the vault does not answer;")
    assert said.endswith(STANDS)
    assert kinds(up(before, news)) == ["proof", "proof"]


def test_the_file_has_the_log_and_outlives_the_stack(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its bytes are the output and a line feed; a destroy leaves it and says so, and the next up continues it without its state."""
    news = declared(certificate(), file="evidence/log.jsonl")
    first, file = up(None, news), tmp_path / "evidence" / "log.jsonl"
    assert file.read_text() == f"{first['log']}\n"
    assert [each.name for each in file.parent.iterdir()] == ["log.jsonl"]
    PROVIDER.deleted(STACK, first)
    assert f"the evidence log of 1 records stays in 'evidence/log.jsonl' (root hash {first['rootHash']})" in capfd.readouterr().out
    again = up(None, declared(certificate(times=2), file="evidence/log.jsonl"))
    assert kinds(again) == ["proof", "proof"], "the proof that the file has is not recorded twice"
    assert Log.read(first["log"]).is_prefix_of(Log.read(file.read_bytes()))
    PROVIDER.deleted(STACK, {name: value for name, value in again.items() if name != "file"})
    assert "leaves with the state; a stack's setting evidenceFile keeps it in a file" in capfd.readouterr().out


def test_a_run_that_ended_between_file_and_state_is_not_recorded_twice(tmp_path: Path) -> None:
    """The file is ahead of the state: it is the log, and what it has already is left out. With a later change, that is added."""
    news = declared(certificate(), file="log.jsonl")
    state_before = up(None, news)
    group = {"kind": "enrollment", "service": HUB, "form": "group", "id": "line-1", "status": "disabled", "revoked": 2}
    killed = declared(certificate(times=2), group, file="log.jsonl")
    unsaved = up(state_before, killed)
    assert kinds(unsaved) == ["proof", "proof", "revocation"]
    assert up(state_before, killed)["log"] == unsaved["log"]
    later = up(state_before, declared(certificate(times=3), group, file="log.jsonl"))
    assert kinds(later) == ["proof", "proof", "revocation", "proof"]
    assert (tmp_path / "log.jsonl").read_text() == f"{later['log']}\n"
    (tmp_path / "log.jsonl").write_text(f"{state_before['log']}\n")
    assert kinds(up(later, declared(certificate(times=3), file="log.jsonl"))) == [*kinds(later), "drop"], "the state is ahead of the file"


@pytest.mark.parametrize("case", ["another log", "another stack's", "damaged", "not a log", "CR LF", "cut off", "forged", "a folder"])
def test_a_file_that_contradicts_is_refused_and_kept(tmp_path: Path, case: str) -> None:
    """In one line; file and state are as they were."""
    file, first = tmp_path / "log.jsonl", up(None, declared(certificate()))
    foreign = up(None, declared(certificate(NEXT), signed_by=NEXT))["log"]
    others = up(None, declared(certificate()) | {"stack": "organization/plant/dev"})["log"]
    texts = {"another log": foreign, "another stack's": others, "damaged": first["log"].replace("A", "B", 1), "not a log": "{}"}
    forged = {"code": CODES[2], "proof": PROOFS[id(AUTHORITY)][1], "service": HUB, "acceptedAt": ACCEPTED}
    texts["forged"] = Log.read(first["log"]).append("proof", load_certificate(AUTHORITY.pem, what="CA"), forged).text
    texts |= {"CR LF": first["log"].replace("\n", "\r\n"), "cut off": first["log"].split("\n")[0]}
    if case == "a folder":
        file.mkdir()
    else:
        file.write_bytes(texts[case].encode())
    known = None if case == "another stack's" else first
    said = refused(known, declared(certificate(times=2), file="log.jsonl"))
    assert said.startswith("the evidence file 'log.jsonl'")
    told = {"another log": "neither continues the other", "another stack's": "its log is of the stack 'organization/plant/dev'"}
    told["forged"] = "records that the state does not have, and they are not confirmed: record 2 (proof): "
    told |= {"CR LF": "take them out (`tr -d", "cut off": "or move it away: the log that the state has goes into a new one"}
    assert told.get(case, "") in said
    assert case == "a folder" or file.read_bytes() == texts[case].encode()


def test_a_file_that_cant_be_written_loses_nothing(tmp_path: Path) -> None:
    """The state keeps the last run's log; once the folder is there, the next run writes all of it."""
    (tmp_path / "folder").write_text("a file")
    first = up(None, declared(certificate()))
    said = refused(first, declared(certificate(times=2), file="folder/log.jsonl"))
    assert said.startswith("the evidence file 'folder/log.jsonl': it can't be")
    (tmp_path / "folder").unlink()
    assert kinds(up(first, declared(certificate(times=2), file="folder/log.jsonl"))) == ["proof", "proof"]


def test_no_key_is_in_a_log(tmp_path: Path) -> None:
    """Nor in the outputs or the file."""
    outs = up(None, declared(certificate(), certificate(NEXT, 2), file="log.jsonl"))
    for key in (AUTHORITY.private_pem, NEXT.private_pem):
        body = key.splitlines()[1]
        assert body not in json.dumps(outs) + (tmp_path / "log.jsonl").read_text()


@pytest.mark.parametrize(
    "facts",
    [["noise"], ["[]"], ["{}"], "not a list", [7], [json.dumps({"kind": "certificate"})]],
)
def test_facts_that_are_none_are_refused_in_check(facts: Any) -> None:
    """Whoever declares EvidenceRecords without EvidenceLog is told in one line."""
    (told,) = PROVIDER.refusals({}, declared(certificate()) | {"facts": facts})
    assert "use EvidenceLog" in told.reason or "give each fact as JSON text" in told.reason
