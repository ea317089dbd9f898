"""A value of a wrong type for any input of any dynamic resource: an error in one line, never a traceback."""

from typing import Any

from docs.constructor_arguments import resources
from hubtrust.inputs import wire_name

WRONG: list[Any] = [
    *(7.0, -1.5, float("nan"), float("inf"), True, "", " ", "x", "\ud800", "\x00", "x" * 100_000),
    *([], [7.0], [None], [["x"]], [{}], {}, {"a": 1.0}, {"custody": 7.0}, {"custody": ["x"]}, {"custody": "key-vault", "key": 7.0}),
    *({"custody": "state", "privateKey": [1.0]}, {"custody": "pkcs11", "key": {}}, {"stack": 1.0, "urn": 2.0}),
]


def test_no_value_ends_in_a_traceback() -> None:
    """What the engine hands to `check`, for each input by itself."""
    for resource in resources():
        provider = resource.provider()
        for name in map(wire_name, provider.inputs.declarations()):
            for value in WRONG:
                found = provider.check({}, {name: value})
                assert all(len(failure.reason.splitlines()) == 1 for failure in found.failures), (resource.__name__, name)
