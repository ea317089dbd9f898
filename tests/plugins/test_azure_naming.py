"""Names that the azure-native stand-in generates."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.plugins.azure_native.naming import chacha, random_suffix, random_uuid
from sandbox.plugins.azure_native.plugin import plugin
from sandbox.plugins.azure_native.resource_types import DPS_CERTIFICATE, HUB_CERTIFICATE, IOT_HUB, RESOURCE_GROUP, ROLE_ASSIGNMENT
from sandbox.plugins.property_values import UNKNOWN
from sandbox.plugins.resource import Autonaming, Candidate, CheckResult
from tests.plugins.accounts import without_azure

FLAG = "__createBeforeDelete"
PARENTS = {"resourceGroupName": "rg", "resourceName": "hub", "provisioningServiceName": "dps", "scope": "/subscriptions/s"}


def check(kind: Any, **more: Any) -> CheckResult:
    """Check a resource `it` with a location and without a name."""
    provider = without_azure(plugin(None))
    parents = {name: PARENTS[name] for name in kind.parameters if name in PARENTS and name != kind.name_parameter}
    news = {**parents, "location": "westeurope", **more.pop("news", {})}
    return provider.resources[kind.token].check(Candidate("it", olds=more.pop("olds", {}), news=news, **more))


@given(st.binary(min_size=32, max_size=32), st.integers(min_value=0, max_value=300))
@settings(max_examples=30)
def test_the_key_stream_is_chacha(key: bytes, length: int) -> None:
    """With 20 rounds it equals OpenSSL's ChaCha20, also across block boundaries."""
    theirs = Cipher(algorithms.ChaCha20(key, bytes(16)), None).encryptor().update(bytes(length))
    assert bytes(itertools.islice(chacha(key, 20), length)) == theirs


def test_twelve_rounds_give_the_published_vector() -> None:
    """Test vector TC1 for 256-bit keys and 12 rounds of draft-strombergson-chacha-test-vectors."""
    assert bytes(itertools.islice(chacha(bytes(32), 12), 32)).hex() == "9bf49a6a0755f953811fce125f2683d50429c3bb49e074147e0089a52eae155f"


@pytest.mark.parametrize(
    ("seed", "suffix", "uuid"),
    [(b"x", "a631fc20", "a631fc20-add6-84a0-06d2-63a8ce963070"), (bytes(32), "89467fb9", "89467fb9-d99c-1992-f50a-9fb09d55aa7a")],
)
def test_a_seed_always_gives_the_same_name(seed: bytes, suffix: str, uuid: str) -> None:
    """These values were computed here: they pin the algorithm, but do not prove that it is the real plugin's."""
    assert (random_suffix(seed), random_uuid(seed)) == (suffix, uuid)


@given(st.binary(min_size=1, max_size=64))
@settings(max_examples=30)
def test_names_have_the_real_plugins_form(seed: bytes) -> None:
    """Eight hexadecimal digits without a separator, or a UUID with dashes that begins with the same digits."""
    assert re.fullmatch("[0-9a-f]{8}", random_suffix(seed))
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", random_uuid(seed))
    assert random_uuid(seed)[:8] == random_suffix(seed) == random_suffix(seed)


def test_without_a_seed_names_are_random() -> None:
    """Two resources of an engine that sends no seed do not collide."""
    assert random_suffix(b"") != random_suffix(b"")


@pytest.mark.parametrize(
    ("kind", "name", "flag"),
    [
        (RESOURCE_GROUP, "ita631fc20", True),
        (IOT_HUB, "ita631fc20", True),
        (HUB_CERTIFICATE, "it", None),
        (DPS_CERTIFICATE, "it", None),
        (ROLE_ASSIGNMENT, "a631fc20-add6-84a0-06d2-63a8ce963070", True),
    ],
    ids=lambda value: getattr(value, "token", value),
)
def test_a_missing_name_is_generated_by_the_type_of_resource(kind: Any, name: str, flag: bool | None) -> None:
    """A random suffix for a top-level resource, the logical name for a nested one, a UUID for a role assignment."""
    inputs = check(kind, seed=b"x").inputs
    assert (inputs[kind.name_parameter], inputs.get(FLAG)) == (name, flag)


@pytest.mark.parametrize("olds", [{}, {FLAG: True}], ids=str)
def test_a_generated_name_is_kept(olds: dict[str, Any]) -> None:
    """The old name is used again whatever the seed, and its flag only if it was set."""
    inputs = check(IOT_HUB, seed=b"x", olds={"resourceName": "old", **olds}).inputs
    assert (inputs["resourceName"], inputs.get(FLAG)) == ("old", olds.get(FLAG))


@pytest.mark.parametrize("name", ["mine", UNKNOWN])
def test_a_given_name_is_kept(name: Any) -> None:
    """This includes a name that is not known yet; neither sets the flag."""
    inputs = check(IOT_HUB, news={"resourceName": name}, olds={"resourceName": "old", FLAG: True}).inputs
    assert (inputs["resourceName"], inputs.get(FLAG)) == (name, None)


@pytest.mark.parametrize(
    ("kind", "mode", "name", "flag"),
    [
        (IOT_HUB, "PROPOSE", "proposed", True),
        (HUB_CERTIFICATE, "PROPOSE", "proposed", None),
        (ROLE_ASSIGNMENT, "PROPOSE", "a631fc20-add6-84a0-06d2-63a8ce963070", True),
        (IOT_HUB, "ENFORCE", "proposed", True),
        (HUB_CERTIFICATE, "ENFORCE", "proposed", True),
        (ROLE_ASSIGNMENT, "ENFORCE", "proposed", True),
        (IOT_HUB, "DISABLE", None, None),
    ],
    ids=lambda value: getattr(value, "token", value),
)
def test_the_engines_autonaming_is_followed(kind: Any, mode: str, name: str | None, flag: bool | None) -> None:
    """The modes propose, enforce and disable; without a name the check fails."""
    result = check(kind, seed=b"x", naming=Autonaming(mode, "proposed"))
    assert (result.inputs.get(kind.name_parameter), result.inputs.get(FLAG)) == (name, flag)
    assert (f"missing required property '{kind.name_parameter}'" in result.failures) == (name is None)
