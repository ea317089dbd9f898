"""The query language alone: every documented operator, constant and function, on one document."""

import pytest

from local_azure_iot.query_language.parser import parse, parse_condition, parse_target
from local_azure_iot.query_language.query import Aggregation, QueryError, Source

_TWIN = {
    "deviceId": "press-1",
    "parentScopes": ["ms-azure-iot-edge://gateway-1"],
    "tags": {"n": 7, "text": "Press", "list": [1, "1", True], "on": True, "none": None, "a-b": 1, "floor": {"two": 2}},
    "properties": {"desired": {"$version": 4}, "reported": {"lastDesiredVersion": 4}},
    "configurations": {"c 1": {"status": "Applied"}},
}


@pytest.mark.parametrize("condition", [
    "array_contains(parentScopes, 'ms-azure-iot-edge://gateway-1')", "ARRAY_CONTAINS(tags.list, 1)", "NOT array_contains(tags.list, 7)",
    "tags.n + 1 = 8", "tags.n - 1 * 2 = 5", "(tags.n - 1) * 2 = 12", "tags.n / 2 = 3.5", "tags.n % 4 = 3", "-tags.n = -7",
    "tags.n = 0x7", "tags.n=7.0", "tags.n IN [1, 7]", "tags.n IN (1, 7)", "tags.n NIN [1, '7']", "tags.n IN [tags.n]",
    "tags.on", "NOT (tags.n = 8)", "tags.n = 7 AND (tags.n = 8 OR tags.on)",
    "tags.text = 'Pre\\u0073s'", 'tags.text = "Press"', "'a''b' = 'a\\'b'", "tags.none = null", "tags.none != 7",
    "is_defined(tags.none)", "NOT is_defined(tags.absent)", "NOT is_defined(undefined)", "is_null(tags.none)", "is_array(tags.list)",
    "is_bool(tags.on)", "is_number(tags.n)", "is_object(tags.floor)", "is_primitive(tags.none)", "is_string(tags.text)",
    "NOT is_primitive(tags.list)", "as_number('7') = tags.n", "NOT is_defined(as_number('seven'))",
    "abs(-7) = 7", "exp(0) = 1", "power(2, 3) = 8", "square(3) = 9", "ceiling(1.2) = 2", "floor(1.8) = 1", "sign(-3) = -1", "sqrt(9) = 3",
    "concat(tags.text, '-', deviceId) = 'Press-press-1'", "length(tags.text) = 5", "lower(tags.text) = 'press'", "upper('a') = 'A'",
    "substring(tags.text, 1) = 'ress'", "substring(tags.text, 1, 2) = 're'", "index_of(tags.text, 's') = 3", "index_of('a', 'b') = -1",
    "starts_with(deviceId, 'press')", "startswith(deviceId, lower('PRESS'))", "ends_with(deviceId, '1')", "endswith(deviceId, '-1')",
    "contains(deviceId, 'ss-')", "DEVICEID = 'press-1'", "devices.deviceId = 'press-1'", "tags.[[a-b]] = 1", "tags.a-b = 1",
    "properties.desired.$version = properties.reported.lastDesiredVersion", "configurations.[[c 1]].status = 'Applied'",
])  # fmt: skip
def test_a_condition_that_is_met(condition: str) -> None:
    """It is true of the document."""
    assert parse_condition(condition)(_TWIN) is True


@pytest.mark.parametrize("condition", [
    "tags.absent = 1", "NOT (tags.absent = 1)", "tags.absent IN [1]", "NOT tags.absent NIN [1]", "tags.n", "NOT undefined", "'true'",
    "tags.floor = tags.floor", "tags.list != 7", "tags.text + 1 = 8", "tags.n / 0 = 1", "sqrt(-1) = 1", "exp(1000) > 1",
    "power(0, -1) > 0", "contains(tags.n, '7')", "abs(tags.text) = 1", "abs(tags.on) = 1", "array_contains(tags.text, 'P')",
    "tags.on = 1", "tags.n < '8'", "tags.Text = 'Press'", "substring(tags.text, -1) = 's'", "NOT contains(tags.absent, 'a')",
])  # fmt: skip
def test_a_condition_that_is_not_met(condition: str) -> None:
    """What is missing, of another type or no number makes a comparison neither true nor false."""
    assert parse_condition(condition)(_TWIN) is not True


