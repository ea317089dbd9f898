"""Every `noqa` gives its reason on the line."""

import re
import subprocess

from tests.kit.repository import ROOT

_SUPPRESSED = re.compile(r"#\s*noqa\b(?!: [A-Z]+[0-9]+(, [A-Z]+[0-9]+)* - \S)")


def test_every_noqa_has_its_rules_and_a_reason() -> None:
    """`# noqa: RULE - reason`; ruff itself reports the ones that suppress nothing."""
    files = subprocess.run(["git", "grep", "-lI", "noqa", "--", "*.py", "tests/**"], cwd=ROOT, capture_output=True, text=True, check=True)
    wanting = [
        f"{name}:{number}: {line.strip()}"
        for name in files.stdout.split()
        if name != "tests/test_noqa.py"
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1)
        if _SUPPRESSED.search(line)
    ]
    assert not wanting, "\n".join(wanting)
