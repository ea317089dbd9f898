"""`hubtrust status`: its three forms and its exit codes, on files of every kind. It never ends with a traceback."""

import copy
import io
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubtrust.cli import status_metrics, status_table
from hubtrust.cli.main import main
from hubtrust.inventory.inventory import Inventory
from hubtrust.inventory.records import document
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

NASTY = 'a\x1b[31m"b\\c\nd\u202e\u200b<b>'
SERIES = re.compile(r'(?P<name>[a-z_]+)(?:\{(?P<labels>(?:[a-z0-9_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (?P<value>[0-9.e+-]+)')
LABEL = re.compile(r'([a-z0-9_]+)="((?:[^"\\\n]|\\["\\n])*)"')


@pytest.fixture
def state(plant: Any, tmp_path: Path) -> Path:
    """The export of the deployed stack, as a file."""
    found = tmp_path / "state.json"
    found.write_text(plant.exported)
    return found


def status(capfd: Any, *arguments: object) -> tuple[int, str, str]:
    """Run the command in this process: its exit code, what it prints, and its errors."""
    code = main(["status", *map(str, arguments)])
    printed = capfd.readouterr()
    assert "Traceback" not in printed.out + printed.err
    return code, printed.out, printed.err


def renamed(exported: str, **names: str) -> dict[str, Any]:
    """The export with other names of resources, certificates and devices."""
    found: dict[str, Any] = json.loads(exported)
    for one in found["deployment"]["resources"]:
        outputs = one.get("outputs") or {}
        for name, value in names.items():
            if name in outputs:
                outputs[name] = value
    return found


def test_the_table(capfd: Any, state: Path) -> None:
    """At most 80 columns; it names each CA, service, proof and date, then what is due, then what was not seen."""
    code, said, _ = status(capfd, "--state", state, "--within", "5")
    assert code == 0
    lines = said.splitlines()
    assert max(map(len, lines)) <= 80
    assert re.search(r"^  issuing CN=Contoso Plant issuing CA +state +1,824 from \d{4}-\d\d-\d\d$", said, re.MULTILINE)
    assert re.search(r"^  trusts plant-g1-[0-9a-f]{8} +possession \d{4}-\d\d-\d\d  1,824 days$", said, re.MULTILINE)
    assert re.search(r"^  trusts portal +unverified +2,999 days$", said, re.MULTILINE)
    parts = [
        "CA CERTIFICATE",
        "IoT hub plant",
        "Provisioning service plant",
        "DEVICE CERTIFICATE (6)",
        "DUE IN THE NEXT 90 DAYS",
        "NOT SEEN",
    ]
    places = [next(place for place, line in enumerate(lines) if line.startswith(part)) for part in parts]
    assert places == sorted(places)


def test_exit_codes(capfd: Any, state: Path) -> None:
    """3: something ends within the days that count as soon, by default 30."""
    assert [status(capfd, "--state", state, *days)[0] for days in ((), ("--within", "9"), ("--within", "10"))] == [3, 0, 3]


@pytest.mark.parametrize(
    "arguments", [(), ("--state", "a", "--stack", "b"), ("--state", "a", "--json", "--prometheus"), ("--within", "-1")]
)
def test_wrong_usage(capfd: Any, arguments: tuple[str, ...]) -> None:
    """Exit code 2 and what is wrong; nothing is read."""
    with pytest.raises(SystemExit, match="2"):
        main(["status", *arguments])
    assert "error:" in capfd.readouterr().err


def test_json_is_the_document(capfd: Any, state: Path, plant: Any) -> None:
    """The same document as the inventory's, also from stdin."""
    code, said, _ = status(capfd, "--state", state, "--json")
    found = json.loads(said)
    inventory = Inventory.of(json.loads(plant.exported)["deployment"], datetime.fromisoformat(found["at"]))
    assert (code, found) == (3, inventory.document())


def test_stdin(capfd: Any, monkeypatch: pytest.MonkeyPatch, plant: Any) -> None:
    """A pipe from `pulumi stack export`."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(plant.exported.encode())))
    assert "Contoso Plant" in status(capfd, "--state", "-")[1]


def test_a_stack_by_its_name(capfd: Any, monkeypatch: pytest.MonkeyPatch, state: Path, tmp_path: Path) -> None:
    """Pulumi's CLI is run once, without secrets; what it refuses is told in one line, and so is that it is missing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    code, _, error = status(capfd, "--stack", "prod")
    assert (code, "`pulumi` is not on PATH" in error, len(error.splitlines())) == (1, True, 1)
    cli = folder / "pulumi"
    wanted, refused = "stack export --stack=prod --non-interactive", 'echo "error: no stack named $3" >&2; exit 255'
    cli.write_text(f'#!/bin/sh\n[ "$*" = "{wanted}" ] || {{ {refused}; }}\nexec /bin/cat {state}\n')
    cli.chmod(0o755)
    assert "Contoso Plant" in status(capfd, "--stack", "prod")[1]
    code, _, error = status(capfd, "--stack", "other")
    assert (code, "no stack named --stack=other" in error, len(error.splitlines())) == (1, True, 1)


