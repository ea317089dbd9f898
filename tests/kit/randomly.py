"""Settings of random tests: a failure prints the line that repeats it, and is not shrunk, which takes minutes."""

from hypothesis import HealthCheck, Phase, settings

RANDOM = settings(
    deadline=None,
    database=None,
    print_blob=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
