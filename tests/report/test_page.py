"""The page of a document: what is on it for every kind of stack, and that it holds nothing that loads or runs."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from docs.trust_map_picture import PICTURE, example, picture
from hubtrust.inventory.inventory import Inventory
from hubtrust.report.page import page
from hubtrust.report.proofs import proof_of
from hubtrust.report.time_line import Scale, time_line
from hubtrust.report.trust_layout import depths, layout
from hubtrust.report.trust_map import trust_map
from hubtrust.report.verdict import verdict
from tests.kit.trust_documents import NOW, hostile, large

_STACK = {"urn": "urn:pulumi:prod::press::pulumi:pulumi:Stack::press-prod", "type": "pulumi:pulumi:Stack"}
_FOREIGN = {
    "urn": "urn:pulumi:prod::press::random:index/randomId:RandomId::r",
    "type": "random:index/randomId:RandomId",
    "custom": True,
    "id": "x",
}
_HUB = {
    "urn": "urn:pulumi:prod::press::azure-native:iothub:IotHubResource::hub",
    "type": "azure-native:iothub:IotHubResource",
    "custom": True,
    "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/press-hub",
    "outputs": {"name": "press-hub"},
}
_OPERATION = {
    "type": "creating",
    "resource": {"urn": "urn:pulumi:prod::press::hubtrust:index:VerifiedCertificate::ca", "type": "hubtrust:index:VerifiedCertificate"},
}


def _of(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return Inventory.of({"resources": list(resources), **more}, NOW).document()


def test_the_title_says_stack_and_moment() -> None:
    """A saved page, a tab and a printout are of one stack at one moment."""
    assert "<title>Trust of contoso/press/prod on 30 Nov 2026, 10:39 UTC</title>" in page(example(NOW))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (_of(), "the stack has none: it is empty, or was destroyed"),
        (_of(_STACK), "the stack has none: it is empty, or was destroyed"),
        (_of(_STACK, _FOREIGN), "the stack has none: it is another program"),
        (_of(_STACK, _HUB, pending_operations=[_OPERATION]), "VerifiedCertificate"),
        ({}, "This stack has nothing of hubtrust"),
    ],
    ids=["empty", "destroyed", "foreign", "half-made", "nothing"],
)
def test_a_stack_without_trust_says_so(document: dict[str, Any], said: str) -> None:
    """It is not shown as a stack in which all is well."""
    made = page(document)
    assert said in made
    assert verdict(document).degree == "unknown"


def test_the_page_loads_and_runs_nothing() -> None:
    """The policy names the hash of the one style sheet; no element asks for anything, and no address is in it."""
    made = page(example(NOW))
    (sheet,) = re.findall(r"<style>(.*?)</style>", made, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()

    assert f"default-src &#x27;none&#x27;; style-src &#x27;sha256-{digest}&#x27;" in made
    assert not re.search(r"<(script|img|link|iframe|object|embed|base|form|image|foreignObject)\b|\bstyle=|\bon\w+=|@import|https?:", made)
    assert set(re.findall(r"url\(([^)]*)\)", made)) == {"#hatch"}


def test_headings_tables_and_drawings_have_names() -> None:
    """One h1, h2 alone below it, a caption for each table, a name for each drawing that is not decoration."""
    made = page(example(NOW))
    assert re.findall(r"<h(\d)", made) == ["1"] + ["2"] * 7
    assert made.count("<table") == made.count("<caption")
    for drawing in re.findall(r"<svg [^>]*>", made):
        assert 'aria-hidden="true"' in drawing or ('role="img"' in drawing and "aria-label" in drawing), drawing
    targets = re.findall(r'href="([^"]*)"', made)
    assert targets
    assert all(each.startswith("#") and made.count(f'id="{each[1:]}"') == 1 for each in targets)


def test_every_proof_is_told_in_words() -> None:
    """Words differ where marks or lines are alike."""
    ways = [("verified", proof) for proof in ("possession", "key-held", "attestation", "found", None, "new")]
    ways += [(state, None) for state in ("waiting", "unverified", "replaced", None, "odd")]
    proofs = [proof_of({"state": state, "proof": proof}) for state, proof in ways]

    assert [each.degree for each in proofs] == [
        "good",
        "part",
        "warn",
        "warn",
        "unknown",
        "unknown",
        "warn",
        "bad",
        "bad",
        "unknown",
        "unknown",
    ]
    assert len({each.words for each in proofs}) == 10
    assert {each.line for each in proofs if each.degree == "good"} == {"proven"}
    assert proof_of({"state": "waiting", "proof": "possession"}).degree == "warn"  # it was proven once, and is not now


@pytest.mark.parametrize(
    ("change", "degree"),
    [
        ({}, "good"),
        ({"unseen": [{"what": "a hub", "why": "403"}]}, "unknown"),
        ({"due": [{"date": "2026-12-01", "daysLeft": 1, "what": "a CA", "action": "renew it"}]}, "warn"),
        ({"findings": [{"policy": "p", "level": "advisory", "message": "m", "resource": ""}]}, "warn"),
        ({"findings": [{"policy": "p", "level": "mandatory", "message": "m", "resource": ""}]}, "bad"),
        ({"evidence": {"size": 1, "rootHash": "00", "verdict": "record 1 is signed by another key"}}, "bad"),
        ({"evidence": {"size": 1, "rootHash": "00", "verdict": "confirmed"}}, "good"),
    ],
)
def test_the_first_line_is_the_worst_that_was_found(change: dict[str, Any], degree: str) -> None:
    """And never better than what could be seen."""
    proven = example(NOW)
    proven |= {"due": [], "findings": [], "evidence": None, "unseen": []}
    proven["services"] = proven["services"][:1]

    assert verdict(proven | change).degree == degree


def test_an_authority_that_has_ended_is_wrong() -> None:
    """Whatever else is proven."""
    ended = example(NOW)
    ended["authorities"][0]["daysLeft"] = -1
    found = verdict(ended)
    assert found.words == "1 authority has ended."
    assert found.reasons[0] == "the policies forbid 1 thing in this stack"


def test_names_of_others_are_shown_as_text() -> None:
    """Markup in subjects, device ids, enrollments, findings and reasons; the browser's view of it: test_in_chromium.py."""
    made = page(hostile())
    assert "<script" not in made
    assert "<img" not in made
    assert made.isascii() or "\u202e" not in made
    assert made.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 20


