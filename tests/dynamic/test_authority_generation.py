"""AuthorityGeneration over gRPC: which steps of a rotation can be meant, told in the preview, before anything is made."""

import pytest

from components.dynamic.authority_generation import AuthorityGenerationProvider
from tests.dynamic.engine_calls import UNKNOWN, Provider, ProviderProcess


@pytest.fixture(scope="module")
def provider(provider_process: ProviderProcess) -> Provider:
    return provider_process.of(AuthorityGenerationProvider)


def at(generation: float, *, keep: bool = False, authority: str = "plant") -> dict[str, object]:
    return {"authority": authority, "generation": generation, "keepPrevious": keep}


@pytest.mark.parametrize(
    ("olds", "news", "match"),
    [
        (at(2), at(1), "generation 1 was before generation 2, which stands; generations go up: write 3"),
        (at(2, keep=True), at(1), "generation 1 was before generation 2"),
        ({}, at(1, keep=True), "there is none in this stack; bring generation 1 up first"),
        ({}, at(3, keep=True), "there is none in this stack; bring generation 2 up first"),
        (at(1, authority="mill"), at(2, keep=True), "there is none in this stack"),
        (at(1), at(3, keep=True), "generation 2 is to be kept and 1 is what stands; write 2, one generation at a time"),
        (at(2), at(2, keep=True), "generation 1 is to be kept and it has been dropped"),
    ],
)
def test_steps_that_are_refused(provider: Provider, olds: dict[str, object], news: dict[str, object], match: str) -> None:
    """One line each: the authority, what stands, and what to write."""
    ((name, reason),) = provider.check(news, olds).failures
    assert match in reason
    assert reason.startswith("authority 'plant': ")
    assert name == ""


@pytest.mark.parametrize(
    ("olds", "news"),
    [
        ({}, at(1)),
        ({}, at(7)),
        (at(1), at(2)),
        (at(1), at(3)),
        (at(1), at(2.0, keep=True)),
        (at(2, keep=True), at(2, keep=True)),
        (at(2, keep=True), at(2)),
        (at(2, keep=True), at(3, keep=True)),
        (at(2), at(UNKNOWN)),  # type: ignore[arg-type]
    ],
)
def test_steps_that_are_taken(provider: Provider, olds: dict[str, object], news: dict[str, object]) -> None:
    """Up by one with overlap, up by any without, the drop, and no step at all."""
    assert provider.check(news, olds).failures == []


def test_it_is_remembered(provider: Provider) -> None:
    """Made, found as it is, brought up to date in place."""
    made = provider.create(at(1))
    assert provider.up(made, at(1)).outs == made.outs
    assert provider.diff(made, at(2, keep=True)).replaces == []
    after = provider.update(made, at(2, keep=True))
    assert (after.id, after.outs) == ("plant", at(2, keep=True))
    assert provider.diff(made, at(1, authority="mill")).replaces == ["authority"]
    provider.delete(after)
