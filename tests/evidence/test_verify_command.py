"""The command `hubtrust verify`: what it prints, and its exit codes."""

import io
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from hubtrust.cli.main import main
from hubtrust.evidence.log import Log
from hubtrust.evidence.statement import Kind
from tests.kit.authorities import hierarchy, pem_of, private_pem
from tests.kit.evidence_logs import STACK, short_log

AUTHORITY = hierarchy(depth=0).issuing
LOG = short_log(AUTHORITY)


@pytest.fixture
def log(tmp_path: Path) -> str:
    """The file of a log of three records."""
    file = tmp_path / "evidence.jsonl"
    file.write_text(LOG.text + "\n")
    return str(file)


def test_a_log_is_confirmed(log: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each record, one for the head and one at the end; the exit code is 0."""
    ca = tmp_path / "ca.pem"
    ca.write_text(pem_of(AUTHORITY.certificate))
    code = main(["verify", log, "--ca", str(ca), "--stack", STACK, "--root", LOG.root_hash.upper()])
    found, lines = capsys.readouterr(), []
    lines = found.out.splitlines()

    assert (code, found.err, len(lines)) == (0, "", 5)
    assert lines[0].startswith("record 1: proof of 'CN=Root' (SHA-256 ")
    assert lines[0].endswith(": self-proving, signed by the CA's key")
    assert " on plant-hub at 2026-06-01T12:00:04Z (correlation id 6d6b4c1e-55d0-4bd6-a8a5-7a8f2b5a4c10): " in lines[0]
    assert lines[3] == f"head: 3 records, root hash {LOG.root_hash}: signed by the CA's key"
    assert lines[4].startswith(f"Confirmed: the log of '{STACK}' is one chain of 3 records")


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever names none sees which there are."""
    with pytest.raises(SystemExit):
        main([])
    found = capsys.readouterr()
    assert (found.out, [command in found.err for command in ("verify", "status", "report")]) == ("", [True] * 3)


def test_the_stacks_output_is_read_from_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As `pulumi stack output evidence | hubtrust verify -` gives it."""
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(LOG.text.encode())))

    assert main(["verify", "-"]) == 0
    assert "Confirmed" in capsys.readouterr().out


def test_what_is_not_confirmed_is_one_line_of_error(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The records are shown, the error names the fact, and the exit code is 1."""
    assert main(["verify", log, "--stack", "contoso/plant/test"]) == 1
    found = capsys.readouterr()

    assert "Confirmed" not in found.out
    assert found.err.count("\n") == 1
    assert "not confirmed: the log is of the stack 'contoso/plant/prod', not of 'contoso/plant/test'; compare" in found.err


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["missing.jsonl"], "'missing.jsonl': it can't be read: No such file or directory; give the log's file"),
        (["."], "'.': it can't be read: Is a directory"),
        (["a\0b"], "it can't be read: its name has a NUL character"),
        (["log", "--ca", "missing.pem"], "--ca 'missing.pem': it can't be read"),
        (["log", "--ca", "log"], "--ca "),
        (["log", "--ca", "key"], "it contains a private key"),
    ],
    ids=["no file", "a folder", "no name", "no CA", "a CA that is none", "a key for the CA"],
)
def test_a_file_that_cant_be_used_is_one_line_of_error(
    arguments: list[str], fact: str, log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever file it is."""
    monkeypatch.chdir(tmp_path)
    Path("key").write_text(private_pem(AUTHORITY.signer._private_key))  # type: ignore[attr-defined]
    assert main(["verify", *[log if one == "log" else one for one in arguments]]) == 1
    found = capsys.readouterr().err

    assert (found.count("\n"), fact in found, "Traceback" in found) == (1, True, False)


@pytest.mark.parametrize(
    "arguments", [[], ["verify"], ["verify", "log", "--root", "12"], ["prove"]], ids=lambda given: " ".join(given) or "none"
)
def test_wrong_usage_has_a_code_of_its_own(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """2, with the usage, so that a pipeline can tell it from a log that is not confirmed."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "usage: hubtrust" in capsys.readouterr().err


def test_a_name_that_the_terminal_cant_write_is_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback where the terminal's encoding lacks a letter."""
    file = tmp_path / "log"
    file.write_text(Log.empty("contoso/Łódź/prod").append(Kind.DROP, AUTHORITY.certificate, {}).text)
    with (tmp_path / "shown").open("w", encoding="latin-1") as shown:
        monkeypatch.setattr("sys.stdout", shown)
        assert main(["verify", str(file)]) == 0

    assert r"\u0141ód\u017a" in (tmp_path / "shown").read_text(encoding="latin-1")


def test_a_reader_that_has_seen_enough_is_no_error(log: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """`hubtrust verify … | head -1` closes the pipe."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as shown:
        monkeypatch.setattr("sys.stdout", shown)
        code = main(["verify", log])

    assert (code, capfd.readouterr().err) == (1, "")