def test_files_that_are_no_export(capfd: Any, tmp_path: Path, plant: Any) -> None:
    """Each is refused in one line that shows nothing of its content, and that says what to give."""
    whole = plant.exported
    key = "-----BEGIN PRIVATE KEY-----"
    wrong = {
        "it is empty": b" \n",
        "it is no JSON": key.encode(),
        "not all of it": whole[: len(whole) // 2].encode(),
        "no member `deployment`": json.dumps({"outputs": key}).encode(),
        "its version is 2": b'{"version": 2, "deployment": {}}',
        'its version is "3"': b'{"version": "3", "deployment": {}}',
        "its `deployment` is no object": b'{"version": 3, "deployment": []}',
        "it is no text": b"\x80\x81",
        "nested too deeply": b'{"version": 3, "deployment": ' + b"[" * 200_000,
        "exported stack": b"[]",
    }
    place = tmp_path / "wrong"
    for fact, content in wrong.items():
        place.write_bytes(content)
        code, said, error = status(capfd, "--state", place)
        assert (code, said, len(error.splitlines())) == (1, "", 1), error
        assert fact in error
        assert key not in error
    for missing in (tmp_path / "nothing", tmp_path):
        code, _, error = status(capfd, "--state", missing)
        assert (code, "it can't be read: " in error, len(error.splitlines())) == (1, True, 1)


def test_other_forms_of_a_state(capfd: Any, state: Path, plant: Any) -> None:
    """A checkpoint of a backend in files is read like an export, and so is what PowerShell's `>` writes."""
    told = status(capfd, "--state", state, "--json")[1]
    deployment = json.loads(plant.exported)["deployment"]
    checkpoint = json.dumps({"version": 3, "checkpoint": {"stack": "organization/plant/dev", "latest": deployment}})
    forms = [checkpoint.encode(), plant.exported.encode("utf-16"), plant.exported.encode("utf-8-sig")]
    for form in forms:
        state.write_bytes(form)
        assert json.loads(status(capfd, "--state", state, "--json")[1])["authorities"] == json.loads(told)["authorities"]
    state.write_text(json.dumps({"version": 3, "checkpoint": {"stack": "organization/plant/dev"}}))
    assert "it is empty, or was destroyed" in " ".join(status(capfd, "--state", state)[1].split())


def test_names_of_others(capfd: Any, state: Path, plant: Any) -> None:
    """Control characters, escape sequences and what can't be seen are shown as escapes, in the table, the metrics and the document."""
    changed = renamed(plant.exported, certificateName=NASTY, registrationId=NASTY, fleetName=NASTY, groupId=NASTY, custody=NASTY)
    state.write_text(json.dumps(changed))
    for form in ((), ("--prometheus",), ("--json",)):
        said = status(capfd, "--state", state, *form)[1]
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u200b]", said)
        assert "\\x1b[31m" in said or "\\u001b[31m" in said
    json_text = status(capfd, "--state", state, "--json")[1]
    assert NASTY in {one["certificateName"] for one in json.loads(json_text)["services"][0]["trusts"]}


def test_a_terminal_without_our_characters(monkeypatch: pytest.MonkeyPatch, state: Path, plant: Any) -> None:
    """Letters that it does not have are escapes."""
    state.write_text(json.dumps(renamed(plant.exported, certificateName="Prüfstand-Ω")))
    for form, expected in (((), b"Pr\\xfcfstand-\\u03a9"), (("--prometheus",), "Prüfstand-Ω".encode())):
        out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        monkeypatch.setattr(sys, "stdout", out)
        main(["status", "--state", str(state), *form])
        out.flush()
        assert expected in out.buffer.getvalue()  # type: ignore[attr-defined] # it is a BytesIO


