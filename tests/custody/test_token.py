"""Errors with a key in a token: one line for each, and no PIN is tried twice."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hubtrust import signer_inputs
from hubtrust.dynamic.signing_key import SigningKeyProvider
from tests.kit import key_stores
from tests.kit.authorities import ec_key
from tests.kit.key_stores import PIN, PIN_VARIABLE, Tokens
from tests.kit.provider_process import Provider, ProviderProcess

# Objects that softhsm2-util can't make: run where SOFTHSM2_CONF points to the token.
_STRANGE = """
import sys, pkcs11
from pkcs11.util.ec import encode_named_curve_parameters
with pkcs11.lib(sys.argv[1]).get_token(token_label=sys.argv[2]).open(rw=True, user_pin=sys.argv[3]) as session:
    curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("1.3.101.112")}
    session.create_domain_parameters(pkcs11.KeyType.EC_EDWARDS, curve, local=True).generate_keypair(
        mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN, label="edwards", store=True)
    p256 = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    for key_id in (b"1", b"2"):
        session.create_domain_parameters(pkcs11.KeyType.EC, p256, local=True).generate_keypair(id=key_id, label="twins", store=True)
    session.generate_key(pkcs11.KeyType.AES, 256, label="secret", store=True)
    public, _ = session.create_domain_parameters(pkcs11.KeyType.EC, p256, local=True).generate_keypair(label="half", store=True)
    public.destroy()
"""

_CHANGE_PIN = """
import sys, pkcs11
with pkcs11.lib(sys.argv[1]).get_token(token_label="plant").open(rw=True, user_pin=sys.argv[2]) as session:
    session.set_pin(sys.argv[2], sys.argv[3])
"""


@pytest.fixture(scope="module")
def odd_tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    """A separate SoftHSM with two tokens of the same label and one token with unusual keys."""
    found = Tokens(tmp_path_factory.mktemp("drawer"), key_stores.need_softhsm())
    for label in ("strange", "double", "double"):
        found.token(label)
    environment = {"SOFTHSM2_CONF": str(found.config)}
    subprocess.run([sys.executable, "-c", _STRANGE, found.module, "strange", PIN], env=environment, check=True, timeout=60)
    found.give("strange", "moved", ec_key())
    return found


@pytest.fixture(scope="module")
def process(odd_tokens: Tokens) -> Iterator[ProviderProcess]:
    """A provider process that can use only the tokens."""
    with ProviderProcess({"SOFTHSM2_CONF": str(odd_tokens.config), PIN_VARIABLE: PIN}) as found:
        yield found


def fails(provider: Provider, signer: dict[str, Any]) -> str:
    text = provider.create_error({"signer": signer})
    assert PIN not in text
    return text


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"pin": None}, "custody 'pkcs11' needs exactly one PIN; give either pin (a secret) or pinVariable"),
        ({"pin": "1", "pinVariable": "A"}, "custody 'pkcs11' needs exactly one PIN"),
        ({"key": None, "pin": "1"}, "custody 'pkcs11' needs a key; give the key's PKCS#11 URI"),
        ({"key": "pkcs11:slot-id=3;object=a", "pin": "1"}, "it names a slot but no token, and a token's slot can change"),
        ({"key": "pkcs11:token=a;object=b?pin-value=84017263", "pin": "1"}, "it contains a PIN or the source of one"),
    ],
)
def test_invalid_signers_are_refused_by_check(keys: Provider, fields: dict[str, Any], match: str) -> None:
    """Refused without using a token; a PIN in the URI is not repeated in the message."""
    signer = {"custody": "pkcs11", "key": "pkcs11:token=a;object=b", **fields}
    ((name, reason),) = keys.check({"signer": {name: value for name, value in signer.items() if value}}).failures
    assert (name, match in reason, "84017263" in reason) == ("", True, False), reason


@pytest.mark.parametrize(
    ("token", "key", "match"),
    [
        ("absent", "a", "there is no such token; found: 'double', 'double', 'strange'; connect it"),
        ("double", "a", "2 tokens match: 'double', 'double'; add serial=<serial> to the URI"),
        ("strange", "none", "there is no such public key in the token; check object= and id="),
        ("strange", "secret", "there is no such public key in the token"),
        (
            "strange",
            "half",
            "there is no such public key in the token; check object= and id=; the token must have both keys, private and public",
        ),
        ("strange", "twins", "2 keys match; add id=<bytes as %01%02> to the URI"),
        ("strange", "edwards", "it is of type EC_EDWARDS; use an RSA or EC key"),
    ],
)
def test_missing_and_unsuitable_keys_are_reported(keys: Provider, odd_tokens: Tokens, token: str, key: str, match: str) -> None:
    """The token is missing or ambiguous; the key is missing, ambiguous or of another type."""
    assert match in fails(keys, signer_inputs.in_token(odd_tokens.uri(token, key), pin_variable=PIN_VARIABLE))


def test_an_outdated_slot_is_ignored(keys: Provider, odd_tokens: Tokens) -> None:
    """The slot in the URI is outdated: the token is found by its name."""
    uri = f"pkcs11:token=strange;slot-id=1;object=moved?module-path={odd_tokens.module}"
    assert keys.create({"signer": signer_inputs.in_token(uri, pin_variable=PIN_VARIABLE)}).outs["key"] == "EC P-256"


@pytest.mark.parametrize("module", ["/nowhere/p11.so", "/bin/true", ""])
def test_an_invalid_module_is_reported(keys: Provider, module: str) -> None:
    """A library that does not exist, is not a PKCS#11 module, or is not named."""
    uri = "pkcs11:token=strange;object=a" + (f"?module-path={module}" if module else "")
    text = fails(keys, signer_inputs.in_token(uri, pin_variable=PIN_VARIABLE))
    assert (f"the PKCS#11 module '{module}' can't be loaded" if module else "the PKCS#11 module is not set; add ?module-path=") in text


