"""The commands within sentences and tables have the verbs, flags and targets that there are."""

import pytest

from tests.docs.command_names import unknown
from tests.docs.fences import inline, pages


@pytest.mark.parametrize("page", pages())
def test_each_named_command_exists(page: str) -> None:
    """By the parsers that read them: argparse's, the Makefile, the embedded engine's and its list of what Pulumi's CLI alone has."""
    assert [(str(each), missing) for each in inline(page) if (missing := unknown(each.text))] == []


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("make nothing", "nothing"),
        ("make environment FROM=prod TO=staging", None),
        ("pulumi stack outputs", "outputs"),
        ("pulumi stack output key --show-secrets", None),
        ("pulumi up --policies policies", "--policies"),
        ("pulumi stack init prod --secrets-provider azurekeyvault://…", None),
        ("pulumi stack change-secrets-provider passphrase", None),
        ("pulumi package add <folder>", None),
        (".venv/bin/python -m sandbox whence DEVICE", "whence"),
        (".venv/bin/python -m sandbox why DEVICE", None),
        ("local-azure-iot start --name", "--name"),
        ("local-azure-iot run -- pytest --strict", None),
        ("hubtrust verify LOG --certificate ca.pem", "--certificate"),
        ("python -m benchmarks.engine", None),
        ("python -m benchmarks.nothing", "benchmarks.nothing"),
    ],
)
def test_what_does_not_exist_is_found(command: str, missing: str | None) -> None:
    """And what exists is not."""
    assert unknown(command) == missing
