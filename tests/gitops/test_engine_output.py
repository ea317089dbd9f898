"""The comment on a pull request: a summary, the changes, and the rest folded, for any output of the preview."""

import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.gitops.engine_output import LONGEST, comment, harmless, log, main, request, sections, verdict

HEAD = "Previewing update (staging):\n@ previewing update....\n +  pulumi:pulumi:Stack hubtrust-staging create\n"
VIOLATION = "Policies:\n    ❌ hubtrust@v1.0.0\n        - [mandatory]  tls-minimum  (hub)\n          set it to 1.2\n\n"
CHANGES = "Resources:\n    + 10 to create\n"


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        (HEAD + CHANGES, "Changes."),
        (HEAD + "Resources:\n    10 unchanged\n", "No changes."),
        (HEAD + VIOLATION + CHANGES, "❌ A policy forbids this."),
        (HEAD + VIOLATION.replace("mandatory", "advisory") + CHANGES, "Changes."),
        (HEAD + "Diagnostics:\n  error: no\n", "❌ The preview failed."),
        ("", "❌ The preview failed."),
    ],
)
def test_the_comment_begins_with_a_summary(text: str, begins: str) -> None:
    """One summary for each result: changes, no changes, a policy violation, a failure."""
    assert verdict(sections(text)).startswith(begins)


def test_counts_and_policies_are_not_folded() -> None:
    """Counts and policies are visible, the resources are folded, and progress is left out."""
    found = comment("staging", HEAD + VIOLATION + CHANGES)
    open_, _, folded = found.partition("<details>")
    assert "+ 10 to create" in open_
    assert "set it to 1.2" in open_
    assert "hubtrust-staging create" in folded
    assert "@ previewing" not in found


def test_values_can_not_break_out_of_the_code_block() -> None:
    """Backticks and headings in a value stay text."""
    found = comment("staging", HEAD + "```\n# Approved\n````\n" + CHANGES)
    assert "\n`````\nPreviewing" in found
    assert "\n```\n# Approved\n````\n`````\n" in found