def test_promtool_takes_the_metrics(capfd: Any, state: Path, plant: Any) -> None:
    """Prometheus' own tool parses them and finds nothing to say, whatever the names are, and for a stack that is empty."""
    tool = shutil.which("promtool")
    need(tool, "`promtool` (package prometheus) is not installed")
    states = [
        plant.exported,
        json.dumps(renamed(plant.exported, certificateName=NASTY, deviceId=NASTY)),
        '{"version": 3, "deployment": null}',
    ]
    for one in states:
        state.write_text(one)
        said = status(capfd, "--state", state, "--prometheus")[1]
        done = subprocess.run([str(tool), "check", "metrics"], input=said, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_pages_alerts(capfd: Any, state: Path, tmp_path: Path) -> None:
    """Prometheus takes the alerts of docs/status.md; they ask for metrics that the page describes, and that are written."""
    tool = shutil.which("promtool")
    need(tool, "`promtool` (package prometheus) is not installed")
    page = (ROOT / "docs" / "status.md").read_text(encoding="utf-8")
    (rules,) = re.findall("```yaml\n(groups:.*?)```", page, re.DOTALL)
    (tmp_path / "rules.yaml").write_text(rules)
    done = subprocess.run([str(tool), "check", "rules", str(tmp_path / "rules.yaml")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    written = set(re.findall(r"^# TYPE (\w+) gauge$", status(capfd, "--state", state, "--prometheus")[1], re.MULTILINE))
    described = set(re.findall(r"^\| .*$", page, re.MULTILINE))
    named = set(re.findall(r"hubtrust_\w+", "".join(described)))
    optional = {one for one in named if one.startswith("hubtrust_live_")}
    assert written == named - optional
    assert set(re.findall(r"hubtrust_\w+", rules)) <= named


def test_metrics(capfd: Any, state: Path) -> None:
    """Every line is one of the format; each metric has its help, its type and, of seconds, its unit; what they count is right."""
    said = status(capfd, "--state", state, "--prometheus")[1]
    series = [SERIES.fullmatch(line) for line in said.splitlines() if not line.startswith("#")]
    assert all(series)
    values = {(one["name"], *sorted(LABEL.findall(one["labels"] or ""))): float(one["value"]) for one in series if one}
    assert len(values) == len(series), "no two series have the same labels"
    by_name = {one["name"] for one in series if one}
    for name in by_name:
        assert f"# HELP {name} " in said
        assert f"# TYPE {name} gauge" in said
        assert (f"# UNIT {name} seconds" in said) == name.endswith("_seconds")
    devices = {dict(labels)["status"]: value for (name, *labels), value in values.items() if name == "hubtrust_devices"}
    assert devices == {"enabled": 21, "disabled": 1}
    ending = {dict(labels)["within"]: value for (name, *labels), value in values.items() if name == "hubtrust_device_certificates_ending"}
    assert ending == {"7d": 0, "30d": 5, "90d": 6}
    assert values["hubtrust_unseen", ("stack", "organization/plant/dev")] == 1


@settings(max_examples=50)
@given(st.text())
def test_a_label_is_its_value(value: str) -> None:
    """Whoever unescapes a label as Prometheus does gets the text that is shown to people: one line, printable."""
    written = status_metrics.label_value(value)
    assert re.fullmatch(r'(?:[^"\\\n]|\\["\\n])*', written)
    read = re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), written)
    assert read == status_metrics.shown(value, status_metrics._LONGEST)
    assert f"x{read}".isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(NASTY),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("4dabf18193072939515e22adb298388d"), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=30)
@given(st.data())
def test_any_value_anywhere(plant: Any, data: st.DataObject) -> None:
    """A state with any JSON value in place of any other is read: each form is written, and what can't be read is left out."""
    deployment = json.loads(plant.exported)["deployment"]
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = deployment
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = data.draw(st.sampled_from(keys))
            inner = place[key]
            if not (isinstance(inner, dict | list) and inner) or data.draw(st.integers(0, 7)) == 0:
                place[key] = data.draw(JSON)
                break
            place = inner
    inventory = Inventory.of(deployment, datetime(2026, 11, 30, tzinfo=UTC))
    json.dumps(inventory.document()).encode()
    status_table.text(inventory, None).encode()
    status_metrics.text(inventory, ()).encode()


def test_bounded_series(plant: Any) -> None:
    """However many certificates there are, a metric has a bounded number of series, and says what it left out."""
    deployment = json.loads(plant.exported)["deployment"]
    trusted = next(one for one in deployment["resources"] if one["type"].endswith(":VerifiedCertificate"))
    for number in range(status_metrics.MOST_TRUSTS):
        more = copy.deepcopy(trusted)
        more["outputs"]["certificateName"] = f"ca-{number}"
        deployment["resources"].append(more)
    said = status_metrics.text(Inventory.of(deployment, datetime.now(UTC)), None)
    assert said.count("\nhubtrust_certificate_trusted_info{") == status_metrics.MOST_TRUSTS
    assert "more of hubtrust_certificate_trusted_info are left out" in said


def test_documents_have_names_of_json() -> None:
    """A part of an inventory becomes JSON: nothing else is in it."""
    assert document(({"a": datetime(2026, 1, 2, tzinfo=UTC)}, None)) == [{"a": "2026-01-02T00:00:00Z"}, None]
