"""The tls stand-in, compared with recorded answers of the real plugin."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pulumi.runtime.proto import provider_pb2

from sandbox.plugins.tls import keys

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# What chance or the clock decides; everything else of an answer must be equal.
CHANCE = re.compile(
    r"id|certPem|certRequestPem|validity(Start|End)Time|privateKey(Openssh|Pem|PemPkcs8)|publicKey(Fingerprint(Md5|Sha256)|Openssh|Pem)"
)

pytestmark = pytest.mark.recorded


def tls_calls(file: Path) -> list[dict[str, Any]]:
    with gzip.open(file, "rt") as lines:
        return [row for row in map(json.loads, lines) if row.get("plugin") == "tls"]


def translated(value: Any, ours: dict[str, str]) -> Any:
    """The recorded value, with recorded texts replaced by the ones that the stand-in produced."""
    if isinstance(value, dict):
        return {key: translated(item, ours) for key, item in value.items()}
    if isinstance(value, list):
        return [translated(item, ours) for item in value]
    return ours.get(value, value) if isinstance(value, str) else value


def learn(recorded: Any, created: Any, ours: dict[str, str]) -> None:
    """Record which text of the stand-in corresponds to which recorded one; the structure must be equal, including secrets."""
    if isinstance(recorded, dict):
        assert sorted(recorded) == sorted(created)
        for key, value in recorded.items():
            inner = value["value"] if isinstance(value, dict) and "value" in value else value
            if CHANCE.fullmatch(key) and inner != UNKNOWN:
                assert isinstance(value, dict) == isinstance(created[key], dict), key
                ours[inner] = created[key]["value"] if isinstance(created[key], dict) else created[key]
            else:
                learn(value, created[key], ours)
    else:
        assert (created, isinstance(created, bool)) == (translated(recorded, ours), isinstance(recorded, bool))


def replayed(tls: Any, call: dict[str, Any], ours: dict[str, str]) -> None:
    method = call["method"].rsplit("/", 1)[-1]
    if method == "Handshake":
        with pytest.raises(grpc.RpcError) as refused:
            tls.stub.Handshake(provider_pb2.ProviderHandshakeRequest(engine_address="127.0.0.1:1"))
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
        return
    answer = tls.call(method, translated(call["request"], ours))
    if method == "Create":
        learn(call["response"], answer, ours)
    else:
        assert answer == translated(call["response"], ours)


@pytest.mark.parametrize("scenario", ["tls-chain", "invokes"])
def test_every_recorded_call_is_answered_as_the_real_plugin_answered(tls: Any, traces: Path, scenario: str) -> None:
    """Check, Diff, Create, Read, Delete and Invoke of a recorded stack: same fields, secrets and deterministic values."""
    ours: dict[str, str] = {}
    calls = [call for file in sorted((traces / scenario).glob("*.grpc.jsonl.gz")) for call in tls_calls(file)]
    assert len(calls) > 10
    for call in calls:
        replayed(tls, call, ours)


def test_the_attributes_of_a_public_key_equal_the_real_plugins(traces: Path) -> None:
    """The id, SSH line and fingerprints of the recorded keys (RSA, ECDSA, Ed25519) are computed from their public PEM."""
    files = [*(traces / "tls-chain").glob("*.grpc.jsonl.gz"), *(traces / "invokes").glob("*.grpc.jsonl.gz")]
    answers = [call["response"]["properties"] for file in files for call in tls_calls(file) if call["method"].endswith("/Create")]
    shown = [answer for answer in answers if answer.get("publicKeyPem", UNKNOWN) != UNKNOWN]
    assert {answer["algorithm"] for answer in shown} == {"RSA", "ECDSA", "ED25519"}
    for answer in shown:
        public = load_pem_public_key(answer["publicKeyPem"].encode())
        assert isinstance(public, keys.PublicKey)
        expected = {name: answer[name] for name in answer if name == "id" or name.startswith("publicKey")}
        assert keys.public_attributes(public) == expected


def test_certificates_are_written_as_the_real_plugin_writes_them(tls: Any, traces: Path) -> None:
    """Names byte for byte, extensions in the same order with the same bytes (except key ids), and the same signature algorithm."""
    ours: dict[str, str] = {}
    for call in tls_calls(traces / "tls-chain" / "02.grpc.jsonl.gz"):
        replayed(tls, call, ours)
    pairs = [(theirs, created) for theirs, created in ours.items() if theirs.startswith("-----BEGIN CERTIFICATE-----")]
    assert len(pairs) == 2
    for theirs, created in pairs:
        assert anatomy(created) == anatomy(theirs)


def anatomy(text: str) -> dict[str, Any]:
    certificate = x509.load_pem_x509_certificate(text.encode())
    return {
        "lines": {len(line) for line in text.splitlines()[1:-2]},
        "version": certificate.version,
        "algorithm": certificate.signature_algorithm_oid,
        "subject": certificate.subject.public_bytes(),
        "issuer": certificate.issuer.public_bytes(),
        "days": certificate.not_valid_after_utc - certificate.not_valid_before_utc,
        "extensions": [
            (
                extension.oid.dotted_string,
                extension.critical,
                len(extension.value.public_bytes()) if "KeyId" in type(extension.value).__name__ else extension.value.public_bytes(),
            )
            for extension in certificate.extensions
        ],
    }