def test_a_missing_pin_variable_is_reported(tokens: Tokens) -> None:
    """The PIN's environment variable is not set where Pulumi runs."""
    with ProviderProcess({"SOFTHSM2_CONF": str(tokens.config)}) as process:
        text = fails(process.of(SigningKeyProvider), signer_inputs.in_token(tokens.uri("plant", "a"), pin_variable="NO_SUCH_PIN"))
    assert "the token's PIN: the environment variable NO_SUCH_PIN is not set; set it where Pulumi runs" in text


def test_a_wrong_pin_is_tried_once(tmp_path: Path) -> None:
    """A refused PIN is not tried again in the same run, whatever the number of resources, even if it has become the right one meanwhile."""
    own, other = Tokens(tmp_path, key_stores.need_softhsm()), "plant-pin-00000000"
    own.token("plant")
    signer = signer_inputs.in_token(own.give("plant", "ca", ec_key()), pin=other)
    with ProviderProcess({"SOFTHSM2_CONF": str(own.config)}) as process:
        provider = process.of(SigningKeyProvider)
        assert "the token 'plant' refuses the PIN; correct the PIN before the next run" in fails(provider, signer)
        change = [sys.executable, "-c", _CHANGE_PIN, own.module, PIN, other]
        subprocess.run(change, env={"SOFTHSM2_CONF": str(own.config)}, check=True, timeout=60)
        for _ in range(2):
            assert "has already refused the PIN in this run, so it is not tried again; correct the PIN" in fails(provider, signer)
    with ProviderProcess({"SOFTHSM2_CONF": str(own.config)}) as process:
        assert process.of(SigningKeyProvider).create({"signer": signer}).outs["key"] == "EC P-256"


def test_a_missing_python_pkcs11_is_reported(tokens: Tokens, tmp_path: Path) -> None:
    """Without the extra the error says how to install it."""
    (tmp_path / "pkcs11").mkdir()
    (tmp_path / "pkcs11" / "__init__.py").write_text("raise ImportError('not installed')")
    with ProviderProcess({"SOFTHSM2_CONF": str(tokens.config), "PYTHONPATH": str(tmp_path), PIN_VARIABLE: PIN}) as process:
        text = fails(process.of(SigningKeyProvider), signer_inputs.in_token(tokens.uri("plant", "a"), pin_variable=PIN_VARIABLE))
    assert "python-pkcs11 is not installed; install hubtrust[pkcs11]" in text
