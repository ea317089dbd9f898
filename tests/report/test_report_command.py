"""`hubtrust report`: what it writes, and that bad input costs no earlier report."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hubtrust.cli.main import main
from hubtrust.report.policy_findings import MOST_OCTETS, ReportError, with_findings

_STACK = {"urn": "urn:pulumi:prod::press::pulumi:pulumi:Stack::press-prod", "type": "pulumi:pulumi:Stack"}
_FINDING = {"policy": "proof-required", "level": "mandatory", "message": "it is not proven: prove it", "resource": "urn:x::y::z::ca"}
_UNCHECKED = {"policy": "custody-allowed", "reason": "signer can't be seen", "resource": "urn:x::y::z::ca"}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """An exported state, as a file."""
    file = tmp_path / "state.json"
    file.write_text(json.dumps({"version": 3, "deployment": {"resources": [_STACK]}}))
    return file


def report(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run the command in this process: its exit code, what it prints, and its errors."""
    code = main(["report", *map(str, arguments)])
    printed = capfd.readouterr()
    assert "Traceback" not in printed.out + printed.err
    return code, printed.out, printed.err


def test_it_writes_the_page_and_the_document(capfd: pytest.CaptureFixture[str], state: Path, tmp_path: Path) -> None:
    """And prints their names, for scripts."""
    out, data = tmp_path / "map.html", tmp_path / "map.json"
    assert report(capfd, "--state", state, "--output", out, "--json", data) == (0, f"{out}\n{data}\n", "")

    assert "Trust of press/prod on" in out.read_text(encoding="utf-8")
    document = json.loads(data.read_text())
    assert (document["version"], document["stack"], document["findings"]) == (1, "press/prod", None)
    assert "The policies were not checked" in out.read_text(encoding="utf-8")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["map.html", "map.json", "state.json"]


def test_findings_are_shown_and_what_a_policy_could_not_see(capfd: pytest.CaptureFixture[str], state: Path, tmp_path: Path) -> None:
    """One line for each policy and reason, however many resources it is."""
    found = tmp_path / "findings.json"
    found.write_text(json.dumps({"version": 1, "findings": [_FINDING], "unchecked": [_UNCHECKED] * 3}))
    out, data = tmp_path / "map.html", tmp_path / "map.json"
    assert report(capfd, "--state", state, "--output", out, "--json", data, "--findings", found)[0] == 0

    document = json.loads(data.read_text())
    assert document["findings"] == [_FINDING]
    assert {"what": "what the policy custody-allowed says of 3 resources", "why": "signer can't be seen"} in document["unseen"]
    assert "it is not proven: prove it" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"", "it is not JSON"),
        (b"\xff\xfe\x00", "it is not JSON in UTF-8"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[]", "`version` 1"),
        (b'{"version": 2, "findings": [], "unchecked": []}', "`version` 1"),
        (b'{"version": 1}', "its `findings` is not a list"),
        (b'{"version": 1, "findings": [7], "unchecked": []}', r"findings\[0\] does not have the texts policy, level"),
        (b'{"version": 1, "findings": [{"policy": 1}], "unchecked": []}', r"findings\[0\]"),
        (b'{"version": 1, "findings": [], "unchecked": [{"policy": "p", "reason": null, "resource": ""}]}', r"unchecked\[0\]"),
        (b" " * (MOST_OCTETS + 1), "it is not an object"),
    ],
)
def test_findings_of_another_form_are_refused(content: bytes, fact: str) -> None:
    """In one line, that says who prints them."""
    with pytest.raises(ReportError, match=fact) as refused:
        with_findings({}, content, "'findings.json'")
    assert str(refused.value).endswith("give what `python policies/findings.py STATE` prints")


@pytest.mark.parametrize(
    ("broken", "fact"),
    [
        ({"--state": "missing.json"}, "'missing.json': it can't be read: No such file"),
        ({"--findings": "missing.json"}, "'missing.json': it can't be read: No such file"),
        ({"--findings": "state.json"}, "its `findings` is not a list"),
        ({"--json": "no/such/folder.json"}, "it can't be written: No such file"),
        ({"--output": "."}, "it can't be written"),
    ],
    ids=str,
)
def test_bad_input_keeps_the_earlier_report(
    capfd: pytest.CaptureFixture[str], state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: dict[str, str], fact: str
) -> None:
    """One line, exit code 1, and no half-written file beside it."""
    monkeypatch.chdir(tmp_path)
    state.write_text(json.dumps({"version": 1, "findings": None}) if broken.get("--findings") == "state.json" else state.read_text())
    Path("report.html").write_text("the earlier report")
    given: dict[str, Any] = {"--state": _another(tmp_path), "--output": "report.html"} | broken
    code, out, err = report(capfd, *(word for pair in given.items() for word in pair))

    assert (code, out, err.count("\n")) == (1, "", 1)
    assert fact in err
    assert Path("report.html").read_text() == "the earlier report"
    assert {each.name for each in tmp_path.iterdir()} == {"report.html", "state.json", "good.json"}


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (("--state", "state.json", "--json", "report.html"), "--output and --json both name it"),
        (("--state", "-", "--findings", "-"), "--state and --findings both read it"),
    ],
)
def test_one_name_has_one_use(
    capfd: pytest.CaptureFixture[str], state: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], fact: str
) -> None:
    """Or the page would take the document's place."""
    monkeypatch.chdir(state.parent)
    code, _, err = report(capfd, *arguments)
    assert code == 1
    assert fact in err
    assert [each.name for each in state.parent.iterdir()] == ["state.json"]


def test_a_link_stays_a_link_and_a_pipe_is_written_to(capfd: pytest.CaptureFixture[str], state: Path, tmp_path: Path) -> None:
    """What is replaced is the file that a link leads to."""
    (tmp_path / "folder").mkdir()
    link, pipe = tmp_path / "latest.html", tmp_path / "pipe"
    link.symlink_to(tmp_path / "folder/today.html")
    assert report(capfd, "--state", state, "--output", link)[0] == 0
    assert link.is_symlink()
    link.chmod(0o600)
    assert report(capfd, "--state", state, "--output", link)[0] == 0
    assert link.stat().st_mode & 0o777 == 0o600  # whoever may read it is as before
    assert "Trust of press/prod" in (tmp_path / "folder/today.html").read_text()

    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reader:
        read = reader.submit(pipe.read_text)
        assert report(capfd, "--state", state, "--output", pipe)[0] == 0
        assert "Trust of press/prod" in read.result()
    assert pipe.is_fifo()


def _another(folder: Path) -> Path:
    good = folder / "good.json"
    good.write_text(json.dumps({"version": 3, "deployment": {"resources": [_STACK]}}))
    return good