@pytest.mark.parametrize("condition", [
    "", "tags.n =", "nonsense(tags.n)", "is_defined()", "abs(1, 2)", "tags.n = 'x", "tags.n ++", "1 IN 2", "tags.n = [1",
    "(" * 60 + "true" + ")" * 60, "not " * 60 + "true", "true" + " and true" * 1100, "tags..n = 1",
])  # fmt: skip
def test_an_invalid_condition(condition: str) -> None:
    """Refused, also where it is too deep or too long; a long one that is not deep is read."""
    with pytest.raises(QueryError):
        parse_condition(condition)
    assert parse_condition("1" + "+1" * 4000 + " = 4001")({}) is True


@pytest.mark.parametrize(("text", "words"), [
    ("SELECT * FROM devices WHERE", "it ends too early"),
    ("SELECT * FROM devices WHERE tags.n = ", "it ends too early"),
    ("SELECT * FROM devices ORDER BY deviceId", "'BY' is not expected at line 1, column 29"),
    ("SELECT * FROM devices WHERE tags.n = 'x", "''x' is not expected at line 1, column 38"),
])  # fmt: skip
def test_what_is_wrong_with_a_query(text: str, words: str) -> None:
    """In the words of whoever wrote it."""
    with pytest.raises(QueryError) as error:
        parse(text)
    assert str(error.value) == words


def test_what_a_query_names() -> None:
    """A twin's own members in any case, the collection in front of a property, and nothing but whole documents of jobs."""
    query = parse("SELECT DeviceId, tags.floor.two AS floor FROM devices WHERE devices.TAGS.n = 7")
    assert (query.selects(_TWIN), query.row(_TWIN)) == (True, {"deviceId": "press-1", "floor": 2})
    jobs = parse("SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j' AND devices.jobs.createdTimeUtc > '2016-09-01'")
    assert (jobs.source, jobs.selects({"jobId": "j", "createdDateTimeUtc": "2026-01-01T00:00:00Z"})) == (Source.JOBS, True)
    for text in (
        "SELECT jobId FROM devices.jobs",
        "SELECT COUNT() FROM devices.jobs",
        "SELECT * FROM devices.twins",
        "SELECT * FROM devices GROUP BY status",
    ):
        with pytest.raises(QueryError):
            parse(text)
    groups = Aggregation(parse("SELECT COUNT() AS n, MIN(tags.x) AS least, AVG(tags.x) AS mean FROM devices GROUP BY tags.y"))
    for x, y in ((3, 1), (-2, 1.0), (7, True), ("a", [1]), (None, [1])):
        groups.add({"tags": {"x": x, "y": y}})
    assert groups.rows() == [{"n": 2, "least": -2, "mean": 0.5}, {"n": 1, "least": 7, "mean": 7}, {"n": 2}]


def test_the_target_of_a_configuration() -> None:
    """All devices, a condition on devices, or on modules."""
    assert parse_target("*").selects(_TWIN)
    assert parse_target("tags.n = 7 OR tags.n = 8").selects(_TWIN)
    modules = parse_target("FROM devices.modules WHERE moduleId = 'camera' AND devices.modules.tags.n = 7")
    assert (modules.source, modules.selects(_TWIN), modules.selects({**_TWIN, "moduleId": "camera"})) == (Source.MODULES, False, True)
    assert parse_target("from devices.modules").selects(_TWIN)
    with pytest.raises(QueryError):
        parse_target("SELECT * FROM devices")
