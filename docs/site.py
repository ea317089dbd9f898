"""Makes the site's pages out of the repository's files: hooks of MkDocs, which mkdocs.yml names.

The documents are written for a forge: they lie in the root folder and in docs/, link to files of the repository, and begin a list or a
table right below a sentence. In the site README.md is the first page, links to other files lead to the forge, and lists and tables have
the empty line above them that Python-Markdown needs.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any

from markdown_it import MarkdownIt
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

_ROOT = Path(__file__).resolve().parents[1]
_FROM_ROOT = {"README.md": "index.md", **{name: name for name in ("ARCHITECTURE.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")}}
_LINK = re.compile(r"(?<=\]\()(?!https?://|mailto:|#)([^)\s#]*)(#[^)\s]*)?(?=\))")
_STUB = "components/hubtrust/__init__.pyi"
_BLOCKS = {"bullet_list_open", "ordered_list_open", "table_open", "fence"}


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that lie elsewhere, and the one with the API."""
    for name, page in _FROM_ROOT.items():
        files.append(File.generated(config, page, content=_moved(name, config["repo_url"])))
    files.append(File.generated(config, "api.md", content=api()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:  # noqa: ARG001 - MkDocs gives all four by name
    """The page with links that hold in the site, and with lists and tables that Python-Markdown sees."""
    source = page.file.src_uri
    text = (
        markdown if source in {*_FROM_ROOT.values(), "api.md"} else _relinked(markdown, PurePosixPath("docs", source), config["repo_url"])
    )
    return spaced(text)


def _moved(name: str, repository: str) -> str:
    return _relinked((_ROOT / name).read_text(encoding="utf-8"), PurePosixPath(name), repository)


def _relinked(text: str, page: PurePosixPath, repository: str) -> str:
    """The links of ``page`` (its path in the repository): to a page of the site by its name there, to any other file on the forge."""

    def target(found: re.Match[str]) -> str:
        path = normpath(str(page.parent / found[1]))
        anchor = found[2] or ""
        if not (_ROOT / path).exists():
            raise PluginError(f"{page} links to {found[1]}, which is not there")
        if path in _FROM_ROOT:
            return _FROM_ROOT[path] + anchor
        if path.startswith("docs/") and path.endswith((".md", ".svg")) and path != "docs/_index.md":
            return path.removeprefix("docs/") + anchor
        kind = "tree" if (_ROOT / path).is_dir() else "blob"
        return f"{repository}/{kind}/main/{path}{anchor}"

    return _LINK.sub(target, text)


def spaced(text: str) -> str:
    """The page with an empty line above each list, table and block that stands right below a sentence."""
    lines = text.splitlines()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    starts = {token.map[0] for token in tokens if token.type in _BLOCKS and token.map and token.level == 0}
    return "\n".join(
        line for at, each in enumerate(lines) for line in (["", each] if at in starts and at and lines[at - 1].strip() else [each])
    )


def api() -> str:
    """The page with the public names of the package, each with the module that defines it, from its docstrings."""
    names = [
        (node.module, each.name)
        for node in ast.parse((_ROOT / _STUB).read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.module
        for each in node.names
    ]
    parts = [
        "# Python API",
        "Every name here is imported from `hubtrust`: `from hubtrust import CertificateAuthority, TrustedHub`.",
        *(f"::: hubtrust.{module}.{name}" for module, name in sorted(names, key=lambda each: each[1].lower())),
    ]
    return "\n\n".join([*parts, ""])
