"""The values of an authority as Inputs: plain, known later, unknown, secret; and what is refused, at once or when it is known."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pulumi
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from pulumi.output import UNKNOWN
from pulumi.runtime import mocks

from hubtrust import InKeyVault, InToken, TrustedDevice, TrustedFleet, TrustedHub
from hubtrust.authority import AuthorityError, CertificateAuthority, Generate, Import, Request, Trust
from hubtrust.authority_arguments import read_certificate_name, read_proof
from hubtrust.authority_keys import KeyName
from hubtrust.generated_authority import GeneratedAuthority, RequestedAuthority
from hubtrust.given_authority import imported
from hubtrust.known_values import validated
from hubtrust.program_errors import ProgramError
from tests.kit.authorities import hierarchy, parsed, pem_of, private_pem
from tests.kit.remembering_engine import HUB, Engine, Monitor, is_secret, is_unknown
from tests.kit.root_authority import RootAuthority

CA, OTHER = RootAuthority(), RootAuthority("Other")
VAULT = "https://kv.vault.azure.net"
TOKEN = "pkcs11:token=plant;object=ca"
_ISSUED = "pulumi-python:dynamic/hubtrust:IssuedCertificate"
_VERIFIED = "pulumi-python:dynamic/hubtrust:VerifiedCertificate"
_CHECK = "pulumi-python:dynamic/hubtrust:ConnectionCheck"
_SIGNING_KEY = "pulumi-python:dynamic/hubtrust:SigningKey"
PLANT = "plant-plant-g1"


def later(value: Any) -> pulumi.Output[Any]:
    """An Output, as of another resource."""
    return pulumi.Output.from_input(value)


def declare(source: Any, name: str = "plant", **options: Any) -> None:
    """A hub that trusts the authority, a device with a certificate, and a canary."""

    @pulumi.runtime.test
    def program() -> None:
        made = source() if callable(source) else source
        authority = CertificateAuthority(name, source=made, **options)
        hub = TrustedHub.existing("plant", HUB, authorities=[authority])
        if authority.signer is not None:
            TrustedDevice("press-001", hub=hub, authority=authority, make_key=True)
        TrustedFleet("plant", hub=hub, authority=authority, canary="press-002")

    program()


def as_outputs(source: Any, make: Any) -> Any:
    """``source`` with ``make`` of each value that may be an Output."""
    names = [one.name for one in fields(source) if "Output[" in str(one.type)]
    return replace(source, **{name: make(getattr(source, name)) for name in names if getattr(source, name) is not None})


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no source": ({"source": None}, "source: it is None; give Generate"),
    "a source of another type": ({"source": "generate"}, "source: it is a text; give Generate"),
    "no name": ({"name": ""}, "the authority's name: it is empty"),
    "a name with a space": (
        {"name": "plant a"},
        "authority 'plant a': the certificate would be called 'plant a-g1-0{8}'; use at most 64 of",
    ),
    "a name that is too long": ({"name": "x" * 53}, "the certificate would be called"),
    "no common name": ({"source": Generate(common_name="")}, "common_name: it is empty; give a text"),
    "a number as common name": ({"source": Generate(common_name=7)}, "common_name: it is a number"),  # type: ignore[arg-type]
    "a long common name": ({"source": Generate(common_name="x" * 54)}, "is empty or longer than 64 characters"),
    "one of a request": ({"source": Request(common_name="x" * 65)}, "is empty or longer than 64 characters"),
    "an organization": ({"source": Generate(common_name="P", organization=["C"])}, "organization: it is a list"),  # type: ignore[arg-type]
    "no days": ({"source": Generate(common_name="P", root_days=0)}, "root_days: it is 0; use a whole number from 1 to 36525"),
    "negative days": ({"source": Generate(common_name="P", issuing_days=-5)}, "issuing_days: it is -5; use a whole number"),
    "too many days": ({"source": Generate(common_name="P", root_days=36526)}, "root_days: it is 36526"),
    "very many days": ({"source": Generate(common_name="P", root_days=10**5000)}, "root_days: it is far larger"),
    "days as text": ({"source": Generate(common_name="P", root_days="30")}, "root_days: it is '30'"),  # type: ignore[arg-type]
    "a window": ({"source": Generate(common_name="P", issuing_renew_before_days=-1)}, "issuing_renew_before_days: it is -1"),
    "a long window": (
        {"source": Generate(common_name="P", issuing_days=9, issuing_renew_before_days=9)},
        "issuing_renew_before_days: it is 9, but issuing_days is only 9",
    ),
    "no CA that there can be": (
        {"source": Generate(common_name="P", intermediates=-1)},
        "intermediates: it is -1; use a whole number from 0",
    ),
    "too many CAs": ({"source": Generate(common_name="P", intermediates=10)}, "intermediates: it is 10; use .* from 0 to 9"),
    "a truth value": ({"source": Generate(common_name="P", intermediates=True)}, "intermediates: it is True"),
    "a text as number": ({"source": Generate(common_name="P", intermediates="2")}, "intermediates: it is '2'"),  # type: ignore[arg-type]
    "an algorithm": (
        {"source": Generate(common_name="P", key="ec-p999")},
        "key: there is no algorithm 'ec-p999'; use ec-p256, ec-p384, rsa",
    ),
    "one of a request's key": ({"source": Request(common_name="P", key=None)}, "key: there is no algorithm None"),  # type: ignore[arg-type]
    "a trust": ({"trust": "top"}, "trust: it is 'top'; use root, issuing"),
    "the root of a requested CA": (
        {"trust": "root", "source": Request(common_name="P")},
        "trust is root, but a requested CA's key is the issuing certificate's.*; leave trust out, or import",
    ),
    "generation 0": ({"generation": 0}, "generation: it is 0; use a whole number from 1 to 9999"),
    "generation -1": ({"generation": -1}, "generation: it is -1"),
    "generation 1.5": ({"generation": 1.5}, "generation: it is 1.5"),
    "generation True": ({"generation": True}, "generation: it is True"),
    "a text as truth value": ({"keep_previous": "yes"}, "keep_previous: it is 'yes'; use true or false"),
    "a previous one that is not kept": ({"previous": Import(chain=CA.pem)}, "previous is given, but keep_previous is not set"),
    "a previous one of another type": ({"previous": 7, "keep_previous": True, "generation": 2}, "previous: it is a number; give Generate"),
    "a custody of another type": ({"source": Generate(common_name="P", custody="state")}, "custody: it is a text; give InKeyVault"),  # type: ignore[arg-type]
    "no keys": ({"source": Generate(common_name="P", custody=InKeyVault(keys=[]))}, "0 given, but there are 2 certificates"),
    "a text as keys": ({"source": Request(common_name="P", custody=InKeyVault(keys="kv"))}, "the addresses of the CA's keys: it is a text"),
    "no address": ({"source": Request(common_name="P", custody=InKeyVault(keys=["kv"]))}, "key 'kv': it is not the id of a key"),
    "None as address": ({"source": Request(common_name="P", custody=InKeyVault(keys=[None]))}, "a key's address: it is None"),  # type: ignore[list-item]
    "neither keys nor vault": ({"source": Request(common_name="P", custody=InKeyVault())}, "InKeyVault: neither keys nor vault is given"),
    "keys and vault": (
        {"source": Request(common_name="P", custody=InKeyVault(keys=[VAULT], vault=VAULT))},
        "keys and vault are both given",
    ),
    "no vault": (
        {"source": Request(common_name="P", custody=InKeyVault(vault="kv"))},
        "vault 'kv': it is not the URI of a vault; write it as",
    ),
    "a name that no key can have": (
        {"name": "plant_a", "source": Request(common_name="P", custody=InKeyVault(vault=VAULT))},
        "a key in its vault would be called 'plant_a-g1-issuing', and Key Vault takes letters",
    ),
    "no PIN": (
        {"source": Request(common_name="P", custody=InToken(keys=[TOKEN]))},
        "InToken: no PIN is given; give one of pin and pin_var",
    ),
    "two PINs": ({"source": Request(common_name="P", custody=InToken(keys=[TOKEN], pin="1", pin_variable="P"))}, "two PINs are given"),
    "a number as PIN": ({"source": Request(common_name="P", custody=InToken(keys=[TOKEN], pin=84017263))}, "pin: it is a number"),  # type: ignore[arg-type]
    "no URI": (
        {"source": Request(common_name="P", custody=InToken(keys=["kv"], pin="1"))},
        "the key's PKCS#11 URI: 'kv' is not a PKCS#11 URI",
    ),
    "a number as chain": ({"source": Import(chain=7)}, "the imported chain: it is a number; give PEM"),  # type: ignore[arg-type]
    "no chain": ({"source": Import(chain="")}, "the imported chain: it is empty; give PEM"),
    "a list as key": ({"source": Import(chain=CA.pem, private_key=[])}, "the imported key: it is a list; give PEM"),  # type: ignore[arg-type]
    "a number as passphrase": ({"source": Import(chain=CA.pem, passphrase=7)}, "the passphrase: it is a number"),  # type: ignore[arg-type]
    "two keys": (
        {"source": Import(chain=CA.pem, private_key=CA.private_pem, custody=InKeyVault(keys=[f"{VAULT}/keys/a"]))},
        "the imported key: private_key and custody are both given",
    ),
    "a key that is named here": (
        {"source": Import(chain=CA.pem, custody=InKeyVault(vault=VAULT))},
        "an imported CA's key has a name of its own",
    ),
    "a proof and a key": (
        {"source": Import(chain=CA.pem, private_key=CA.private_pem, proof=CA.pem)},
        "proof: private_key is given, so the",
    ),
    "a proof": ({"source": Import(chain=CA.pem, proof="noise")}, "proof: it contains no certificate"),
    "a certificate name": (
        {"source": Import(chain=CA.pem, certificate_name="a/b")},
        "certificate_name: the certificate would be called 'a/b'",
    ),
    "no answer": (
        {"source": Request(common_name="P", answer="")},
        "the answer to the certificate request: it is empty; give the signed chain",
    ),
}


def test_a_wrong_value_is_one_line_before_any_resource(engine: Engine) -> None:
    """Each is refused where it is given; the line repeats no PIN."""
    for case, (arguments, match) in WRONG.items():
        with pytest.raises(AuthorityError, match=match) as caught:
            CertificateAuthority(**({"name": "plant", "source": Generate(common_name="Plant")} | arguments))
        assert "\n" not in str(caught.value), case
        assert "84017263" not in str(caught.value), case
        assert not engine.names, case


DECIDES: dict[str, Any] = {
    "source": lambda: {"source": later(Generate(common_name="P"))},
    "generation": lambda: {"generation": later(1)},
    "keep_previous": lambda: {"keep_previous": later(False)},
    "trust": lambda: {"trust": later("root")},
    "cloud": lambda: {"cloud": later("public")},
    "the authority's name": lambda: {"name": later("plant")},
    "intermediates": lambda: {"source": Generate(common_name="P", intermediates=later(1))},  # type: ignore[arg-type]
    "key": lambda: {"source": Request(common_name="P", key=later("ec-p256"))},  # type: ignore[arg-type]
    "custody": lambda: {"source": Generate(common_name="P", custody=later(None))},  # type: ignore[arg-type]
    "the addresses of the CA's keys": lambda: {"source": Request(common_name="P", custody=InKeyVault(keys=later([])))},  # type: ignore[arg-type]
}


def test_what_decides_which_resources_there_are_is_plain(engine: Engine) -> None:
    """An Output there is an error in one line, which says so."""
    for what, arguments in DECIDES.items():
        with pytest.raises(AuthorityError, match=f"^{what}: .*decides which resources there are") as caught:
            CertificateAuthority(**({"name": "plant", "source": Generate(common_name="Plant")} | arguments()))
        assert "\n" not in str(caught.value)
    assert not engine.names


WRONG_LATER: dict[str, tuple[Any, str]] = {
    "a list as common name": (lambda: Generate(common_name=later(["a"])), "common_name: it is a list; give a text"),
    "None as common name": (lambda: Request(common_name=later(None)), "common_name: it is None"),
    "days": (lambda: Generate(common_name="P", root_days=later(0)), "root_days: it is 0; use a whole number from 1 to 36525"),
    "a window": (lambda: Generate(common_name="P", root_days=later(9), root_renew_before_days=9), "it is 9, but root_days is only 9"),
    "a number as chain": (lambda: Import(chain=later(7)), "the imported chain: it is a number; give PEM"),
    "None as chain": (lambda: Import(chain=later(None)), "the imported chain: it is None"),
    "noise as chain": (lambda: Import(chain=later("noise")), "the imported chain: it contains no certificate, key or request"),
    "another's key": (
        lambda: Import(chain=later(CA.pem), private_key=pulumi.Output.secret(OTHER.private_pem)),
        "it belongs to none of 'CN=Plant A'",
    ),
    "None as key": (lambda: Import(chain=CA.pem, private_key=later(None)), "the imported key: it is None; give PEM"),
    "a proof": (lambda: Import(chain=CA.pem, proof=later("noise")), "proof: it contains no certificate"),
    "a certificate name": (
        lambda: Import(chain=CA.pem, certificate_name=later("a b")),
        "certificate_name: the certificate would be called",
    ),
    "None as answer": (
        lambda: Request(common_name="P", answer=later(None)),
        "the answer to the certificate request: it is None; give the signed chain, or leave answer out",
    ),
    "an empty answer": (lambda: Request(common_name="P", answer=later("")), "it is empty; give the signed chain, or leave answer out"),
    "an address": (
        lambda: Request(common_name="P", custody=InKeyVault(keys=[later("kv")])),
        "key 'kv': it is not the id of a key in Azure",
    ),
    "a vault": (lambda: Request(common_name="P", custody=InKeyVault(vault=later(7))), "vault: it is a number; give the vault's URI"),
    "a PIN": (lambda: Request(common_name="P", custody=InToken(keys=[TOKEN], pin=pulumi.Output.secret(84017263))), "pin: it is a number"),
}


@pytest.mark.usefixtures("engine")
def test_a_wrong_value_of_an_output_is_one_line() -> None:
    """The same readers read it when it is known; every part that depends on it has the error, and none has a value."""
    found: dict[str, set[str]] = {}

    @pulumi.runtime.test
    async def program() -> None:
        for case, (source, _) in WRONG_LATER.items():
            found[case] = {error async for error in errors_of(read(source()))}

    with pytest.raises(AuthorityError):
        program()
    for case, (_, match) in WRONG_LATER.items():
        (error,) = found[case]
        assert re.search(match, error), (case, error)
        assert "\n" not in error, case
        assert "84017263" not in error, case


def read(source: Generate | Import | Request) -> Any:
    """What an authority reads of it before it declares anything."""
    if isinstance(source, Import):
        name = validated(AuthorityError, read_certificate_name, source.certificate_name)
        return [
            imported(source, Trust.ISSUING, KeyName("plant-g1", "issuing", 0)),
            validated(AuthorityError, read_proof, source.proof),
            name,
        ]
    return RequestedAuthority.read(source, "plant-g1") if isinstance(source, Request) else GeneratedAuthority.read(source, "plant-g1")


async def errors_of(value: Any) -> AsyncIterator[str]:
    """The errors of all Outputs in ``value``."""
    if isinstance(value, pulumi.Output):
        try:
            await value.future()
        except AuthorityError as error:
            yield str(error)
        return
    parts = [getattr(value, one.name) for one in fields(value)] if is_dataclass(value) and not isinstance(value, type) else ()
    for part in parts or (value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()):
        async for error in errors_of(part):
            yield error


LOCKED = CA.key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"horse")
).decode()
MADE = hierarchy()
ABOVE, BELOW = pem_of(MADE.up[-1]), pem_of(*MADE.up)
SOURCES: dict[str, tuple[Any, dict[str, Any]]] = {
    "generated": (Generate(common_name="Plant", organization="Contoso", root_days=90, issuing_days=60, root_renew_before_days=7), {}),
    "in a vault": (Generate(common_name="Plant", custody=InKeyVault(vault=VAULT)), {}),
    "imported with a locked key": (Import(chain=CA.pem, private_key=LOCKED, passphrase="horse"), {}),
    "offline": (Import(chain=BELOW, certificate_name="mine"), {}),
    "the root's key": (
        Import(chain=BELOW, custody=InKeyVault(keys=[f"{VAULT}/keys/root"])),
        {"trust": "root"},
    ),
    "requested of a token": (Request(common_name="Plant", key="ec-p384", custody=InToken(keys=[TOKEN], pin="84017263"), answer=CA.pem), {}),
}


def test_an_output_declares_what_a_plain_value_does(engine: Engine) -> None:
    """Nothing of an existing stack changes when a value becomes an Output, and a preview that does not know it shows the same resources.

    Only whether the issuing key is here is not known at once: its signer may turn out to be one of custody `offline`.
    """
    for case, (source, options) in SOURCES.items():
        sent: list[dict[tuple[str, str], dict[str, Any]]] = []
        for preview, make in ((False, lambda value: value), (False, later), (True, lambda _: later(UNKNOWN))):
            engine.sent = {}
            mocks.set_mocks(engine, preview=preview, monitor=Monitor(engine))
            declare(lambda source=source, make=make: as_outputs(source, make), **options)  # type: ignore[misc]
            sent.append(engine.sent)
        plain, known, unknown = sent
        for place, inputs in plain.items():
            if place[0] == _CHECK and "signer" not in inputs:
                assert known[place].pop("signer")["value"] == {"custody": "offline"}, case
            assert known[place] == inputs, (case, place)
        assert {name for _, name in known.keys() - plain.keys()} <= {"press-001"}, case
        assert unknown.keys() == known.keys(), case
        assert is_unknown(unknown[_VERIFIED, PLANT]["certificate"]) == (not isinstance(source, Generate)), case


def test_a_secret_stays_one_and_what_is_public_does_not_become_one(engine: Engine) -> None:
    """Of a secret key, PIN or passphrase only the signers are secrets; of a secret chain everything, unless the key is in the same file."""
    file = pkcs12.serialize_key_and_certificates(
        None, CA.key, parsed(CA.certificate), None, serialization.BestAvailableEncryption(b"horse")
    )
    sources = {
        "key": lambda: Import(chain=CA.pem, private_key=pulumi.Output.secret(LOCKED), passphrase=pulumi.Output.secret("horse")),
        "one file": lambda: Import(
            chain=pulumi.Output.secret(file), private_key=pulumi.Output.secret(file), passphrase=pulumi.Output.secret("horse")
        ),
        "PIN": lambda: Request(
            common_name="P", custody=InToken(keys=[later(TOKEN)], pin=pulumi.Output.secret("84017263")), answer=later(CA.pem)
        ),
        "chain": lambda: Import(chain=pulumi.Output.secret(CA.pem), private_key=pulumi.Output.secret(CA.private_pem)),
    }
    for case, source in sources.items():
        engine.sent = {}
        declare(source)
        for inputs in engine.sent.values():
            assert not {name for name in ("signer",) if name in inputs and not is_secret(inputs[name])}, case
            shown = json.dumps(without_secrets(inputs))
            assert "PRIVATE KEY" not in shown, case
            assert "horse" not in shown, case
            assert "84017263" not in shown, case
        public = [engine.named(_VERIFIED, PLANT)["certificate"]]
        public += [engine.named(_ISSUED, "press-001")[name] for name in ("issuerCertificate", "anchor")]
        public += [engine.named(_CHECK, "plant-press-002")[name] for name in ("chain", "anchor")]
        assert {is_secret(one) for one in public} == {case == "chain"}, case


def without_secrets(value: Any) -> Any:
    """A value on the wire without what is marked as a secret."""
    if isinstance(value, Mapping):
        return None if is_secret(value) else {name: without_secrets(one) for name, one in value.items()}
    return [without_secrets(one) for one in value] if isinstance(value, list) else value


def test_the_hub_trusts_a_certificate_of_another_authoritys_chain(engine: Engine) -> None:
    """Where both chains are Outputs, the certificate is found when they are known; if there is none, the device could never connect."""

    @pulumi.runtime.test
    def program(chain: str = ABOVE) -> None:
        key = private_pem(MADE.issuing.signer._private_key)  # type: ignore[attr-defined]
        above = CertificateAuthority("above", source=Import(chain=later(chain)))
        below = CertificateAuthority("below", source=Import(chain=later(BELOW), private_key=pulumi.Output.secret(key)))
        hub = TrustedHub("plant", authorities=[above])
        TrustedDevice("press-001", hub=hub, authority=below, make_key=True)

    program()
    assert engine.named(_ISSUED, "press-001")["anchor"] == ABOVE
    with pytest.raises(ProgramError, match=r"authority 'below': its hub trusts no certificate of its chain.*; name 'below' in the hub's"):
        program(OTHER.pem)


def test_the_keys_of_a_generation_are_named_in_the_vault(engine: Engine) -> None:
    """By the authority, the generation and the certificate; so a kept generation has its own, and needs no `previous`."""

    async def awaited() -> str:
        return "https://kv.vault.azure.net/"

    def source() -> Generate:
        return Generate(common_name="Plant", intermediates=2, custody=InKeyVault(vault=awaited()))  # awaited once, and used six times

    declare(source, generation=2, keep_previous=True)
    keys = {inputs["signer"]["value"]["key"] for (kind, _), inputs in engine.sent.items() if kind == _SIGNING_KEY}
    labels = ("root", "intermediate-1", "issuing")
    assert keys == {f"{VAULT}/keys/plant-g{generation}-{label}" for generation in (1, 2) for label in labels}
