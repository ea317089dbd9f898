"""Random sequences of operations on certificates, compared with a small model."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kit.randomly import RANDOM
from tests.local_azure.in_process import Answer, InProcess, version
from tests.local_azure.makers import Maker, authority, encoded, uploaded

NAMES = ("a", "b")
AUTHORITIES = (authority("One"), authority("Two"))
CONDITIONS = ("current", "stale", "missing", "any")


@dataclass
class Model:
    """The state that a certificate must have after the steps so far."""

    etag: str
    authority: int
    verified: bool
    code: str | None = None


_NAME, _CONDITION, _WHICH = st.sampled_from(NAMES), st.sampled_from(CONDITIONS), st.integers(0, 1)
_STEPS = st.one_of(
    st.tuples(st.just("put"), _NAME, _CONDITION, _WHICH, st.booleans()),
    st.tuples(st.just("generate"), _NAME, _CONDITION),
    st.tuples(st.just("verify"), _NAME, _CONDITION, _WHICH, st.sampled_from(["right", "old", "none"])),
    st.tuples(st.just("delete"), _NAME, _CONDITION),
    st.tuples(st.just("update hub")),
)


@settings(RANDOM, max_examples=60)
@given(kind=st.sampled_from(["IotHubs", "provisioningServices"]), steps=st.lists(_STEPS, min_size=5, max_size=25))
def test_verified_only_by_a_valid_proof_or_isverified(azure: InProcess, kind: str, steps: list[tuple[Any, ...]]) -> None:
    """After every step local Azure's list equals the model's: names, etags, whose certificate it is, verified or not."""
    hub = azure.hub(kind=kind)
    world = _World(azure, hub)
    for step in steps:
        world.take(step)
        shown = azure.must("GET", f"{hub}/certificates?api-version={version(hub)}")["value"]
        seen = {one["name"]: (one["etag"], one["properties"]["subject"], one["properties"]["isVerified"]) for one in shown}
        expected = {name: (one.etag, ("One", "Two")[one.authority], one.verified) for name, one in world.certificates.items()}
        assert seen == expected


class _World:
    def __init__(self, azure: InProcess, hub: str) -> None:
        self._azure, self._hub = azure, hub
        self.certificates: dict[str, Model] = {}
        self._old_codes = ["F" * 48]

    def take(self, step: tuple[Any, ...]) -> None:
        """Do one step on both sides."""
        what, *rest = step
        if what == "update hub":
            body = {"location": "westus", "sku": {"name": "S1", "capacity": 1}}
            self._azure.must("PUT", f"{self._hub}?api-version={version(self._hub)}", body)
            return
        name, condition, *more = rest
        known = self.certificates.get(name)
        etag = {"current": known.etag if known else None, "stale": "AAAAAAAAAAA=", "missing": None, "any": "*"}[condition]
        holds = known is not None and condition in {"current", "any"}
        getattr(self, f"_{what}")(name, known, etag, holds, *more)

    def _ask(self, method: str, name: str, operation: str, etag: str | None, body: Any = None) -> Answer:
        headers = {"if_match": etag} if etag else {}
        path = f"{self._hub}/certificates/{name}{operation}?api-version={version(self._hub)}"
        answer = self._azure.ask(method, path, body, **headers)
        assert answer.status < 400 or answer.code  # no answer outside the service's own envelopes
        return answer

    def _put(self, name: str, known: Model | None, etag: str | None, holds: bool, which: int, attested: bool) -> None:
        answer = self._ask("PUT", name, "", etag, uploaded(AUTHORITIES[which].pem, **({"isVerified": True} if attested else {})))
        fits = holds or (known is None and etag in {None, "*"})
        assert answer.status == (200 if fits else 412)
        if fits:
            self._retire(known)
            self.certificates[name] = Model(answer.json()["etag"], which, attested)

    def _generate(self, name: str, known: Model | None, etag: str | None, holds: bool) -> None:
        answer = self._ask("POST", name, "/generateVerificationCode", etag)
        assert answer.status == (404 if known is None else 200 if holds else 412)
        if known and holds:
            self._retire(known)
            known.code, known.verified, known.etag = answer.json()["properties"]["verificationCode"], False, answer.json()["etag"]

    def _verify(self, name: str, known: Model | None, etag: str | None, holds: bool, signer: int, code: str) -> None:
        live = known.code if known else None
        given = {"right": live or self._old_codes[-1], "old": self._old_codes[-1], "none": "0" * 48}[code]
        maker: Maker = AUTHORITIES[signer]
        answer = self._ask("POST", name, "/verify", etag, {"certificate": encoded(maker.proof(given))})
        proves = known is not None and known.code == given and known.authority == signer
        assert answer.status == (404 if known is None else 412 if not holds else 200 if proves else 400)
        if known and holds and proves:
            self._retire(known)
            known.code, known.verified, known.etag = None, True, answer.json()["etag"]

    def _delete(self, name: str, known: Model | None, etag: str | None, holds: bool) -> None:
        answer = self._ask("DELETE", name, "", etag)
        fits = holds or etag is None
        assert answer.status == (204 if known is None else 200 if fits else 412)
        if known and fits:
            self._retire(known)
            del self.certificates[name]

    def _retire(self, known: Model | None) -> None:
        if known and known.code:
            self._old_codes.append(known.code)


_SERVICES = ("IotHubs", "provisioningServices")
_WHAT = st.sampled_from(["make", "change", "delete", "wait", "drop group"])
_ACTIONS = st.tuples(_WHAT, _WHICH, _WHICH, st.sampled_from(_SERVICES))


@settings(RANDOM, max_examples=40)
@given(actions=st.lists(_ACTIONS, min_size=4, max_size=20))
def test_names_and_states_of_services(azure: InProcess, actions: list[tuple[str, int, int, str]]) -> None:
    """Two groups, two names, operations that take a minute: what exists, what is busy and which names are free always agree."""
    azure.reset()
    azure.azure.clock.set(azure.azure.clock.now(), frozen=True)
    azure.log_in()
    azure.azure.settings = azure.azure.settings.changed({"operation_seconds": 60})
    groups = [f"/subscriptions/{azure.subscription}/resourceGroups/g{number}" for number in (0, 1)]
    alive: dict[tuple[str, str], tuple[int, str]] = {}  # service and name -> group and the operation in progress
    for what, group, name, kind in actions:
        azure.must("PUT", f"{groups[group]}?api-version=2021-04-01", {"location": "westus"})
        key = (kind, f"name-{name}")
        path = f"{groups[group]}/providers/Microsoft.Devices/{kind}/name-{name}"
        here = alive.get(key) if key in alive and alive[key][0] == group else None
        url = f"{path}?api-version={version(path)}"
        if what == "wait":
            azure.azure.clock.advance(61)
            alive = {each: (where, "") for each, (where, doing) in alive.items() if doing != "delete"}
        elif what in {"make", "change"}:
            answer = azure.ask("PUT", url, {"location": "westus", "sku": {"name": "S1", "capacity": 1}})
            free = key not in alive or (here is not None and not here[1])
            assert answer.status == (201 if free else 409)
            if free:
                alive[key] = (group, "change" if here else "make")
        elif what == "delete":
            answer = azure.ask("DELETE", url)
            assert answer.status == (204 if here is None else 409 if here[1] else 202)
            if here and not here[1]:
                alive[key] = (group, "delete")
        else:
            azure.must("DELETE", f"{groups[group]}?api-version=2021-04-01")
            azure.azure.clock.advance(61)
            alive = {each: (where, "") for each, (where, doing) in alive.items() if doing != "delete" and where != group}
        _agree(azure, alive)


def _agree(azure: InProcess, alive: dict[tuple[str, str], tuple[int, str]]) -> None:
    provider = f"/subscriptions/{azure.subscription}/providers/Microsoft.Devices"
    states = {"": "Active", "make": "Activating", "change": "Transitioning", "delete": "Deleting"}
    for kind, check in (("IotHubs", "checkNameAvailability"), ("provisioningServices", "checkProvisioningServiceNameAvailability")):
        api = version(f"/{kind}/")
        shown = azure.must("GET", f"{provider}/{kind}?api-version={api}")["value"]
        expected = {(name, states[doing]) for (service, name), (_, doing) in alive.items() if service == kind}
        assert {(one["name"], one["properties"]["state"]) for one in shown} == expected
        for name in ("name-0", "name-1"):
            free = azure.must("POST", f"{provider}/{check}?api-version={api}", {"name": name})["nameAvailable"]
            assert free is ((kind, name) not in alive)


@pytest.mark.parametrize("kind", _SERVICES)
def test_etags_and_codes_never_repeat(azure: InProcess, kind: str) -> None:
    """Over many writes, also after a reset, and while the clock does not move."""
    seen: list[str] = []
    azure.azure.clock.set(azure.azure.clock.now(), frozen=True)
    for _ in range(2):
        hub = azure.hub(kind=kind)
        url = f"{hub}/certificates/ca"
        etag = azure.must("PUT", f"{url}?api-version={version(hub)}", uploaded(AUTHORITIES[0].pem))["etag"]
        for _ in range(50):
            answer = azure.must("POST", f"{url}/generateVerificationCode?api-version={version(hub)}", if_match=etag)
            etag = answer["etag"]
            seen += [etag, answer["properties"]["verificationCode"]]
        azure.reset()

    assert len(seen) == len(set(seen)) == 200