def test_a_large_stack_is_a_small_page() -> None:
    """100,000 devices on 300 hubs: under 1 MB, and what is left out of a table or the drawing is told."""
    document = large()
    made = page(document)
    assert len(made.encode()) < 1_000_000
    assert "more rows: in the JSON document" in made
    assert "more services in the table below" in made
    assert trust_map(document).count('class="service"') == 40


def test_issuers_in_a_circle_are_drawn_once_each() -> None:
    """Two CAs that certified each other: neither is a root."""
    circle = [
        {"id": "A", "subject": "CN=A", "issuer": "B", "kind": "intermediate"},
        {"id": "B", "subject": "CN=B", "issuer": "A", "kind": "intermediate"},
    ]
    assert depths(circle) == {"A": 1, "B": 1}
    made = page({"authorities": circle})
    assert made.count("<strong><bdi>A</bdi></strong>") == 2  # the list and the time line


def test_a_renewal_that_was_not_made_is_told() -> None:
    """Also long before the end; and an end that is near, of what nothing renews."""
    late = {"subject": "CN=A", "notBefore": "2026-01-01T00:00:00Z", "notAfter": "2028-01-01T00:00:00Z", "daysLeft": 396}
    degrees = []
    for change in ({"renewAt": "2026-11-01T00:00:00Z"}, {"renewAt": "2027-11-01T00:00:00Z"}, {}, {"daysLeft": 89}, {"daysLeft": -1}):
        made = time_line({"at": "2026-11-30T10:39:00Z", "authorities": [late | change]})
        degrees.append(re.findall(r'class="mark (\w+)"', made))
    assert degrees == [["warn"], ["good"], ["good"], ["warn"], ["bad"]]


def test_lines_to_services_cross_no_box() -> None:
    """An authority that a service trusts has a row of its own: right of it, up to the services, there is no other box."""
    for document in (example(NOW), large(), _trusted_at_every_level()):
        placed = layout(document)
        trusted = {str(trust.get("certificate")) for box in placed.services for trust, _ in box.rows}
        for identity in trusted & placed.authorities.keys():
            one = placed.authorities[identity]
            middle = one.y + one.height / 2
            assert [box for box in placed.authorities.values() if box.x > one.x and box.y <= middle <= box.y + box.height] == []
        for column in ([*placed.authorities.values()], [*placed.services]):
            for box in column:
                assert not [other for other in column if other is not box and other.x == box.x and box.y <= other.y < box.y + box.height]


def _trusted_at_every_level() -> dict[str, Any]:
    """A root, an intermediate and an issuing CA below it, and a root with nothing below it: a hub trusts each of them."""
    chain = [("R", None, "root"), ("I", "R", "intermediate"), ("J", "I", "issuing"), ("K", "I", "issuing"), ("S", None, "root")]
    authorities = [{"id": name, "subject": f"CN={name}", "issuer": issuer, "kind": kind} for name, issuer, kind in chain]
    return {"authorities": authorities, "services": [{"name": "hub", "kind": "hub", "trusts": [{"certificate": each} for each in "KSJIR"]}]}


def test_the_time_line_holds_today() -> None:
    """Whatever the certificates' dates are; five years after today it ends."""
    for years in (1, 4, 30):
        authority = {"notBefore": f"{2026 - years}-11-30T00:00:00Z", "notAfter": f"{2026 + years}-11-30T00:00:00Z"}
        scale = Scale.of({"at": "2026-11-30T10:39:00Z", "authorities": [authority]})
        assert 0 <= scale.place(NOW) <= 60
        assert scale.end.year <= 2031
        assert 2 <= len(scale.ticks()) <= 8


def test_the_same_document_is_the_same_page() -> None:
    """Two reports of one moment can be compared."""
    assert page(example(NOW)) == page(example(NOW))


def test_the_picture_in_the_documentation_is_the_drawing_of_today() -> None:
    """`python -m docs.trust_map_picture --date 2026-11-30` writes it."""
    assert PICTURE.read_text(encoding="utf-8") == picture(datetime(2026, 11, 30, tzinfo=UTC))
