"""The program with its CA's keys in a vault or token: neither the keys nor their PINs are in the state or in any output."""

import uuid
from pathlib import Path

import pytest

from tests.kit import key_stores
from tests.kit.program import Program
from tests.kit.root_authority import RootAuthority


def scanned(stack: Program, secret: str) -> list[str]:
    """Files and printed text that contain the secret."""
    printed = stack.printed + stack.engine_says("stack", "export") + stack.engine_says("stack", "output", "--json")
    files = [file for file in stack.folder.rglob("*") if file.is_file() and ".venv" not in file.parts and file.parent != stack.folder]
    found = {str(file): file.read_bytes() for file in files} | {"printed": printed.encode()}
    assert any(name.endswith("sandbox.json") for name in found), "the state was not read"
    return [name for name, content in found.items() if secret.encode() in content]


def require_proven(stack: Program) -> None:
    """The CA is proven; a second up changes nothing; no private key is in the state, not even as a secret."""
    outputs = stack.outputs()
    assert (outputs["trust"][0]["state"], outputs["trust"][0]["proof"]) == ("verified", "possession")
    stack.control("DELETE", "/requests")
    stack.up()
    assert stack.control("GET", "/requests?mutating=1") == []
    assert stack.outputs() == outputs
    assert "PRIVATE KEY" not in stack.engine_says("stack", "export", "--show-secrets")


def test_keys_in_a_vault(stack: Program) -> None:
    """Root and issuing CA keys are created in the vault; a preview works before the vault exists."""
    vault = f"kv-{uuid.uuid4().hex[:12]}"
    at = f"https://{vault}.vault.azure.net/keys"
    stack.configure(caCustody="key-vault", caKeyReference=f"{at}/issuing", caRootKeyReference=f"{at}/root")
    assert stack.sandbox("preview", "--engine", stack.engine) == 0, stack.printed
    with stack.azure() as azure:
        created = key_stores.vault(azure, vault)
        azure.grant(key_stores.OFFICER)
        stack.up()
        require_proven(stack)
        assert [created.keys.get_key(name).properties.version is not None for name in ("root", "issuing")] == [True, True]


def test_a_key_in_a_token(stack: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The root signs devices; its key is in a token, its PIN a secret in the configuration. The PIN is nowhere in plain text."""
    tokens = key_stores.Tokens(tmp_path / "softhsm", key_stores.need_softhsm())
    tokens.token("plant")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tokens.config))
    stack.configure(caCustody="pkcs11", caIntermediates=0, caKeyReference=tokens.uri("plant", "ca"))
    assert stack.sandbox("preview", "--engine", stack.engine) != 0, "the PIN is not set yet"
    stack.configure_secret("caPin", key_stores.PIN)
    stack.up()
    require_proven(stack)
    assert scanned(stack, key_stores.PIN) == []


def test_an_imported_ca_with_its_key_in_a_token(stack: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chain is imported; its key is in a token and given by its URI only. A preview succeeds, and a canary connects."""
    tokens, authority = key_stores.Tokens(tmp_path / "softhsm", key_stores.need_softhsm()), RootAuthority()
    tokens.token("plant")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tokens.config))
    (stack.folder / "ca.pem").write_text(authority.pem)
    reference = tokens.give("plant", "ca", authority.key)
    stack.configure(caSource="import", caChainFile="ca.pem", caCustody="pkcs11", caKeyReference=reference, canary="press-001")
    assert stack.sandbox("preview", "--engine", stack.engine) != 0, "the PIN is not set yet"
    stack.configure_secret("caPin", key_stores.PIN)
    assert stack.sandbox("preview", "--engine", stack.engine) == 0, stack.printed
    stack.up()
    connection = stack.outputs()["connection"]
    assert (connection["state"], connection["chain"]) == ("connected", "press-001 < Plant A")
    require_proven(stack)
