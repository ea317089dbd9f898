"""The page as a browser shows it: without a violation that axe-core finds, without a request, on a phone, on paper, by keyboard."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs.trust_map_picture import example
from hubtrust.report.page import page
from tests.kit.chromium import need_chromium
from tests.kit.chromium_devtools import Devtools, devtools
from tests.kit.prerequisites import need
from tests.kit.repository import ROOT
from tests.kit.trust_documents import NASTY, NOW, hostile

_AXE = ROOT / ".strangers/axe/node_modules/axe-core/axe.min.js"
_RUN = """axe.run(document, {resultTypes: ['violations', 'passes']}).then(found => ({
    violations: found.violations.map(each => [each.id, each.nodes.map(node => node.html)]),
    contrasts: found.passes.filter(each => each.id == 'color-contrast').flatMap(each => each.nodes).length}))"""
_OPENED = "document.querySelectorAll('details').forEach(each => { each.open = true })"
_EMPTY: dict[str, Any] = {
    "stack": "a/b/c",
    "at": "2026-11-30T10:39:00Z",
    "unseen": [{"what": "any resource", "why": "the stack has none"}],
    "findings": None,
}


@pytest.fixture(scope="module")
def tab() -> Iterator[Devtools]:
    """One browser for all tests of this file."""
    need_chromium()
    with devtools() as browser:
        yield browser


def _open(tab: Devtools, folder: Path, document: dict[str, Any]) -> None:
    file = folder / "report.html"
    file.write_text(page(document), encoding="utf-8")
    tab.open(file)
    assert tab.value("document.title").startswith("Trust of ")


@pytest.mark.stranger
def test_axe_finds_no_violation(tab: Devtools, tmp_path: Path) -> None:
    """In light and dark, on a desktop and on a phone, with everything opened; of hostile names and of an empty stack too."""
    need(_AXE.exists(), "axe-core is not installed: run `make strangers`")
    views = [(example(NOW), 1280, "light"), (example(NOW), 1280, "dark"), (hostile(), 360, "light"), (_EMPTY, 360, "dark")]
    for document, width, scheme in views:
        _open(tab, tmp_path, document)
        tab.show(width=width, scheme=scheme)
        tab.value(_OPENED)
        tab.value(_AXE.read_text(encoding="utf-8") + "; true")
        found = tab.value(_RUN)
        assert found["violations"] == [], (width, scheme)
        assert found["contrasts"] > 8  # it did look


def test_nothing_leaves_the_page_and_names_run_nothing(tab: Devtools, tmp_path: Path) -> None:
    """The page itself is the one request, also with markup in every name; no dialog opens, and the browser refuses nothing."""
    _open(tab, tmp_path, hostile())
    tab.show()
    tab.value(_OPENED)
    tab.pdf()

    assert tab.requests() == [(tmp_path / "report.html").as_uri()]
    told = {each["method"] for each in tab.events if "method" in each}
    assert told.isdisjoint({"Page.javascriptDialogOpening", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}), told
    assert tab.value("document.querySelectorAll('script, img, main style').length") == 0
    shown = NASTY.replace("\u202e", r"\u202e")
    assert tab.value("document.querySelector('h1').textContent") == shown
    assert tab.value("document.querySelector('svg.map text.name').textContent").startswith("<script>alert(1)")
    assert not tab.value(r"/[\u202a-\u202e\u2066-\u2069]/.test(document.documentElement.textContent)")


def test_the_policy_of_the_page_lets_nothing_in(tab: Devtools, tmp_path: Path) -> None:
    """What a flaw of escaping could put into it is refused: an image, a script, a style."""
    _open(tab, tmp_path, example(NOW))
    tab.value(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"https://example.com/x.png\"><p id=odd style=\"color: red\">x</p>')"
    )
    tab.value("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")

    assert tab.value("window.ran === undefined && getComputedStyle(odd).color !== 'rgb(255, 0, 0)'")
    assert all(
        "example.com" not in each["params"].get("response", {}).get("url", "")
        for each in tab.events
        if each.get("method") == "Network.responseReceived"
    )
    assert any("example.com" in each["params"]["entry"]["text"] for each in tab.events if each.get("method") == "Log.entryAdded")


@pytest.mark.parametrize("document", [example(NOW), hostile()], ids=["example", "hostile"])
def test_a_phone_scrolls_in_one_direction(tab: Devtools, tmp_path: Path, document: dict[str, Any]) -> None:
    """At 360 pixels the lists stand for the drawing, and no text is wider than the page."""
    _open(tab, tmp_path, document)
    tab.value(_OPENED)
    for width in (320, 360, 800, 1280):
        tab.show(width=width)
        assert tab.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width
        drawn = "document.querySelector('svg.map').getBoundingClientRect().width > 0"
        assert tab.value(drawn) == (width > 768)
        heard = "document.querySelector('.narrow').getBoundingClientRect().width"
        assert (tab.value(heard) > 100) == (width <= 768)


def test_drawn_text_stays_in_its_box(tab: Devtools, tmp_path: Path) -> None:
    """As this machine's fonts draw it."""
    _open(tab, tmp_path, hostile())
    tab.show()
    outside = """[...document.querySelectorAll('svg.map > g')].flatMap(group => {
        const box = group.querySelector('rect').getBBox()
        return [...group.querySelectorAll('text')].filter(each => each.getBBox().x + each.getBBox().width > box.x + box.width
            || each.getBBox().y + each.getBBox().height > box.y + box.height).map(each => each.textContent) })"""
    assert tab.value(outside) == []
    assert tab.value("document.querySelectorAll('svg.map > g').length") == 7


def test_the_keyboard_reaches_everything_in_order(tab: Devtools, tmp_path: Path) -> None:
    """The skip link first, then the sections, then what can be opened; where the focus is can be seen."""
    _open(tab, tmp_path, example(NOW))
    tab.show()
    reached = []
    for _ in range(10):
        tab.press("Tab")
        reached.append(tab.value("document.activeElement.textContent"))
        assert tab.value("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert reached[:3] == ["Skip to the content", "Due in 90 days", "Trust map"]
    assert reached[8:] == ["What the marks and lines mean", "The 24 device certificates that end first, of 15,500"]
    tab.press("Enter")
    assert tab.value("document.activeElement.parentElement.open")
    assert tab.value("getComputedStyle(document.documentElement).scrollBehavior") == "auto"  # less motion is asked for


def test_paper_has_everything(tab: Devtools, tmp_path: Path) -> None:
    """A4, with the drawing, and with what is closed on the screen."""
    pdftotext = shutil.which("pdftotext")
    need(pdftotext, "pdftotext is not installed; `apt-get install poppler-utils` installs it")
    _open(tab, tmp_path, example(NOW))
    tab.show(media="print")
    assert tab.value("document.querySelector('svg.map').getBoundingClientRect().width > 0")
    tab.show()
    (tmp_path / "report.pdf").write_bytes(tab.pdf())
    done = subprocess.run([str(pdftotext), "-layout", str(tmp_path / "report.pdf"), "-"], capture_output=True, text=True, check=True)
    for words in (
        "contoso/press/prod",
        "SERVICES AND WHAT THEY TRUST",
        "Azure accepted a signature by the CA's key",
        "press-00023",
        "Root hash",
    ):
        assert words in done.stdout, words