@pytest.mark.parametrize("line", [" +  resource\n", "`" * 70_000, "x" * 70_000, "`\u200b" * 40_000, "\x00\n", "\U0001f510" * 70_000])
def test_a_long_preview_is_cut(line: str) -> None:
    """GitHub accepts at most 65,536 characters. The result and the policies are still there, and the comment says that it was cut."""
    found = comment("staging", HEAD + line * (70_000 // len(line)) + "\n" + VIOLATION + "Diagnostics:\n" + line + "\n" + CHANGES + line)
    assert len(found) <= LONGEST
    assert "❌ A policy forbids this." in found
    assert "set it to 1.2" in found
    assert "(cut; the job's log has all of it)" in found
    assert found.endswith("</details>")


def test_a_preview_that_failed_on_the_way_is_no_success() -> None:
    """The engine counts what it planned before a resource failed."""
    text = HEAD + "Diagnostics:\n  hubtrust:Hub (hub):\n    error: no\n" + "Resources:\n    + 3 to create\n    1 errored\n"
    assert verdict(sections(text)).startswith("❌ The preview failed.")
    assert verdict(sections(HEAD + "Resources:\n    + 3 to create\n    1 errored\n")).startswith("❌ The preview failed.")


@pytest.mark.parametrize("stack", ["a`b", "``", "a\nb", "a\r# Approved", "x" * 200, "<script>", "\u202egnigats"])
def test_a_stacks_name_is_text(stack: str) -> None:
    """Whatever the name, the heading is one line with one code span."""
    heading, _, rest = comment(stack, HEAD + CHANGES).partition("\n")
    assert re.fullmatch(r"### Preview of `[^`\n]*`", heading)
    assert len(heading) < 150
    assert heading.isprintable()
    assert rest.startswith("\nChanges.")


COMMANDS = [
    "##vso[task.setvariable variable=PATH]/evil",
    "##VSO[task.complete result=Succeeded]",
    "a tag: ##vso[task.prependpath]/evil",
    "###vso[task.setvariable variable=a]b",
    "##[error]forged",
    "##[add-path]/evil",
    "::error file=a::forged",
    "  ::add-mask::a",
    "\t::stop-commands::x",
    "harmless\r##vso[task.setvariable variable=a]b",
    "harmless\r::error::forged",
    "##v\u200bso[task.setvariable variable=a]b",
    "#\u00ad#vso[task.setvariable variable=a]b",
    "##vso\u034f[task.setvariable variable=a]b",
    "##vso\x00[task.setvariable variable=a]b",
    "\ufeff::error::forged",
    ":\u200b:error::forged",
    "\x1b[0Ksection_start:1:a\r\x1b[0Kforged",
    "\u2028::error::forged",
]


def obeyed(line: str) -> bool:
    """Whether a runner finds a command in the line, as .NET searches: characters without a width are not there.

    Its reader ends a line at a carriage return too.
    """
    for part in re.split(r"[\r\n]", line):
        seen = "".join(one for one in part if " " <= one <= "~").lower()
        if "##vso[" in seen or "##[" in seen or seen.lstrip().startswith("::"):
            return True
    return "\x1b" in line


@pytest.mark.parametrize("line", COMMANDS)
def test_no_forge_finds_a_command_in_the_log(line: str) -> None:
    """What others wrote is printed, and obeyed by nobody."""
    assert obeyed(line), "the test knows the command"
    target = io.BytesIO()
    log(io.BytesIO(f"before\n{line}\nafter".encode()), target)
    before, *between, after = target.getvalue().decode().splitlines()
    assert (before, len(between), after) == ("before", 1, "after")
    assert not obeyed(between[0])


@given(st.text(alphabet=st.sampled_from("#vsoVSO[]:ab \t\r\x00\u200b\u034f\u00ad\ufeff\x1b`@<"), max_size=24))
@settings(max_examples=300, deadline=None)
def test_no_text_becomes_a_command(text: str) -> None:
    """Any mixture of the characters that commands are made of; a second time changes nothing."""
    made = harmless(text)
    assert not obeyed(made)
    assert harmless(made) == made


def test_ordinary_output_is_left_as_it_is() -> None:
    """Lists, emoji, tabs, URNs and comments of code are no commands."""
    lines = [
        "- [mandatory] rule",
        "  ❌ hubtrust@v1.0.0 ⚠️",
        "urn:pulumi:staging::hubtrust::tls:index:Key::key",
        "## heading",
        "a\t#1",
    ]
    assert [harmless(line) for line in lines] == lines


def test_bytes_that_are_no_text_are_printed() -> None:
    """An invalid UTF-8 sequence doesn't end the job."""
    target = io.BytesIO()
    log(io.BytesIO(b"a\xff\n"), target)
    assert target.getvalue() == "a\ufffd\n".encode()


def test_gitlab_gets_counts_and_violations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two reports: how many resources change, and a failed test for each violated rule, with any text in it."""
    monkeypatch.chdir(tmp_path)
    violation = VIOLATION.replace("set it to 1.2", 'set it to <1.2> & "no" ]]>\x00')
    said = HEAD + violation + "Resources:\n    + 10 to create\n    ~ 2 to update\n    +-1 to replace\n    - 3 to delete\n"
    Path("preview.txt").write_text(said)
    assert main(["reports", "preview.txt"]) == 0
    assert json.loads(Path("changes.json").read_text()) == {"create": 11, "update": 2, "delete": 4}
    (case,) = ET.fromstring(Path("policies.xml").read_text()).iter("testcase")  # noqa: S314 - made by ourselves
    assert (case.attrib["name"], case.attrib["classname"]) == ("tls-minimum", "(hub)")
    assert case[0].tag == "failure"
    assert case[0].attrib["message"] == 'set it to <1.2> & "no" ]]>\\x00'


def test_gitlab_gets_reports_of_a_preview_that_left_no_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that failed early, or a file that is none: nothing is read through a link."""
    monkeypatch.chdir(tmp_path)
    Path("secret").write_text(CHANGES)
    Path("preview.txt").symlink_to("secret")
    assert main(["reports", "preview.txt"]) == 0
    assert json.loads(Path("changes.json").read_text()) == {"create": 0, "update": 0, "delete": 0}


@pytest.mark.parametrize("arguments", [[], ["comment"], ["comment", "gitlab", "a", "b"], ["log", "a"], ["reports"], ["other"]])
def test_wrong_arguments_are_named(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The error says which verbs there are."""
    assert main(arguments) == 2
    assert "use log, comment github|azure STACK FILE, or reports FILE" in capsys.readouterr().err


@pytest.mark.parametrize("service", ["github", "azure"])
def test_missing_variables_are_named(service: str) -> None:
    """Outside a pull request there is no place for a comment, so the error names the variables."""
    with pytest.raises(KeyError):
        request(service, "text", {})
