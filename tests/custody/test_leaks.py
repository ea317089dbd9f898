"""No key, PIN or login is disclosed under any custody: not in gRPC, outputs, errors or the most verbose logs."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from hubtrust import signer_inputs
from hubtrust.dynamic.issued_certificate import IssuedCertificateProvider
from hubtrust.dynamic.signing_key import SigningKeyProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from hubtrust.pki.keys import public_pem
from tests.kit import key_stores
from tests.kit.authorities import ec_key, private_pem, rsa_key
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.provider_process import CallFailedError, ProviderProcess
from tests.kit.root_authority import RootAuthority

LeakCase = tuple[dict[str, Any], dict[str, Any], list[str]]
_LOUD = "import logging\nlogging.basicConfig(level=logging.DEBUG)\n"  # a sitecustomize: every library's every word goes to stderr


@pytest.fixture(params=["state ec", "offline ec", "key-vault rsa", "pkcs11 ec"])
def leak_case(request: pytest.FixtureRequest, authority: RootAuthority) -> LeakCase:
    """A signer, one that fails, and the secrets that must not appear."""
    where = request.param.partition(" ")[0]
    body = "".join(authority.private_pem.splitlines()[1:-1])
    # Only what is private: the head of PKCS#8 is the same for all, and the public half is at its end (EC) or before the private half (RSA).
    private = body[40:80] if request.param.endswith("ec") else body[480:]
    pieces = [private[start : start + 40] for start in range(0, len(private) - 39, 40)]
    name = f"leak-{uuid.uuid4().hex[:8]}"
    match where:
        case "state":
            signer = {"custody": "state", "privateKey": private_pem(authority.key, "correct horse 84"), "passphrase": "correct horse 84"}
            return signer, {**signer, "passphrase": "correct horse 85"}, [*pieces, "correct horse"]
        case "offline":
            return signer_inputs.offline(), {"custody": "offline", "privateKey": authority.private_pem}, pieces
        case "key-vault":
            vault = request.getfixturevalue("vault")
            return signer_inputs.in_key_vault(vault.give(name, authority.key)), signer_inputs.in_key_vault(f"{vault.uri}/keys/none"), pieces
    tokens = request.getfixturevalue("tokens")
    signer = signer_inputs.in_token(tokens.give("plant", name, authority.key), pin=key_stores.PIN)
    return signer, {**signer, "pin": "plant-pin-00000000"}, [*pieces, key_stores.PIN, "plant-pin-00000000"]


@pytest.fixture
def authority(request: pytest.FixtureRequest) -> RootAuthority:
    """An authority whose key is the kind that the custody's test asks for."""
    kind = str(request.node.callspec.params["leak_case"]).partition(" ")[2]
    return RootAuthority(key=rsa_key() if kind == "rsa" else ec_key())


def test_the_provider_discloses_no_secret(
    azure: LocalAzure, hub: Hub, authority: RootAuthority, leak_case: LeakCase, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Prove, read, change, issue, fail, delete: secrets are only in the declared input `signer`, never in a log or a response."""
    signer, broken, secrets = leak_case
    (tmp_path / "sitecustomize.py").write_text(_LOUD)
    tokens = request.getfixturevalue("tokens") if signer["custody"] == "pkcs11" else None
    environment = key_stores.environment(azure, tokens)
    secrets = [*secrets, environment["AZURE_CLIENT_SECRET"], "Bearer eyJ"]
    with ProviderProcess({**environment, "PYTHONPATH": str(tmp_path)}) as process:
        news = {"serviceId": hub.id, "certificate": authority.pem, "name": "plant-a", "signer": signer, "deadline": 90}
        proving = process.of(VerifiedCertificateProvider)
        created = proving.up(proving.create(news), {**news, "deadline": 31})
        key = public_pem(ec_key().public_key())
        device = {"profile": "device", "deviceId": "press-001", "publicKey": key, "issuerCertificate": authority.pem}
        if signer["custody"] != "offline":
            issued = process.of(IssuedCertificateProvider).create({**device, "signer": signer})
            assert issued.outs["custody"] == signer["custody"]
        proving.delete(created)
    with ProviderProcess(process.environment) as failing:
        _fail(failing, news, broken)
    for each in (process, failing):
        assert "DEBUG" in each.error_output, "the logs were on"
        _require_clean(each, secrets)


def _fail(process: ProviderProcess, news: dict[str, Any], broken: dict[str, Any]) -> None:
    """Each kind of refusal: by check, and by a create without a check before it, which could end in a traceback."""
    for provider, inputs in ((VerifiedCertificateProvider, {**news, "signer": broken}), (SigningKeyProvider, {"signer": broken})):
        calls = process.of(provider)
        calls.check(inputs)
        with pytest.raises(CallFailedError):
            calls.process.call("Create", properties=calls._with_provider(inputs | ({"name": "other"} if "name" in inputs else {})))


def _require_clean(process: ProviderProcess, secrets: list[str]) -> None:
    seen = {"stdout": process.printed, "stderr": process.error_output}
    for number, text in enumerate(process.traffic):
        message = json.loads(text) if text.startswith("{") else {"error": text}
        for name, part in message.items():
            open_parts = {key: value for key, value in part.items() if key != "signer"} if isinstance(part, dict) else part
            seen[f"message {number} {name}"] = json.dumps(open_parts)
    found = {where: secret for where, text in seen.items() for secret in secrets if secret in text.replace("\\n", "").replace("\n", "")}
    assert found == {}
