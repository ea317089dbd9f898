"""Bodies with members of another JSON type, half characters, no JSON at all: 400 in the service's envelope, and nothing is written."""

from typing import Any

import pytest

from local_azure_iot.provisioning import enrollment_shapes
from local_azure_iot.wire import MAX_BODY
from tests.provisioning.service import Service, individual

_ODD = (5, 1.5, True, "x", [1], [None], {"x": 1})


def _paths(shape: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Where each member is, and its shape."""
    found = [(path, shape)] if path else []
    return found + [each for name in (shape if isinstance(shape, dict) else ()) for each in _paths(shape[name], (*path, name))]


def _fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, list):
        return False  # none of the odd lists has text in it
    return isinstance(value, dict if isinstance(shape, dict) else shape)


_MEMBERS = dict(_paths(enrollment_shapes.ENROLLMENTS["registrationId"]))


@pytest.mark.parametrize("path", _MEMBERS, ids=".".join)
def test_members_of_another_type(service: Service, path: tuple[str, ...]) -> None:
    """Each member of an enrollment, as each other type: the whole call is refused, in a PUT and in a bulk operation."""
    for odd in _ODD:
        if _fits(odd, _MEMBERS[path]):
            continue
        body: Any = odd
        for name in reversed(path):
            body = {name: body}
        body = individual("a") | body
        assert service.refused("PUT", "/enrollments/a", body) == (400, 400006), odd
        assert service.refused("POST", "/enrollments", {"enrollments": [individual("b"), body], "mode": "create"}) == (400, 400006), odd
    assert service.must("POST", "/enrollments/query", {"query": "SELECT *"}) == []


@pytest.mark.parametrize("content", [b"{", b"[]", b'"x"', b"5", b"NaN", b'{"etag": 1e999}', b"\xff\xfe", b"[" * 100_000, b"<a/>"])
def test_what_is_no_json_object(service: Service, content: bytes) -> None:
    """Whatever the content's type is said to be."""
    for method, path in (("PUT", "/enrollments/a"), ("POST", "/enrollmentGroups"), ("POST", "/enrollments/query")):
        assert service.refused(method, path, content, content_type="text/plain") == (400, 400006)


def test_half_characters_and_too_much(service: Service) -> None:
    """Half of a character comes back as it was sent where a text may be anything; a body without end is refused."""
    twin = {"tags": {"a": "\ud800"}}
    assert service.must("PUT", "/enrollments/a", individual("a", initialTwin=twin))["initialTwin"] == twin
    assert service.refused("PUT", "/enrollments/b", individual("b\ud800")) == (400, 400004)
    assert service.refused("PUT", "/enrollments/b", individual("b", deviceId="\ud800")) == (400, 400004)
    assert service.refused("PUT", "/enrollments/b", b" " * (MAX_BODY + 1)) == (413, 413001)
    deep: Any = {}
    for _ in range(200):
        deep = {"a": deep}
    assert service.must("PUT", "/enrollments/c", individual("c", optionalDeviceInformation=deep))["optionalDeviceInformation"] == deep
