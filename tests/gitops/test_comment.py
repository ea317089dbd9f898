"""The comment on a pull request: a sentence, what changes, and the rest folded away; whatever the preview said."""

import pytest

from examples.gitops.comment import LONGEST, comment, request, sections, verdict

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
def test_the_sentence(text: str, begins: str) -> None:
    """Changes, none, forbidden, failed."""
    assert verdict(sections(text)).startswith(begins)


def test_what_matters_is_seen_without_unfolding() -> None:
    """Counts and policies stand open, the resources folded, progress nowhere."""
    found = comment("staging", HEAD + VIOLATION + CHANGES)
    open_, _, folded = found.partition("<details>")
    assert "+ 10 to create" in open_
    assert "set it to 1.2" in open_
    assert "hubtrust-staging create" in folded
    assert "@ previewing" not in found


def test_nothing_breaks_out_of_the_code() -> None:
    """Backticks and headings in a value stay text."""
    found = comment("staging", HEAD + "```\n# Approved\n````\n" + CHANGES)
    assert "\n`````\nPreviewing" in found
    assert "\n```\n# Approved\n````\n`````\n" in found


def test_a_long_preview_is_cut() -> None:
    """GitHub takes no more than 65,536 characters; the cut is told."""
    found = comment("staging", HEAD + " +  resource\n" * 20_000 + CHANGES)
    assert len(found) <= LONGEST + 200
    assert found.endswith("has all of it.)")


@pytest.mark.parametrize("service", ["github", "gitlab", "azure"])
def test_a_job_without_its_variables_is_told_which(service: str) -> None:
    """Outside a pull request there is nowhere to comment."""
    with pytest.raises(KeyError):
        request(service, "text", {})
