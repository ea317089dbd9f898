"""Queries page by page, and bulk operations."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from local_azure_iot.provisioning import endpoint
from local_azure_iot.settings import Settings
from local_azure_iot.store import Store
from tests.provisioning.service import Service, by_key, individual

ALL = {"query": "SELECT *"}


def _fill(service: Service, count: int) -> None:
    for start in range(0, count, 10):
        entries = [individual(f"Press-{number:04}") for number in range(start, min(start + 10, count))]
        assert service.must("POST", "/enrollments", {"enrollments": entries, "mode": "create"}) == {"errors": [], "isSuccessful": True}


def _pages(service: Service, path: str, body: Any = None, **headers: str) -> Iterator[list[Any]]:
    token: dict[str, str] = {}
    while True:
        answer = service.ask("POST", path, body, **headers, **token)
        assert answer.status == 200, answer.body
        yield answer.json()
        if "x-ms-continuation" not in answer.headers:
            return
        token = {"x_ms_continuation": answer.headers["x-ms-continuation"]}


def test_a_query_without_a_size_is_not_everything(service: Service) -> None:
    """150 enrollments come in two pages, each once; a page of 50 has exactly 50; a size that is none or too large is the service's own."""
    _fill(service, 150)
    names = [f"Press-{number:04}" for number in range(150)]
    for size, expected in (({}, [100, 50]), ({"x_ms_max_item_count": "50"}, [50, 50, 50]), ({"x_ms_max_item_count": "149"}, [149, 1])):
        pages = list(_pages(service, "/enrollments/query", ALL, **size))
        assert [len(page) for page in pages] == expected
        assert sorted(each["registrationId"] for page in pages for each in page) == names
    for size in ("0", "-1", "", "99999"):
        assert service.ask("POST", "/enrollments/query", ALL, x_ms_max_item_count=size).status == 200
    assert service.ask("POST", "/enrollments/query", ALL, x_ms_max_item_count="150").headers.get("x-ms-continuation") is None
    for size in ("many", "1.5", "9" * 40):
        assert service.refused("POST", "/enrollments/query", ALL, x_ms_max_item_count=size) == (400, 400004)


