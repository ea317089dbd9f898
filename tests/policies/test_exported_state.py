"""policies/findings.py: the policies on a state that was exported, without a run."""

import ast
import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from policies.rules import POLICIES, exported
from policies.rules.exported import ConfigurationError, judged
from tests.kit.authorities import ec_key, private_pem
from tests.kit.repository import ROOT

_SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def _resource(kind: str, inputs: dict[str, Any], outputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "urn": f"urn:pulumi:dev::p::{kind}::one",
        "type": kind,
        "inputs": inputs,
        "outputs": inputs if outputs is None else outputs,
        **more,
    }


def _hub(**more: Any) -> dict[str, Any]:
    return _resource("azure-native:iothub:IotHubResource", {"properties": {"minTlsVersion": "1.0"}}, **more)


def _policies(found: dict[str, Any]) -> dict[str, str]:
    return {each["policy"]: each["level"] for each in found["findings"]}


def test_inputs_and_outputs_are_judged_as_an_engine_has_them_judged() -> None:
    """A rule on a resource's inputs, and one on what a run left."""
    proof = _resource(
        "pulumi-python:dynamic/hubtrust:VerifiedCertificate", {}, {"state": "verified", "proof": "found", "certificateName": "ca"}
    )
    found = judged([_hub(), proof], {})

    assert _policies(found).items() >= {"tls-minimum": "mandatory", "hub-protected": "mandatory", "proof-required": "mandatory"}.items()
    assert all(each["resource"].endswith("::one") for each in found["findings"])
    assert "hub-protected" not in _policies(judged([_hub(protect=True)], {}))
    assert judged([], {}) == {"version": 1, "findings": [], "unchecked": []}


def test_a_resource_that_waits_for_its_deletion_is_left_out() -> None:
    """The state still has it after a replacement that was interrupted."""
    assert judged([_hub(delete=True)], {})["findings"] == []


def test_the_configuration_has_levels_and_settings() -> None:
    """As `--policy-pack-config` has them; `all` is for the policies that are not named."""
    assert _policies(judged([_hub()], {"all": "disabled", "tls-minimum": "advisory"})) == {"tls-minimum": "advisory"}
    found = judged([_hub()], {"all": "disabled", "required-tags": {"enforcementLevel": "mandatory", "required": ["owner"]}})
    assert _policies(found) == {"required-tags": "mandatory"}
    assert "'owner'" in found["findings"][0]["message"]


def test_each_file_of_this_project_is_a_configuration() -> None:
    """Every policy that it names is judged."""
    for name in ("prod", "staging", "sandbox"):
        config = json.loads((ROOT / f"policies/{name}.json").read_text())
        assert config.keys() == {each.name for each in POLICIES}
        assert _policies(judged([_hub()], config))["tls-minimum"] == "mandatory"


@pytest.mark.parametrize(("config", "fact"), [({"tls-minimun": "advisory"}, "'tls-minimun'"), ({"tls-minimum": "off"}, '"off"')])
def test_a_misspelt_configuration_is_refused(config: dict[str, Any], fact: str) -> None:
    """A policy that is silently left out would look as if it found nothing."""
    with pytest.raises(ConfigurationError, match=fact):
        judged([], config)


def test_what_is_encrypted_is_not_checked_and_says_so() -> None:
    """Neither a violation nor compliance; with `--show-secrets` it is judged."""
    kind, allowed = (
        "hubtrust:index:VerifiedCertificate",
        {"all": "disabled", "custody-allowed": {"enforcementLevel": "mandatory", "allowed": ["key-vault"]}},
    )
    hidden = judged([_resource(kind, {"signer": {**_SECRET, "ciphertext": "v1:x"}})], allowed)
    shown = judged([_resource(kind, {"signer": {**_SECRET, "plaintext": json.dumps({"custody": "state"})}})], allowed)

    assert hidden["findings"] == []
    assert {(each["policy"], each["reason"]) for each in hidden["unchecked"]} == {
        ("custody-allowed", "signer can't be seen in the export: it is encrypted, or missing")
    }
    assert _policies(shown) == {"custody-allowed": "mandatory"}
    assert judged([_resource(kind, {"signer": {**_SECRET, "plaintext": "{"}})], allowed)["unchecked"]


def test_a_private_key_in_plain_text_is_found_and_never_printed() -> None:
    """A secret one is none, in an export with secrets too."""
    key = private_pem(ec_key())
    only = {"all": "disabled", "private-key-secret": "remediate"}
    bare = judged([_resource("random:index/thing:Thing", {"text": key})], only)
    kept = judged([_resource("random:index/thing:Thing", {"text": {**_SECRET, "plaintext": json.dumps(key)}})], only)

    assert _policies(bare) == {"private-key-secret": "remediate"}
    assert key.splitlines()[1] not in json.dumps(bare)
    assert kept["findings"] == []


def test_odd_resources_are_no_end_of_the_script() -> None:
    """A state may be damaged; a rule that fails says so in a finding."""
    odd: list[Any] = [
        7,
        {},
        {"urn": "urn:x"},
        _resource("azure-native:iothub:IotHubResource", {"properties": 7}),
        {"urn": None, "inputs": None},
    ]
    assert judged(odd, {})["version"] == 1


def test_the_script_prints_json_and_imports_nothing_of_this_project(tmp_path: Path) -> None:
    """But the pack."""
    script = ROOT / "policies/findings.py"
    names = {each.module for each in ast.walk(ast.parse(script.read_text())) if isinstance(each, ast.ImportFrom)}
    assert {str(name).partition(".")[0] for name in names} == {"__future__", "collections", "pathlib", "rules", "typing"}

    (tmp_path / "state.json").write_text(json.dumps({"version": 3, "deployment": {"resources": [_hub()]}}))
    command = [sys.executable, script, tmp_path / "state.json", ROOT / "policies/prod.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert _policies(json.loads(done.stdout))["tls-minimum"] == "mandatory"


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (None, "can't be read: No such file or directory"),
        ("[]", "is not a JSON object"),
        ("{", "it is not JSON"),
        ("{}", "has no `deployment`"),
    ],
)
def test_the_script_refuses_another_file_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str | None, fact: str
) -> None:
    """Without a traceback, and prints no findings."""
    monkeypatch.setitem(sys.modules, "rules.exported", exported)
    main = runpy.run_path(str(ROOT / "policies/findings.py"))["main"]
    file = tmp_path / "state.json"
    if content is not None:
        file.write_text(content)
    code, printed = main([str(file)]), capsys.readouterr()

    assert (code, printed.out, printed.err.count("\n")) == (1, "", 1)
    assert printed.err.startswith(f"findings.py: '{file}'")
    assert fact in printed.err
