"""Property values on the wire and in state."""

from __future__ import annotations

import json

import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.state.deployment import Resource, Seal, decoded_value, encoded_value, sealed
from sandbox.engine.values import property_values
from sandbox.engine.values.property_values import OUTPUT, SECRET, SIGNATURE, UNKNOWN, Asset, Form, Output, ResourceReference, Secret

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
MARKED = st.recursive(
    PLAIN | st.just(UNKNOWN) | st.builds(ResourceReference, st.just("urn:pulumi:s::p::t::n"), st.just("id")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | inner.map(property_values.secret)
    ),
    max_leaves=8,
)


def wire(properties: dict[str, object]) -> struct_pb2.Struct:
    """A struct as a peer would send it."""
    return json_format.ParseDict(properties, struct_pb2.Struct())


@given(st.dictionaries(st.sampled_from("abc"), MARKED, max_size=3))
def test_values_survive_the_wire(properties: dict[str, object]) -> None:
    """Every mark that the receiver understands survives a round trip."""
    assert property_values.from_struct(property_values.to_struct(properties, Form())) == properties


# Nothing unknown is ever kept; and a secret within a secret comes back as a part of the one secret.
KEPT = st.recursive(
    PLAIN | PLAIN.map(property_values.secret) | st.just(Asset("archive", {"hash": "h"})),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(KEPT)
def test_values_survive_the_state(value: object) -> None:
    """A value in state, its secrets encrypted, is the same value when it is read again."""
    seal = Seal(lambda text: text[::-1], lambda text: text[::-1])
    kept = encoded_value(value, lambda secret: sealed(secret, "urn", seal))
    assert decoded_value(kept, "urn", seal) == value


def test_the_marks_are_pulumis() -> None:
    """The signatures on the wire are those of Pulumi's SDKs."""
    found = json_format.MessageToDict(
        property_values.to_struct({"s": Secret("x"), "u": UNKNOWN, "a": Asset("asset", {"text": "t"})}, Form())
    )
    assert found == {
        "s": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "x"},
        "u": "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "a": {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "text": "t"},
    }


def test_a_receiver_without_secrets_gets_plain_values() -> None:
    """Secrets are unwrapped, at every depth, for a receiver that does not support them."""
    sent = property_values.to_struct(
        {"s": Secret({"in": [Secret("x")]}), "r": ResourceReference("urn", "i")}, Form(secrets=False, resources=False)
    )
    assert json_format.MessageToDict(sent) == {"s": {"in": ["x"]}, "r": "i"}


def test_output_values_are_reduced_to_their_value() -> None:
    """An output value is its value, a secret, or unknown; with dependencies only if requested."""
    mark = "4dabf18193072939515e22adb298388d"
    struct = wire(
        {"o": {mark: property_values.OUTPUT, "value": "x", "secret": True, "dependencies": ["urn"]}, "u": {mark: property_values.OUTPUT}}
    )
    assert property_values.from_struct(struct) == {"o": Secret("x"), "u": UNKNOWN}
    assert property_values.from_struct_with_outputs(struct)["o"] == Output("x", known=True, secret=True, dependencies=("urn",))


def test_whole_numbers_stay_whole() -> None:
    """GRPC knows doubles only; state shows 3, not 3.0."""
    assert property_values.from_struct(wire({"n": 3.0, "x": 1.5})) == {"n": 3, "x": 1.5}
    assert str(property_values.from_struct(wire({"n": 3.0}))["n"]) == "3"


def test_a_secret_within_a_secret_is_one_secret() -> None:
    """The inner mark is dropped in state: what is inside an encrypted value is secret anyway."""
    kept = sealed(Secret({"a": [Secret({"b": 1})]}), "urn", None)
    assert kept["plaintext"] == '{"a":[{"b":1}]}'


@pytest.mark.parametrize("nested", [{"value": "hush"}, {"value": "hush", "secret": True, "dependencies": ["urn"]}, {}])
@pytest.mark.parametrize("outer", [{SIGNATURE: SECRET}, {SIGNATURE: OUTPUT, "secret": True}])
def test_an_output_within_a_secret_is_kept_as_a_part_of_the_secret(outer: dict[str, object], nested: dict[str, object]) -> None:
    """Its value (or that it is unknown) is in the encrypted text, and nowhere else; the state has no output values."""
    sent = {"s": {**outer, "value": {"a": [{SIGNATURE: OUTPUT, **nested}]}}}
    inputs = property_values.from_struct(wire(sent))
    kept = Resource(urn="urn", type="t", inputs=inputs).to_json(None)["inputs"]["s"]
    value = nested.get("value", property_values.UNKNOWN_TEXT)
    assert kept == {SIGNATURE: SECRET, "plaintext": json.dumps({"a": [value]}, separators=(",", ":"))}


def test_a_secret_never_prints_itself() -> None:
    """Neither a log nor an error shows the content."""
    assert "hush" not in repr(Secret("hush"))
    assert "hush" not in f"{ {'key': Secret('hush')} }"


def test_an_unchanged_secret_keeps_its_ciphertext() -> None:
    """State that did not change stays the same text; another resource's equal secret gets a ciphertext of its own."""
    numbers = iter(range(100))
    seal = Seal(lambda text: f"{next(numbers)}:{text}", lambda text: text.partition(":")[2])
    assert seal.open("urn-a", "7:secret") == "secret"
    assert seal.close("urn-a", "secret") == "7:secret"
    assert seal.close("urn-b", "secret") != "7:secret"
