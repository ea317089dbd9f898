"""Links between the documents lead to files and headings that there are, as the forge makes their anchors."""

import re
from collections import Counter
from functools import cache

import pytest

from tests.docs.fences import links, pages, texts_of_headings
from tests.kit.repository import ROOT

PAGES = [*pages(), "ARCHITECTURE.md", "CHANGELOG.md"]
_ELSEWHERE = re.compile(r"[a-z]+:")


@cache
def anchors(page: str) -> frozenset[str]:
    """The anchors of a page's headings: small letters, hyphens for spaces, and no punctuation; a number where one occurs again."""
    found: Counter[str] = Counter()
    names = set()
    for text in texts_of_headings(page):
        name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        names.add(f"{name}-{found[name]}" if found[name] else name)
        found[name] += 1
    return frozenset(names)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Within the repository; addresses elsewhere are not asked."""
    wrong = []
    for target in links(page):
        if _ELSEWHERE.match(target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        known = file.exists() and (not anchor or file.suffix != ".md" or anchor in anchors(str(file.resolve().relative_to(ROOT))))
        wrong += [] if known else [target]
    assert wrong == []
