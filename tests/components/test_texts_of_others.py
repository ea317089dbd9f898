"""Azure's and libraries' texts in errors of ours: one line, never cut within a word, and it shows where something is left out."""

import pytest

from hubtrust.errors import one_line

_SENTENCE = "The subscription is not registered to use this namespace, and nothing can be created in it until it is."


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Not\n  found. ", "Not found"),
        (f"{_SENTENCE} " * 3, f"{_SENTENCE[:-1]} …"),  # a whole sentence, if that is more than half of what fits
        ("word " * 100, f"{'word ' * 29}word …"),
        ("x" * 400, f"{'x' * 150} …"),
        ("", ""),
        ("x" * 150, "x" * 150),
    ],
)
def test_a_long_text_ends_after_a_sentence_or_a_word(given: str, shown: str) -> None:
    """Nothing is cut within a word, unless there is only one."""
    assert one_line(given, most=150) == shown
