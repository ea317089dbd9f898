"""`hubtrust status --live` on local Azure: what differs from the state is marked, what can't be seen is named, and nothing is written."""

import json
import re
import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hubtrust.azure import login as azure_login
from hubtrust.azure.retry import RetryLimits
from hubtrust.cli import live_trust
from hubtrust.cli.main import main
from hubtrust.inventory.live import CHANGED, DELETED, OTHER, UNKNOWN, UNVERIFIED, VERIFIED_SINCE, Registered, compared
from hubtrust.inventory.records import Authority, Service, Trust
from local_azure_iot import installation
from tests.inventory.conftest import authority
from tests.kit.authorities import pem_of
from tests.kit.local_azure import Hub


@pytest.fixture
def live(plant: Any, capfd: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run the command with ``--live --json``, as a principal of local Azure; returns the answers by the kind of service."""
    state = tmp_path / "state.json"
    state.write_text(plant.exported)
    for name, value in installation.environment(plant.azure.ready).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(live_trust, "_LIMITS", RetryLimits(2, denied=0.1, unreachable=0.1, not_found=0.1))

    def run(*form: str, **login: str) -> Any:
        for name, value in login.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(azure_login, "_LOGINS", {})  # another process
        assert main(["status", "--state", str(state), "--live", *(form or ("--json",))]) == 3
        said = capfd.readouterr().out
        if form:
            return said
        found = json.loads(said)
        kinds = {one["id"]: one["kind"] for one in found["services"]}
        return {kinds[one["service"]]: one for one in found["live"]}

    return run


def hub_id(plant: Any) -> str:
    """Of the stack's hub."""
    resources = json.loads(plant.exported)["deployment"]["resources"]
    return next(str(one["id"]) for one in resources if one["type"].endswith(":IotHubResource"))


def differences(found: Any) -> dict[str, str]:
    """What differs, by the beginning of the certificate's name."""
    return {one["certificateName"].partition("-")[0]: one["difference"] for one in found["certificates"] if one["difference"]}


def test_what_differs(live: Any, plant: Any) -> None:
    """First nothing, and nothing but GET is sent to Resource Manager: local Azure's log has every request. Then what somebody changed.

    That is a verification that is lost, another certificate under a name, one that is gone, and one that the stack does not know.
    """
    plant.azure.control("DELETE", "/requests")
    found = live()
    asked = [one for one in plant.azure.control("GET", "/requests") if "/oauth2/" not in one["path"]]
    assert {one["method"] for one in asked} == {"GET"}
    assert sum("/certificates" in one["path"] for one in asked) == 2
    assert {kind: (len(one["certificates"]), differences(one), one["unseen"]) for kind, one in found.items()} == {
        "hub": (3, {}, None),
        "dps": (1, {}, None),
    }
    hub = Hub(plant.azure, hub_id(plant))
    names = {name.partition("-")[0]: name for name in hub.certificates()}
    hub.generate(names["plant"])
    hub.put(names["bought"], pem_of(authority("Somebody's CA", days=9)[0].certificate))
    hub.delete("portal")
    hub.put("stranger", pem_of(authority("Stranger", days=9)[0].certificate), isVerified=True)
    assert differences(live()["hub"]) == {"plant": UNVERIFIED, "bought": OTHER, "portal": DELETED, "stranger": UNKNOWN}
    said = live("--within", "30")
    assert re.search(r"^  IoT hub plant\w+, stranger: not of this stack \(verified\)$", said, re.MULTILINE)
    assert "Provisioning service" in said.partition("IN AZURE NOW")[2]
    assert "hubtrust_live_differences{" in live("--prometheus")
    hub.delete("stranger")


def test_a_login_that_may_not_read(live: Any, plant: Any) -> None:
    """Each service that it can't see is named with the reason, and the rest of the status is there."""
    nobody = plant.azure.control("POST", "/principals", {})
    login = {"AZURE_CLIENT_ID": nobody["client_id"], "AZURE_CLIENT_SECRET": nobody["client_secret"]}
    found = live(**login)
    assert all("does not have authorization" in str(one["unseen"]) for one in found.values()), found
    said = live("--within", "30")
    assert said.count(": not seen") == 2
    assert "what IoT hub plant" in said.partition("NOT SEEN")[2]
    assert "hubtrust_live_differences{" not in live("--prometheus")


def test_a_service_that_is_gone_and_one_without_network(live: Any, plant: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is told that it does not exist; and without an answer, why there is none."""
    hub = hub_id(plant)
    (tmp_path / "state.json").write_text(plant.exported.replace(hub, f"{hub}x"))
    assert "does not exist" in live()["hub"]["unseen"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"http://127.0.0.1:{server.getsockname()[1]}"
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, closed)
    found = live()
    assert {one["unseen"] is not None for one in found.values()} == {True}
    assert "check HTTPS_PROXY" in found["hub"]["unseen"]


def test_every_difference() -> None:
    """The names of certificates have no case; a changed etag counts for `possession` alone; what is verified since is somebody's doing."""
    thumbprint = "AB" * 20
    now = datetime.now(UTC)
    ca = Authority("CD" * 32, "CN=a", None, "root", 1, "a", now, now, 0, None, None, "EC P-256", "CD" * 32, thumbprint)

    def difference(there: Registered, state: str = "verified", proof: str | None = "possession") -> str | None:
        trust = Trust(ca.id, "Plant-g1", state, proof, None, "E1", None)
        (found,) = compared(Service("id", "hub-7", "hub", None, (trust,)), [there], [ca]).certificates
        return found.difference

    same = Registered("plant-G1", thumbprint, verified=True, etag="E1")
    assert difference(same) is None
    assert difference(replace(same, etag="E2")) == CHANGED
    assert difference(replace(same, etag="E2"), proof="key-held") is None
    assert difference(same, "waiting", None) == VERIFIED_SINCE
    assert difference(replace(same, verified=False), "waiting", None) is None
    assert difference(replace(same, thumbprint="00" * 20)) == OTHER
    assert difference(same, "replaced") == OTHER
