"""Every custody proves a CA on local Azure: the key signs where it is, and local Azure accepts the proof."""

import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from hubtrust import signer_inputs
from tests.kit import key_stores
from tests.kit.authorities import ec_key, rsa_key
from tests.kit.key_stores import LookedUpKey, Tokens, Vault
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.provider_process import CallFailedError, Provider
from tests.kit.root_authority import RootAuthority


def declared(hub: Hub, certificate: str, signer: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"serviceId": hub.id, "certificate": certificate, "name": "plant-a", "signer": signer, "deadline": 60, **more}


def proven(proving: Provider, hub: Hub, news: dict[str, Any]) -> None:
    created = proving.create(news)
    assert (created.outs["state"], created.outs["proof"], created.outs["custody"]) == ("verified", "possession", news["signer"]["custody"])
    assert hub.verified() == {created.outs["certificateName"]: True}
    assert proving.diff(created, news).changes is False, "and nothing is left to do"


@pytest.mark.parametrize("key", [ec_key(), rsa_key()], ids=["ec", "rsa"])
def test_custody_state(proving: Provider, hub: Hub, key: Any) -> None:
    """Custody state: the key is a secret input."""
    authority = RootAuthority(key=key)
    proven(proving, hub, declared(hub, authority.pem, {"custody": "state", "privateKey": authority.private_pem}))


@pytest.mark.parametrize("algorithm", key_stores.ALGORITHMS)
def test_custody_key_vault(keys: Provider, issuing: Provider, proving: Provider, hub: Hub, vault: Vault, algorithm: str) -> None:
    """Custody key-vault: a key created in the vault signs a root and its proof."""
    held = LookedUpKey.look_up(keys, signer_inputs.in_key_vault(f"{vault.uri}/keys/{algorithm}"), make=algorithm)
    root = key_stores.root_of(issuing, held.signer)
    proven(proving, hub, declared(hub, root.outs["certificate"], held.signer))


@pytest.mark.parametrize("algorithm", key_stores.ALGORITHMS)
def test_custody_pkcs11(keys: Provider, issuing: Provider, proving: Provider, hub: Hub, tokens: Tokens, algorithm: str) -> None:
    """Custody pkcs11: a key created in the token signs a root and its proof; the PIN is in the environment."""
    signer = signer_inputs.in_token(tokens.uri("plant", algorithm), pin_variable=key_stores.PIN_VARIABLE)
    held = LookedUpKey.look_up(keys, signer, make=algorithm)
    root = key_stores.root_of(issuing, held.signer)
    proven(proving, hub, declared(hub, root.outs["certificate"], held.signer))


@pytest.mark.parametrize(
    ("kind", "company"),
    [("rsa:3072", ""), ("ec -pkeyopt ec_paramgen_curve:P-384", ""), ("ec -pkeyopt ec_paramgen_curve:P-256", "/C=DE/O=Kilnworks")],
    ids=["rsa", "ec", "a tool that adds the company"],
)
def test_custody_offline(proving: Provider, hub: Hub, tmp_path: Path, kind: str, company: str) -> None:
    """Custody offline: the command that a run shows, executed unchanged where the key is, creates the proof; the next run is verified.

    Another tool may add to the proof's subject.
    """
    made_by = f"openssl req -x509 -newkey {kind} -nodes -keyout ca.key -out ca.pem -days 9 -subj /CN=Ceremony"
    _shell(tmp_path, f"{made_by} -addext keyUsage=critical,keyCertSign,cRLSign")
    news = declared(hub, (tmp_path / "ca.pem").read_text(), signer_inputs.offline())
    waiting = proving.create(news)
    assert (waiting.outs["state"], waiting.outs["code"] in waiting.outs["ceremony"]) == ("waiting", True)
    _shell(tmp_path, waiting.outs["ceremony"].replace("-subj /CN=", f"-subj {company}/CN="))
    answered = proving.update(waiting, news | {"proofCertificate": (tmp_path / "proof.pem").read_text()})
    assert (answered.outs["state"], answered.outs["proof"], "ceremony" in answered.outs) == ("verified", "possession", False)
    assert hub.verified() == {answered.outs["certificateName"]: True}
    assert {path.name for path in tmp_path.iterdir()} == {"ca.key", "ca.pem", "proof.pem"}, "nothing else is left where the key is"


@pytest.mark.parametrize("key", [ec_key(), rsa_key()], ids=["ec", "rsa"])
def test_a_key_imported_into_the_vault(proving: Provider, hub: Hub, vault: Vault, azure: LocalAzure, key: Any) -> None:
    """An imported CA, its key imported by Microsoft's client and declared by its id alone: the vault gets two requests."""
    authority = RootAuthority(key=key)
    given = vault.give(f"given-{uuid.uuid4().hex[:8]}", key)
    azure.control("DELETE", "/requests")
    proven(proving, hub, declared(hub, authority.pem, signer_inputs.in_key_vault(given)))
    asked = [entry for entry in azure.control("GET", "/requests") if entry["host"].startswith(vault.name)]
    assert [(entry["method"], entry["status"]) for entry in asked if entry["status"] != 401] == [("GET", 200), ("POST", 200)]


@pytest.mark.parametrize("key", [ec_key(), rsa_key()], ids=["ec", "rsa"])
def test_a_key_imported_into_the_token(proving: Provider, hub: Hub, tokens: Tokens, key: Any) -> None:
    """An imported CA, its key imported by SoftHSM's own tool; the PIN is a secret input."""
    authority, given = RootAuthority(key=key), tokens.give("plant", f"given-{uuid.uuid4().hex[:8]}", key)
    proven(proving, hub, declared(hub, authority.pem, signer_inputs.in_token(given, pin=key_stores.PIN)))


def test_another_key_in_the_token_signs_nothing(proving: Provider, hub: Hub, tokens: Tokens) -> None:
    """Another key in the token signs nothing, and the right one proves with the existing code."""
    authority, other = RootAuthority(), tokens.give("plant", f"other-{uuid.uuid4().hex[:8]}", ec_key())
    with pytest.raises(CallFailedError, match=r"the certificate's own is .* give the key that belongs to this certificate"):
        proving.create(declared(hub, authority.pem, signer_inputs.in_token(other, pin_variable=key_stores.PIN_VARIABLE)))
    right = tokens.give("plant", f"right-{uuid.uuid4().hex[:8]}", authority.key)
    proven(proving, hub, declared(hub, authority.pem, signer_inputs.in_token(right, pin_variable=key_stores.PIN_VARIABLE)))


def test_moving_a_key_to_a_vault_keeps_the_verification(proving: Provider, hub: Hub, vault: Vault) -> None:
    """A key that moves from the state into the vault is the same key: an update in place, the certificate stays verified."""
    authority = RootAuthority()
    created = proving.create(declared(hub, authority.pem, {"custody": "state", "privateKey": authority.private_pem}))
    moved = declared(hub, authority.pem, signer_inputs.in_key_vault(f"{vault.uri}/keys/moved"))
    assert (proving.diff(created, moved).changes, proving.diff(created, moved).replaces) == (True, [])
    again = proving.update(created, moved)
    assert (again.outs["custody"], again.outs["state"], again.outs["etag"]) == ("key-vault", "verified", created.outs["etag"])


def _shell(folder: Path, line: str) -> None:
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
