"""The comparison of two recordings: each kind of difference is named with its call, and what is none is not told."""

from typing import Any

import pytest

from live.comparison import compare

HUB = "{resource-manager}/subscriptions/{…}/providers/Microsoft.Devices/IotHubs/{…}"


def call(method: str = "GET", url: str = HUB, status: int | None = 200, **changes: Any) -> dict[str, Any]:
    """A recorded call."""
    answer = {"": ["object"], "etag": ["string"], "value": ["list"], "value[]": ["object"], "value[].id": ["resource id"]}
    found = {"method": method, "url": url, "apiVersion": "2023-06-30", "requestHeaders": {}, "request": None, "status": status}
    return {**found, "error": None, "headers": {"etag": "bare"}, "answer": answer, **changes}


BASE = [call(), call("PUT"), call(url=f"{HUB}/certificates/{{…}}", status=404, error="NotFound")]


@pytest.mark.parametrize(
    "azure",
    [
        BASE,
        list(reversed(BASE)),
        [*BASE, call(), call()],
        [call(), call("PUT", answer=call()["answer"] | {"value[]": ["object"]}), BASE[2]],
        [call(answer={"": ["object"], "etag": ["string"], "value": ["list"]}), *BASE[1:]],
    ],
    ids=["the same", "in another order", "polled more often", "equal shapes", "an empty list says nothing of its items"],
)
def test_no_difference(azure: list[dict[str, Any]]) -> None:
    """Order, the number of reads and the items of an empty list don't count."""
    assert compare(BASE, azure) == []


@pytest.mark.parametrize(
    ("azure", "told"),
    [
        (BASE[1:], f"GET {HUB}: call only on one side: local Azure answers 200 (1 times), Azure no such call"),
        ([*BASE, call("DELETE")], f"DELETE {HUB}: call only on one side: local Azure no such call, Azure answers 200 (1 times)"),
        ([*BASE, call("PUT")], f"PUT {HUB}: number of calls answered 200: local Azure 1, Azure 2"),
        ([call(status=429), *BASE], f"GET {HUB}: status: local Azure 200, Azure 200 or 429"),
        ([call(status=None, error="ServiceRequestError"), *BASE], f"GET {HUB}: status: local Azure 200, Azure 200 or no answer"),
        ([call(apiVersion="2026-11-01"), *BASE[1:]], f"GET {HUB}: api-version: local Azure 2023-06-30, Azure 2026-11-01"),
        (
            [*BASE[:2], BASE[2] | {"error": "ResourceNotFound"}],
            f"GET {HUB}/certificates/{{…}}: error with 404: local Azure NotFound, Azure ResourceNotFound",
        ),
        ([call(headers={"etag": "quoted"}), *BASE[1:]], f"GET {HUB}: header etag of 200: local Azure bare, Azure quoted"),
        ([call(headers={}), *BASE[1:]], f"GET {HUB}: header etag of 200: local Azure bare, Azure nothing"),
        ([call(answer="not JSON"), *BASE[1:]], f"GET {HUB}: answer of 200: local Azure object, Azure not JSON"),
        ([call(answer=None), *BASE[1:]], f"GET {HUB}: answer of 200: local Azure object, Azure empty"),
        (
            [call(answer=call()["answer"] | {"etag": ["null"]}), *BASE[1:]],
            f"GET {HUB}: answer at etag of 200: local Azure string, Azure null",
        ),
        (
            [call(answer=call()["answer"] | {"value[].new": ["object"], "value[].new.deep": ["string"]}), *BASE[1:]],
            f"GET {HUB}: answer at value[].new of 200: local Azure nothing, Azure object",
        ),
        ([call(request={"": ["object"]}), *BASE[1:]], f"GET {HUB}: request: local Azure empty, Azure object"),
    ],
)
def test_a_difference_is_named(azure: list[dict[str, Any]], told: str) -> None:
    """One line for each: the call, what differs, and what either of the two did."""
    assert [str(each) for each in compare(BASE, azure)] == [told]
