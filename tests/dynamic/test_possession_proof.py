"""PossessionProof over gRPC: a proof for the code of somebody else's hub, kept until there is another code, and nothing else is signed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from hubtrust.dynamic.possession_proof import PossessionProofProvider
from hubtrust.pki.certificate import load_certificate
from hubtrust.pki.proof import require_proof
from tests.kit.provider_process import UNKNOWN, CallFailedError, Provider, ProviderProcess
from tests.kit.root_authority import RootAuthority

PLANT = RootAuthority("Plant")
CODE, NEXT = "4F2A91C0" * 6, "0B1C2D3E" * 6


@pytest.fixture(scope="module")
def proofs(named_process: ProviderProcess) -> Provider:
    return named_process.of(PossessionProofProvider)


def asked(code: Any = CODE, ca: RootAuthority = PLANT, **changes: Any) -> dict[str, Any]:
    """The inputs of a proof."""
    news = {"certificate": ca.pem, "code": code, "signer": {"custody": "state", "privateKey": ca.private_pem}, **changes}
    return {name: value for name, value in news.items() if value is not None}


def test_it_answers_the_code_and_is_kept(proofs: Provider) -> None:
    """It waits for a code, signs for it, keeps that while the code is the same or gone, and signs again for another one."""
    waiting = proofs.create(asked(None))
    assert "proof" not in waiting.outs
    assert (proofs.diff(waiting, asked(None)).changes, proofs.diff(waiting, asked(UNKNOWN)).changes) == (False, True)
    signed = proofs.up(waiting, asked())
    proof = load_certificate(signed.outs["proof"], what="proof")
    require_proof(proof, code=CODE, authority=load_certificate(PLANT.pem, what="ca"), now=datetime.now(UTC))
    assert proof.not_valid_after_utc > datetime.now(UTC) + timedelta(days=29)
    usage = x509.load_pem_x509_certificate(signed.outs["proof"].encode()).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.CLIENT_AUTH not in usage, "no device connects with it"
    for same in (asked(), asked(None)):
        assert proofs.diff(signed, same).changes is False
        assert proofs.update(signed, same).outs == signed.outs
    again = proofs.up(signed, asked(NEXT))
    assert (again.outs["proofCode"], again.outs["proof"] != signed.outs["proof"]) == (NEXT, True)
    assert proofs.read(again) == again
    proofs.delete(again)


def test_another_certificate_needs_another_proof(proofs: Provider) -> None:
    """A proof of the old certificate is not handed on, whether a code is asked for or not; nothing is ever replaced."""
    signed, other = proofs.create(asked()), RootAuthority("Plant 2")
    assert proofs.diff(signed, asked(ca=other)).replaces == []
    assert "proof" not in proofs.up(signed, asked(None, ca=other)).outs
    assert proofs.up(signed, asked(ca=other)).outs["certificate"] == other.pem


@pytest.mark.parametrize("code", ["press-001", CODE[:-1], CODE + "0", f" {CODE}", "", "CN=" + CODE, 7, ["4F"], {"a": "b"}, f"{CODE}\n"])
def test_only_codes_are_signed(proofs: Provider, code: object) -> None:
    """Anything else would be a certificate for a name of somebody's choice: `check` refuses it, and a create too."""
    failures = proofs.check(asked(code)).failures
    assert [("is not a verification code (48 hex digits)" in reason, "\n" in reason) for _, reason in failures] == [(True, False)]
    with pytest.raises(CallFailedError, match="is not a verification code"):
        proofs.create(asked(code))


def test_the_key_must_be_here_and_the_certificates_own(proofs: Provider) -> None:
    """An offline key, another key, and a certificate that is no CA's are refused before anything is signed."""
    other = {"custody": "state", "privateKey": RootAuthority("Other").private_pem}
    for changes, fact in (
        ({"signer": {"custody": "offline"}}, "custody 'offline' can't sign here; sign the proof where the key is"),
        ({"signer": other}, "key"),
        ({"certificate": PLANT.proof(CODE)}, "CA"),
        ({"certificate": "no certificate"}, "certificate"),
    ):
        (failure,) = proofs.check(asked(**changes)).failures
        assert fact in failure[1], failure
