"""The inputs that the tls stand-in refuses, and its messages."""

from __future__ import annotations

import base64
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives import serialization

from sandbox.plugins.property_values import UNKNOWN
from sandbox.plugins.resource import PluginError, State
from sandbox.plugins.tls.plugin import plugin
from tests.kit.certificate_shapes import CertificateShape, RequestShape
from tests.kit.der_mutations import CERTIFICATE_CHANGES, REQUEST_CHANGES
from tests.plugins.chains import CA, KEY, NOW, REQUEST, ROOT, key, operation, request, root, signed


@pytest.mark.parametrize(
    ("token", "news", "reasons"),
    [
        (KEY, {}, ["Missing required property 'algorithm'"]),
        (
            KEY,
            {"algorithm": "DSA"},
            ['Invalid Attribute Value Match. Attribute algorithm value must be one of: ["RSA" "ECDSA" "ED25519"], got: "DSA".'],
        ),
        (KEY, {"algorithm": UNKNOWN}, []),
        (
            KEY,
            {"algorithm": "RSA", "rsaBits": True},
            ["Incorrect attribute type. Attribute rsa_bits must be a whole number."],
        ),
        (
            ROOT,
            {**CA, "privateKeyPem": "x", "validityPeriodHours": -1},
            ["Invalid Attribute Value. Attribute validity_period_hours value must be at least 0, got: -1."],
        ),
        (
            REQUEST,
            {"privateKeyPem": "x", "uris": ["urn:a", ""]},
            ["Invalid Attribute Value Length. Attribute uris[1] string length must be at least 1, got: 0."],
        ),
    ],
)
def test_check_reports_every_fault(tls: Any, token: str, news: dict[str, Any], reasons: list[str]) -> None:
    """One reason for each fault, with the attribute, the value found and the valid values."""
    found = [failure.reason.split(" Examine values at 'bad.") for failure in tls.check(token, "bad", news).failures]
    assert [parts[0] for parts in found] == reasons


def test_failures_are_one_line_and_show_no_key(tls: Any) -> None:
    """A bad PEM, a key that is not the CA's, text that is not a request: each error is one line and shows no part of a key."""
    mine, other = key(tls), key(tls)
    ca, csr = root(tls, mine)["certPem"], request(tls, other)
    attempts = {
        "unsupported PEM preamble/type: CERTIFICATE": lambda: root(tls, ca),
        "failed to decode PEM block": lambda: root(tls, "no key"),
        "provided PrivateKey doesn't match parent's PublicKey": lambda: signed(tls, other, ca, csr),
        'expected "CERTIFICATE REQUEST", got "CERTIFICATE"': lambda: signed(tls, mine, ca, ca),
        'expected "CERTIFICATE", got "CERTIFICATE REQUEST"': lambda: signed(tls, mine, csr, csr),
        "Must contain at least one Distinguished Name": lambda: root(tls, mine, subject=None),
        "only CAs are allowed to specify MaxPathLen": lambda: root(tls, mine, isCaCertificate=False, maxPathLength=3),
        'Failed to parse "10.0.0"': lambda: request(tls, mine, ipAddresses=["10.0.0"]),
        "Could not determine Authority Key Identifier": lambda: root(tls, mine, isCaCertificate=False, setAuthorityKeyId=True),
        "duplicate attributes are not allowed": lambda: request(tls, mine, subject={"streetAddresses": ["a", "a"]}),
        "100 RSA bits": lambda: key(tls, algorithm="RSA", rsaBits=100),
    }
    body = [line for line in (mine + other).splitlines() if not line.startswith("-----")]
    for text, attempt in attempts.items():
        with pytest.raises(grpc.RpcError) as failed:
            attempt()
        assert text in failed.value.details()
        assert "\n" not in failed.value.details()
        assert [line for line in body if line in failed.value.details()] == []


def test_an_import_is_refused(tls: Any) -> None:
    """A tls resource exists only in the state, so there is nothing to import."""
    with pytest.raises(grpc.RpcError) as failed:
        tls.read(KEY, "some-id")
    assert "This resource does not support import" in failed.value.details()


