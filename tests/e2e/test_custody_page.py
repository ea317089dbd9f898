"""docs/custody.md: its commands work on local Azure, from the first one on."""

import re
from pathlib import Path

from tests.e2e.test_adopting import Shell
from tests.kit.local_azure import local_azure
from tests.kit.repository import ROOT

PAGE = (ROOT / "docs" / "custody.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)


def test_the_commands_of_the_page_make_a_vault_that_outlives_the_stack(tmp_path: Path) -> None:
    """Its first commands, which start local Azure and choose an engine, are done here by the test; all others are run as they are."""
    first, *others = BLOCKS
    commands = first.splitlines()
    assert [line.split()[:3] for line in commands[:3]] == [
        [".venv/bin/python", "-m", "sandbox"],
        ["eval", '"$(.venv/bin/python', "-m"],
        ["hash", "pulumi", "2>/dev/null"],
    ]
    with local_azure(tmp_path, "--retry-after", "0") as azure:
        shell = Shell(tmp_path / "program", azure, tmp_path / "state")
        printed = [shell.run("\n".join(block)) for block in (commands[3:], *(other.splitlines() for other in others))]
    assert '"proof":"possession"' in printed[0].replace(": ", ":")
    assert printed[1].splitlines()[-1] == "0"
    assert len(printed) == len(BLOCKS) == 4
    assert re.search(r"= 2 imported", printed[2]), "the vault and its group are taken over"
    assert re.search(r"vault '[\w-]+' is not deleted, with its keys and its resource group", printed[2])
