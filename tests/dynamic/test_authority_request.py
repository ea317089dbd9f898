"""AuthorityRequest over gRPC: it asks for a CA, and is kept while nothing changes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from hubtrust.dynamic.authority_request import AuthorityRequestProvider
from hubtrust.pki.chain import load_chain
from hubtrust.pki.request import load_request, requested_key
from tests.kit.authorities import ec_key, private_pem, rsa_key
from tests.kit.openssl_keys import openssl
from tests.kit.provider_process import UNKNOWN, Provider, ProviderProcess

SUBJECT = "CN=Plant B,O=Contoso"
KEYS = {"ec-p256": ec_key, "ec-p384": lambda: ec_key(ec.SECP384R1()), "rsa": rsa_key}


@pytest.fixture(scope="module")
def requests(named_process: ProviderProcess) -> Provider:
    return named_process.of(AuthorityRequestProvider)


def declared(key: Any, subject: str = SUBJECT) -> dict[str, Any]:
    return {"signer": {"custody": "state", "privateKey": private_pem(key)}, "subject": subject}


@pytest.mark.parametrize("kind", KEYS)
def test_it_asks_for_a_ca(requests: Provider, kind: str) -> None:
    """Critical basic constraints and key usage, the key's identifier, the subject; signed by the key; no key is an output."""
    key = KEYS[kind]()
    created = requests.create(declared(key))
    found = load_request(created.outs["request"], what="request")
    assert requested_key(found, what="request") == key.public_key()
    assert found.subject.rfc4514_string() == SUBJECT
    asked = {one.oid: (one.critical, one.value) for one in found.extensions}
    assert asked[x509.BasicConstraints.oid] == (True, x509.BasicConstraints(ca=True, path_length=0))
    critical, usage = asked[x509.KeyUsage.oid]
    assert (critical, usage.key_cert_sign, usage.crl_sign, usage.digital_signature) == (True, True, True, False)
    assert asked[x509.SubjectKeyIdentifier.oid] == (False, x509.SubjectKeyIdentifier.from_public_key(key.public_key()))
    assert "PRIVATE" not in str(created.outs)


def test_it_is_kept_until_it_changes(requests: Provider) -> None:
    """EC signatures differ each time, so a second run signs nothing. Another subject is an update with the same key."""
    key = ec_key()
    created = requests.create(declared(key))
    assert requests.diff(created, declared(key)).changes is False
    assert requests.read(created) == created
    renamed = declared(key, "CN=Plant C")
    assert (requests.diff(created, renamed).changes, requests.diff(created, renamed).replaces) == (True, [])
    again = requests.update(created, renamed)
    assert load_request(again.outs["request"], what="request").subject.rfc4514_string() == "CN=Plant C"
    assert again.outs["keyThumbprint"] == created.outs["keyThumbprint"]
    assert requests.diff(again, declared(ec_key(), "CN=Plant C")).replaces == ["signer"]
    assert requests.diff(again, declared(key, UNKNOWN)).changes is True
    requests.delete(again)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"signer": {"custody": "offline"}}, "signer: custody 'offline' can't sign here; create the request where the key is"),
        ({"subject": ""}, "subject: it is empty"),
        ({"subject": f"CN={'A' * 48}"}, "has the form of an Azure verification code"),
        ({"subject": None}, "subject: it is missing; set it"),
    ],
)
def test_each_invalid_input_is_reported(requests: Provider, changes: dict[str, Any], match: str) -> None:
    """Before anything is signed."""
    given = {name: value for name, value in (declared(ec_key()) | changes).items() if value is not None}
    ((_, reason),) = requests.check(given).failures
    assert match in reason


@pytest.mark.parametrize("kind", KEYS)
def test_an_authority_that_issues_what_is_asked_for_returns_a_ca(requests: Provider, tmp_path: Path, kind: str) -> None:
    """`openssl x509 -req -copy_extensions copyall` adds nothing of its own. Of a request by pulumi-tls it made a leaf."""
    key = KEYS[kind]()
    (tmp_path / "ca.csr").write_text(requests.create(declared(key)).outs["request"])
    openssl(tmp_path, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=Root")
    line = "x509 -req -in ca.csr -CA root.pem -CAkey root.key -days 8 -copy_extensions copyall -out ca.pem"
    openssl(tmp_path, *line.split())
    openssl(tmp_path, *"crl2pkcs7 -nocrl -certfile ca.pem -certfile root.pem -out all.p7b".split())
    for text in ((tmp_path / "ca.pem").read_text(), (tmp_path / "all.p7b").read_text()):
        answer = load_chain(text, what="answer", now=datetime.now(UTC)).issuing
        assert answer.public_key() == key.public_key()
    assert "ca.pem: OK" in openssl(tmp_path, "verify", "-CAfile", "root.pem", "ca.pem")
