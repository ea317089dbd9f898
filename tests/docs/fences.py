"""What a page shows as code: its fenced blocks, and the code within its sentences and tables, as a parser of CommonMark finds them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.kit.repository import ROOT

_PARSER = MarkdownIt("commonmark").enable("table")
_EVERYWHERE = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md", "sandbox/local-azure-iot/README.md")
_IN_FOLDERS = ("examples/**/*.md", "templates/**/*.md", "sandbox/local-azure-iot/examples/**/*.md")


@dataclass(frozen=True)
class Fence:
    """One fenced block.

    ``line`` is where it begins in its page, from 1. ``section`` is the heading of the second level above it, empty before the first one.
    ``language`` is empty where none is named.
    """

    page: str
    section: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Inline:
    """Code within a sentence or a table, and the line on which its paragraph or row begins."""

    page: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {self.text}"


def pages() -> list[str]:
    """The pages whose commands a reader follows, relative to the repository."""
    found = {path for pattern in (*_EVERYWHERE, *_IN_FOLDERS) for path in ROOT.glob(pattern) if ".venv" not in path.parts}
    return sorted(str(path.relative_to(ROOT)) for path in found if "node_modules" not in path.parts)


def fences(page: str) -> list[Fence]:
    """The fenced blocks of a page, in their order."""
    found, section, tokens = [], "", _parsed(page)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if before and (before.type, before.tag) == ("heading_open", "h2"):
            section = token.content
        elif token.type == "fence" and token.map:
            found.append(Fence(page, section, token.map[0] + 1, token.info.strip().partition(" ")[0], token.content))
    return found


def inline(page: str) -> Iterator[Inline]:
    """The code in the sentences and tables of a page."""
    for token in _parsed(page):
        for child in token.children or ():
            if child.type == "code_inline":
                yield Inline(page, token.map[0] + 1 if token.map else 0, child.content)


def links(page: str) -> Iterator[str]:
    """The targets of the links and pictures of a page."""
    for token in _parsed(page):
        for child in token.children or ():
            if (target := child.attrGet("href") or child.attrGet("src")) is not None:
                yield str(target)


def texts_of_headings(page: str) -> Iterator[str]:
    """The headings of a page as they are read, in their order."""
    tokens = _parsed(page)
    for token, inner in pairwise(tokens):
        if token.type == "heading_open":
            yield "".join(child.content for child in inner.children or () if child.type in ("text", "code_inline"))


@cache
def _parsed(page: str) -> list[Token]:
    return _PARSER.parse(_without_front_matter((ROOT / page).read_text(encoding="utf-8")))


def _without_front_matter(text: str) -> str:
    """The page with empty lines in place of the facts before it, which are YAML: the numbers of its lines stay."""
    if not text.startswith("---\n"):
        return text
    facts, _, rest = text.removeprefix("---\n").partition("\n---\n")
    return "\n" * (facts.count("\n") + 3) + rest