@pytest.mark.parametrize("call", ["check", "create", "invoke"])
def test_an_unknown_token_is_refused_by_name(tls: Any, call: str) -> None:
    """The error names the token, the tokens that exist, and how to install the real plugin."""
    attempts = {
        "check": lambda: tls.check("tls:index/other:Other", "x", {}),
        "create": lambda: tls.create("tls:index/other:Other", "x", {}),
        "invoke": lambda: tls.invoke("tls:index/other:Other", {}),
    }
    with pytest.raises(grpc.RpcError) as failed:
        attempts[call]()
    text = failed.value.details()
    assert all(part in text for part in ("'tls:index/other:Other'", "tls:index/", "pulumi plugin install resource tls 5.6.2"))


@pytest.mark.parametrize(
    ("proxy", "fault"),
    [
        (None, None),
        ('{"url":"http://proxy.example:3128","username":"u","password":"p"}', None),
        ('{"fromEnv":true}', None),
        ('{"url":"ftp://x"}', 'Invalid URL scheme: "ftp://x"'),
        ('{"username":"u"}', '"username" needs "url"'),
        ('{"url":"http://x","password":"p"}', '"password" needs "username"'),
        ('{"url":"http://x","fromEnv":true}', '"fromEnv" goes with no other'),
        ("[", "proxy is not a JSON object"),
        ("[]", "proxy is not an object"),
    ],
)
def test_the_proxy_setting_is_validated(tls: Any, proxy: str | None, fault: str | None) -> None:
    """The real provider does so too, although nothing here uses the network."""
    answer = tls.call("CheckConfig", {"urn": "urn:pulumi:dev::t::pulumi:providers:tls::default", "news": {"proxy": proxy} if proxy else {}})
    reasons = [failure["reason"] for failure in answer.get("failures", [])]
    assert [fault in reason for reason in reasons if fault] == ([True] if fault else [])
    assert len(reasons) == (1 if fault else 0)


def test_a_state_changed_by_hand_is_named() -> None:
    """An end of validity that is not a time is an error; the certificate does not count as valid forever."""
    resource = plugin(None, clock=lambda: NOW).resources[ROOT]
    with pytest.raises(PluginError, match="Failed to parse data from string: soon"):
        resource.read(State("1", {"validityEndTime": "soon", "id": "1"}), operation())


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # of serial numbers that are not positive
def test_odd_certificates_and_requests_are_signed_or_refused_on_one_line(tls: Any) -> None:
    """Whatever their names, dates, versions and extensions are."""
    mine = key(tls)
    ca, csr = root(tls, mine)["certPem"], request(tls, mine)
    signer = serialization.load_pem_private_key(mine.encode(), None)
    authority, asked = CertificateShape.of(_der(ca)), RequestShape.of(_der(csr))
    cas = {label: change(authority).signed(signer) for label, change in CERTIFICATE_CHANGES.items()}
    requests = {label: change(asked).signed(signer) for label, change in REQUEST_CHANGES.items()}
    attempts = [(label, _pem("CERTIFICATE", each), csr) for label, each in cas.items()]
    attempts += [(label, ca, _pem("CERTIFICATE REQUEST", each)) for label, each in requests.items()]
    outcomes = [_outcome(tls, mine, *pems) for _, *pems in attempts]
    refused = [each for each in outcomes if each != "signed"]
    assert [each for each in refused if "\n" in each or not each.lower().startswith("failed to parse c")] == []
    assert len(refused) < len(outcomes) / 2


def _outcome(tls: Any, signer: str, ca: str, csr: str) -> str:
    try:
        signed(tls, signer, ca, csr)
    except grpc.RpcError as refused:
        return str(refused.details())
    return "signed"


def _der(text: str) -> bytes:
    return base64.b64decode("".join(text.strip().splitlines()[1:-1]))


def _pem(label: str, encoding: bytes) -> str:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(encoding).decode()}-----END {label}-----\n"
