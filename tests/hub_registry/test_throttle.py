"""A hub's limits: a burst passes, then requests queue, then they are refused."""

import pytest

from local_azure_iot.hub_registry.throttle import QUEUE_SECONDS, Operation, Throttle, rate
from tests.kit.hub_client import HubClient


@pytest.mark.parametrize(("sku", "units", "operation", "a_minute"), [
    ("S1", 1, Operation.REGISTRY, 100), ("B2", 3, Operation.REGISTRY, 300), ("S3", 2, Operation.REGISTRY, 10000),
    ("F1", 1, Operation.QUERY, 20), ("S3", 1, Operation.QUERY, 1000),
    ("S1", 1, Operation.TWIN_READ, 6000), ("S1", 9, Operation.TWIN_WRITE, 3000),
])  # fmt: skip
def test_rates_are_the_documented_ones(sku: str, units: int, operation: Operation, a_minute: float) -> None:
    """By tier, unit and operation."""
    assert rate(sku, units, operation) * 60 == pytest.approx(a_minute)


def test_a_bucket_leaks(subtests: pytest.Subtests) -> None:
    """Burst, queue, refusal, and free again after some time; a refused request does not count."""
    throttle, hub = Throttle(), {"sku": {"name": "S1", "capacity": 1}}

    def wait(now: float) -> float | None:
        return throttle.wait("hub", hub, Operation.REGISTRY, factor=1.0, burst=5, now=now)

    with subtests.test("burst"):
        assert [wait(0) for _ in range(6)] == [0, 0, 0, 0, 0, 0]
    with subtests.test("queue"):
        waits = [wait(0) for _ in range(16)]
        assert waits == pytest.approx([0.6 * number for number in range(1, 17)])
    with subtests.test("refusal"):
        assert [wait(0), wait(0)] == [None, None]
        assert QUEUE_SECONDS < 0.6 * 17
    with subtests.test("free again"):
        assert wait(100) == 0


def test_over_the_limit_a_hub_answers_429(registry: HubClient) -> None:
    """With the hub's message, without Retry-After; the connection is closed, and nothing was changed. Another hub is not affected."""
    other = HubClient(registry.azure, registry.azure.hub())
    registry.configure(throttle=0.01, throttle_burst=1)
    try:
        assert [registry.ask("GET", "/devices").status_code for _ in range(2)] == [200, 200]
        refused = registry.ask("PUT", "/devices/press-001", json={"deviceId": "press-001"})
        assert (refused.status_code, refused.headers["iothub-errorcode"]) == (429, "ThrottlingBacklogTimeout")
        assert "Operation type: CRUD" in refused.json()["Message"]
        assert (refused.headers.get("retry-after"), refused.headers["connection"]) == (None, "close")
        assert other.ask("GET", "/devices").status_code == 200
    finally:
        registry.configure(throttle=None, throttle_burst=250)
        other.http.close()
    assert registry.ask("GET", "/devices/press-001").status_code == 404
