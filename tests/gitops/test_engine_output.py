"""The comment on a pull request: a summary, the changes, and the rest folded, for any output of the preview."""

import pytest

from examples.gitops.engine_output import LONGEST, comment, request, sections, verdict

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


def test_a_long_preview_is_cut() -> None:
    """GitHub accepts at most 65,536 characters; the comment says that it was cut."""
    found = comment("staging", HEAD + " +  resource\n" * 20_000 + CHANGES)
    assert len(found) <= LONGEST + 200
    assert found.endswith("has all of it.)")


@pytest.mark.parametrize("service", ["github", "azure"])
def test_missing_variables_are_named(service: str) -> None:
    """Outside a pull request there is no place for a comment, so the error names the variables."""
    with pytest.raises(KeyError):
        request(service, "text", {})