def test_a_page_reads_no_more_than_itself(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many enrollments there are: a page in the middle is one look into the index, of one document more than it has."""
    _fill(service, 60)
    first = service.ask("POST", "/enrollments/query", ALL, x_ms_max_item_count="20")
    read: list[int] = []
    page = Store.page

    def counted(self: Store, kind: str, prefix: str, after: str, limit: int) -> list[tuple[str, dict[str, Any]]]:
        rows = page(self, kind, prefix, after, limit)
        read.extend([len(rows)] if kind == "individual-enrollment" else [])
        return rows

    monkeypatch.setattr(Store, "page", counted)
    answer = service.ask("POST", "/enrollments/query", ALL, x_ms_max_item_count="20", x_ms_continuation=first.headers["x-ms-continuation"])
    assert (len(answer.json()), read) == (20, [21])


def test_a_token_goes_on_where_the_page_ended_whatever_is_written_meanwhile(service: Service) -> None:
    """Those that are deleted are missing, and nothing comes twice; the place itself may be gone."""
    _fill(service, 30)
    first = service.ask("POST", "/enrollments/query", ALL, x_ms_max_item_count="10")
    for number in (3, 9, 10, 29):
        service.must("DELETE", f"/enrollments/press-{number:04}")
    service.must("PUT", "/enrollments/press-0000a", individual("press-0000a"))
    rest = service.must("POST", "/enrollments/query", ALL, x_ms_continuation=first.headers["x-ms-continuation"])
    assert [each["registrationId"] for each in rest] == [f"Press-{number:04}" for number in range(11, 29)]


def test_tokens_that_are_none(service: Service) -> None:
    """Not base64, not JSON, of another shape, of another query: 400; a place outside of the service shows nothing of others."""
    _fill(service, 12)
    token = service.ask("POST", "/enrollments/query", ALL, x_ms_max_item_count="10").headers["x-ms-continuation"]
    assert service.refused("POST", "/enrollmentGroups/query", ALL, x_ms_continuation=token) == (400, 400004)
    deep = "[" * 5000
    for value in ("x", [], [1], [{}], {}, [{"token": 1, "range": {"min": "enrollments"}}], [{"token": "a", "range": []}], None):
        text = base64.b64encode(json.dumps(value).encode()).decode()
        assert service.refused("POST", "/enrollments/query", ALL, x_ms_continuation=text) == (400, 400004)
    for text in ("!", "AAA", base64.b64encode(deep.encode()).decode(), base64.b64encode(b"\xff").decode()):
        assert service.refused("POST", "/enrollments/query", ALL, x_ms_continuation=text) == (400, 400004)
    for place in ("", "zzzz", "A", "\ud800"):
        value = [{"token": place, "range": {"min": "enrollments", "max": "FF"}}]
        answer = service.ask("POST", "/enrollments/query", ALL, x_ms_continuation=base64.b64encode(json.dumps(value).encode()).decode())
        assert answer.status == 400 or len(answer.json()) in {0, 12}


@pytest.mark.parametrize("query", [
    "select *", "*", "SELECT * FROM enrollments", "SELECT * FROM enrollmentGroups WHERE a = 1",
    "{'additional_properties': {}, 'query': 'SELECT *'}",
])  # fmt: skip
def test_what_a_query_says_does_not_matter(service: Service, query: str) -> None:
    """Clients of Microsoft's send all of these, for either kind, and get all there are."""
    _fill(service, 2)
    service.must("PUT", "/enrollmentGroups/a", by_key("a"))
    assert len(service.must("POST", "/enrollments/query", {"query": query})) == 2
    assert len(service.must("POST", "/enrollmentGroups/query", {"query": query})) == 1


@pytest.mark.parametrize("body", [None, {}, {"query": None}, {"query": ""}])
def test_without_a_query(service: Service, body: Any) -> None:
    """It is required."""
    assert service.refused("POST", "/enrollments/query", body) == (400, 400004)


def test_more_operations_than_a_minute_allows(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the setting `throttle`: so many at once, then 429 until time has passed; a bulk operation is one; each service has its own."""
    now = [1000.0]
    monkeypatch.setattr(endpoint, "monotonic", lambda: now[0])
    azure = service.azure.azure
    azure.settings = Settings(throttle=0.01)  # ten a minute
    try:
        _fill(service, 50)
        for _ in range(5):
            assert service.refused("GET", "/enrollments/none") == (404, 404201)
        assert service.refused("GET", "/enrollments/none") == (429, 429001)
        assert service.refused("PUT", "/enrollments/a", individual("a")) == (429, 429001)
        assert service.refused("GET", "/enrollments/none", authorization="x") == (401, 401002)
        assert Service(service.azure, service.azure.hub(kind="provisioningServices")).refused("GET", "/enrollments/none")[0] == 404
        now[0] += 6
        assert service.refused("GET", "/enrollments/none") == (404, 404201)
        assert service.refused("GET", "/enrollments/none") == (429, 429001)
    finally:
        azure.settings = Settings()
        azure.registration_throttle.clear()


def _bulk(service: Service, mode: str, *entries: dict[str, Any]) -> list[tuple[str, int]]:
    """What was refused: id and code."""
    groups = "enrollmentGroupId" in entries[0]
    plural, member = ("enrollmentGroups", "enrollmentGroupId") if groups else ("enrollments", "registrationId")
    answer = service.must("POST", f"/{plural}/", {plural: list(entries), "mode": mode})
    assert answer["isSuccessful"] is not bool(answer["errors"])
    assert all(set(each) == {member, "errorCode", "errorStatus"} for each in answer["errors"])
    return [(each[member], each["errorCode"]) for each in answer["errors"]]


@pytest.mark.parametrize(("place", "make", "exists", "missing"), [
    ("/enrollmentGroups", by_key, 409202, 404202), ("/enrollments", individual, 409201, 404201),
])  # fmt: skip
def test_each_mode(service: Service, place: str, make: Any, exists: int, missing: int) -> None:
    """Each entry is on its own. `update` of what exists needs an etag, as recorded; deletion needs none."""
    assert _bulk(service, "create", make("a"), make("b")) == []
    assert _bulk(service, "CREATE", make("A"), make("c"), make("c")) == [("A", exists), ("c", exists)]
    etag = service.must("GET", f"{place}/a")["etag"]
    assert _bulk(service, "update", make("a"), make("none")) == [("a", exists), ("none", missing)]
    changed = {"provisioningStatus": "disabled"}
    assert _bulk(service, "update", make("a", etag=etag, **changed), make("b", etag="*", **changed)) == []
    current = service.must("GET", f"{place}/b")
    assert current["provisioningStatus"] == "disabled"
    assert _bulk(
        service, "updateIfMatchETag", make("b", etag=current["etag"]), make("a", etag=etag), make("c"), make("none", etag=etag)
    ) == [("a", 412001), ("c", 412001), ("none", missing)]  # fmt: skip
    assert "provisioningStatus" in service.must("GET", f"{place}/b")
    assert _bulk(service, "delete", make("a", etag=etag), make("none"), {next(iter(make("b"))): "b"}, make("c")) == [
        ("a", 412001),
        ("none", missing),
    ]
    assert [next(iter(each.values())) for each in service.must("POST", f"{place}/query", ALL)] == ["a"]


def test_entries_that_are_wrong_in_themselves(service: Service) -> None:
    """An id or an attestation that is none is the entry's error; the others are written."""
    assert _bulk(service, "create", individual("a b"), individual("ok"), {"registrationId": "b"}, {"attestation": None}) == [
        ("a b", 400004), ("b", 400004), ("", 400004),
    ]  # fmt: skip
    assert service.must("GET", "/enrollments/ok")["registrationId"] == "ok"


@pytest.mark.parametrize("body", [
    {"enrollments": [individual(f"e{number}") for number in range(11)], "mode": "create"},
    {"enrollments": [individual("a")], "mode": "upsert"}, {"enrollments": [individual("a")]},
    {"enrollments": [individual("a")], "mode": None},
    {"mode": "create"}, {"enrollments": None, "mode": "create"}, {"enrollments": [None], "mode": "create"},
    {"enrollments": [individual("a"), {"registrationId": 5}], "mode": "create"}, {"enrollments": {}, "mode": "create"},
    {"enrollmentGroups": [by_key("a")], "mode": "create"}, None,
])  # fmt: skip
def test_a_call_that_is_wrong_as_a_whole(service: Service, body: Any) -> None:
    """More than ten entries, a mode that is none, another type anywhere: 400, and nothing is written."""
    assert service.refused("POST", "/enrollments", body)[0] == 400
    assert service.must("POST", "/enrollments/query", ALL) == []
