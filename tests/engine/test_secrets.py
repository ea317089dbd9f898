"""The passphrase secrets manager."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.project.secrets import (
    PassphraseSecrets,
    SecretsError,
    new_passphrase_secrets,
    open_passphrase_secrets,
    passphrase_from,
)
from sandbox.engine.project.yaml_text import parse_yaml
from sandbox.engine.state.transfer import mapped_secrets, with_plaintext

if TYPE_CHECKING:
    from pathlib import Path


@cache
def opened() -> PassphraseSecrets:
    """Secrets of a new passphrase, once: to derive their key takes time."""
    return new_passphrase_secrets("correct horse")


@given(st.text())
def test_decryption_returns_the_encrypted_text(text: str):
    """Any text survives encryption, and its ciphertext does not show it."""
    ciphertext = opened().encrypt(text)
    assert text == opened().decrypt(ciphertext)
    assert [ciphertext.split(":")[0], ciphertext.count(":")] == ["v1", 2]


def test_a_secret_is_never_encrypted_twice_to_the_same_text():
    """Each encryption uses a new nonce: equal secrets have different ciphertexts."""
    assert opened().encrypt("same") != opened().encrypt("same")


def test_another_process_decrypts_with_the_same_passphrase():
    """Salt and passphrase are all that is needed."""
    again = open_passphrase_secrets("correct horse", opened().state()["salt"])
    assert again.decrypt(opened().encrypt("hush")) == "hush"


def test_a_wrong_passphrase_is_refused_before_anything_is_decrypted():
    """The check word in the salt reveals it; the message is the CLI's."""
    with pytest.raises(SecretsError, match=r"^incorrect passphrase"):
        open_passphrase_secrets("wrong horse", opened().state()["salt"])


@pytest.mark.parametrize("salt", ["", "v2:AAAA:v1:BBBB:CCCC", "v1:AAAA", "v1:@@@:v1:AAAA:BBBB", "v1:AAAA:v1:@:@"])
def test_a_damaged_salt_is_an_error_of_one_line(salt: str):
    """The error names the fault of the line and what to do."""
    with pytest.raises(SecretsError) as caught:
        open_passphrase_secrets("correct horse", salt)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ciphertext", ["", "hush", "v1:AAAA", "v1:@:@", "v2:AAAA:BBBB", "v1:AAAAAAAAAAAAAAAA:BBBB"])
def test_damaged_ciphertext_is_an_error_of_one_line(ciphertext: str):
    """The result is neither a traceback nor the text of another secret."""
    with pytest.raises(SecretsError) as caught:
        opened().decrypt(ciphertext)
    assert "\n" not in str(caught.value)


def test_a_changed_ciphertext_is_refused():
    """The cipher is authenticated: a single changed bit is an error."""
    version, nonce, sealed = opened().encrypt("hush").split(":")
    changed = sealed.replace(sealed[0], "A" if sealed[0] != "A" else "B", 1)
    with pytest.raises(SecretsError, match="failed to decrypt"):
        opened().decrypt(f"{version}:{nonce}:{changed}")


def test_the_passphrase_comes_from_the_variable_before_the_file(tmp_path: Path):
    """An empty variable is a passphrase too; a file's is stripped."""
    file = tmp_path / "passphrase"
    file.write_text("from the file\n", encoding="utf-8")
    both = {"PULUMI_CONFIG_PASSPHRASE": "", "PULUMI_CONFIG_PASSPHRASE_FILE": str(file)}
    assert [passphrase_from(both), passphrase_from({"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)})] == ["", "from the file"]


@pytest.mark.parametrize("environment", [{}, {"PULUMI_CONFIG_PASSPHRASE_FILE": ""}, {"PULUMI_CONFIG_PASSPHRASE_FILE": "/no/such/file"}])
def test_without_a_passphrase_the_variables_are_named(environment: dict[str, str]):
    """The message says which variable to set, or which file could not be read."""
    with pytest.raises(SecretsError, match="PULUMI_CONFIG_PASSPHRASE_FILE"):
        passphrase_from(environment)


@pytest.fixture
def recorded(traces: Path) -> tuple[PassphraseSecrets, dict[str, Any], dict[str, Any]]:
    """The recorded stack's secrets, its settings and its checkpoint."""
    folder = traces / "secrets"
    settings = parse_yaml((folder / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    checkpoint = json.loads((folder / "backend-stack-file.json").read_text(encoding="utf-8"))
    return open_passphrase_secrets("correct horse", settings["encryptionsalt"]), settings, checkpoint["checkpoint"]["latest"]


@pytest.mark.recorded
def test_the_recorded_settings_are_decrypted(recorded: tuple[PassphraseSecrets, dict[str, Any], dict[str, Any]]):
    """What Pulumi encrypted in a stack's settings is readable here."""
    opened, settings, _ = recorded
    assert opened.decrypt(settings["config"]["secrets:token"]["secure"]) == "n3wer"


@pytest.mark.recorded
def test_the_secrets_of_the_recorded_state_equal_pulumis_export(
    recorded: tuple[PassphraseSecrets, dict[str, Any], dict[str, Any]], traces: Path
):
    """The checkpoint decrypted here equals `stack export --show-secrets` of the real CLI, resource by resource."""
    opened, _, latest = recorded
    exported = json.loads((traces / "secrets" / "04.state.json").read_text(encoding="utf-8"))["deployment"]

    def sides(deployment: dict[str, Any]) -> dict[str, Any]:
        compact = mapped_secrets(deployment["resources"], lambda mark: {"secret": json.loads(mark["plaintext"])})
        return {row["urn"]: (row.get("inputs"), row.get("outputs")) for row in compact if "providers" not in row["urn"]}

    assert sides(exported) == sides(with_plaintext(latest, opened.decrypt))
