"""Roots, intermediates and devices with keys in every custody; openssl accepts every chain."""

import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hubtrust import signer_inputs
from hubtrust.pki import issue
from hubtrust.pki.keys import public_pem
from hubtrust.pki.signers import KeyInMemory
from tests.kit import key_stores
from tests.kit.authorities import ec_key, private_pem, rsa_key
from tests.kit.authorities import name as named
from tests.kit.key_stores import LookedUpKey, Tokens, Vault
from tests.kit.provider_process import Provider

Place = Callable[[str], LookedUpKey]


@pytest.fixture(params=["key-vault ec", "key-vault rsa", "pkcs11 ec", "pkcs11 rsa"])
def place(request: pytest.FixtureRequest, keys: Provider) -> Place:
    """Imports a key of that kind into that custody, and looks it up."""
    where, _, kind = request.param.partition(" ")

    def given(name: str) -> LookedUpKey:
        key, name = ec_key() if kind == "ec" else rsa_key(), f"{name}-{uuid.uuid4().hex[:8]}"
        if where == "key-vault":
            vault: Vault = request.getfixturevalue("vault")
            return LookedUpKey.look_up(keys, signer_inputs.in_key_vault(vault.give(name, key)))
        tokens: Tokens = request.getfixturevalue("tokens")
        return LookedUpKey.look_up(keys, signer_inputs.in_token(tokens.give("plant", name, key), pin_variable=key_stores.PIN_VARIABLE))

    return given


def chain_of(issuing: Provider, root: dict[str, Any], below: dict[str, Any], below_key: str) -> tuple[str, str, str]:
    """Root, issuing CA and a device from its CSR."""
    top = key_stores.root_of(issuing, root)
    inputs = {"profile": "intermediate", "subject": "CN=Plant A issuing", "publicKey": below_key, "pathLength": 0, "signer": root}
    child = issuing.create({**inputs, "issuerCertificate": top.outs["certificate"]})
    csr = issue.request(KeyInMemory(ec_key()), subject=named("press-001")).pem
    leaf = issuing.create(
        {"profile": "device", "deviceId": "press-001", "request": csr, "signer": below, "issuerCertificate": child.outs["chain"]}
    )
    again = {**inputs, "issuerCertificate": top.outs["certificate"]}
    assert issuing.diff(child, again).changes is False, "nothing is left to do, and no key was asked to find out"
    return top.outs["certificate"], child.outs["certificate"], leaf.outs["certificate"]


def require_path(folder: Path, root: str, middle: str, leaf: str) -> None:
    for name, pem in (("root.pem", root), ("middle.pem", middle), ("leaf.pem", leaf)):
        (folder / name).write_text(pem)
    line = "openssl verify -x509_strict -purpose sslclient -CAfile root.pem -untrusted middle.pem leaf.pem"
    done = subprocess.run(line.split(), cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "leaf.pem: OK\n", done.stderr


def test_a_chain_with_keys_in_a_vault_or_token(issuing: Provider, place: Place, tmp_path: Path) -> None:
    """Root and issuing CA, each with a key of its own in the vault or the token, and a device under them."""
    root, below = place("root"), place("issuing")
    require_path(tmp_path, *chain_of(issuing, root.signer, below.signer, below.signer["publicKey"]))


@pytest.mark.parametrize("key", [ec_key(), rsa_key()], ids=["ec", "rsa"])
def test_a_chain_with_keys_in_the_state(issuing: Provider, tmp_path: Path, key: Any) -> None:
    """The same chain with keys in the state."""
    below = ec_key()
    signers = [{"custody": "state", "privateKey": private_pem(each)} for each in (key, below)]
    require_path(tmp_path, *chain_of(issuing, signers[0], signers[1], public_pem(below.public_key())))


def test_a_root_in_the_vault_over_an_issuing_key_in_the_state(issuing: Provider, keys: Provider, vault: Vault, tmp_path: Path) -> None:
    """Custodies can be mixed: the root's key in the vault, the issuing CA's in the state."""
    held, below = LookedUpKey.look_up(keys, signer_inputs.in_key_vault(f"{vault.uri}/keys/mixed"), make="ec-p384"), ec_key()
    signer = {"custody": "state", "privateKey": private_pem(below)}
    require_path(tmp_path, *chain_of(issuing, held.signer, signer, public_pem(below.public_key())))


def test_an_offline_root_signs_the_request_of_a_key_elsewhere(keys: Provider, place: Place, tmp_path: Path) -> None:
    """The root's key is offline: the issuing key signs its own request, which is an output, and openssl issues the CA from it."""
    held = place("requested")
    created = keys.create(
        {"signer": {name: held.signer[name] for name in held.signer if name != "publicKey"}, "subject": "CN=Plant B,O=Contoso"}
    )
    (tmp_path / "ca.csr").write_text(created.outs["request"])
    line = "openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 9 -subj /CN=Root 2>&1"
    line += " && openssl x509 -req -in ca.csr -CA root.pem -CAkey root.key -days 8 -set_serial 7 -copy_extensions copy -out ca.pem"
    line += " && openssl verify -CAfile root.pem ca.pem && openssl x509 -in ca.pem -noout -subject -ext basicConstraints"
    done = subprocess.run(["bash", "-ec", line], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert "ca.pem: OK" in done.stdout, done.stderr
    assert "O = Contoso, CN = Plant B" in done.stdout
    assert "CA:TRUE" in done.stdout


def test_a_found_key_stays_the_same(keys: Provider, vault: Vault) -> None:
    """A new version in the vault changes nothing, because the output names the version; another address is another key."""
    news = {"signer": signer_inputs.in_key_vault(f"{vault.uri}/keys/turning")}
    held = LookedUpKey.look_up(keys, news["signer"], make="ec-p256")
    newer = vault.keys.create_ec_key("turning", curve="P-256")
    assert held.created.outs["reference"] != newer.id
    assert keys.diff(held.created, {**news, "make": "ec-p256"}).changes is False
    assert keys.read(held.created) == held.created
    other = {"signer": signer_inputs.in_key_vault(str(newer.id))}
    assert keys.diff(held.created, other).replaces == ["signer"]
    keys.delete(held.created)
    assert vault.keys.get_key("turning", held.created.outs["reference"].rpartition("/")[2]).id, "a key is never deleted from here"
