"""Proofs with any oddness: no error but the two that a run takes; and local Azure and OpenSSL judge the same, but for named reasons."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubtrust.pki import errors
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.pem import CERTIFICATE, Block
from hubtrust.pki.proof import load_proof, proof_of_possession, require_proof
from local_azure_iot.judge import certificate as judged_by_azure
from local_azure_iot.judge.proof_check import refusal_reason
from tests.kit.authorities import NOW, ec_key, hierarchy, pem_of
from tests.kit.certificate_shapes import CertificateShape
from tests.kit.der_mutations import mutated_certificates
from tests.kit.mutated_runs import counted, mutated, require_one_line

CODE = "4F2A91C0" * 6
MADE = hierarchy(depth=0).issuing
KEY = MADE.signer._private_key  # type: ignore[attr-defined]
SHAPE = CertificateShape.of(proof_of_possession(MADE, code=CODE, public_key=ec_key().public_key(), now=NOW, serial=1).der)


@st.composite
def proofs(draw: st.DrawFn) -> tuple[bytes, str]:
    """A proof in DER, and what is odd about it: its shape, who signed it and how, or octets after that."""
    how = draw(st.sampled_from(["shape", "shape", "shape", "hash", "another key", "octets"]))
    if how == "shape":
        return draw(mutated_certificates(SHAPE, KEY))
    if how == "hash":
        name = draw(st.sampled_from(["sha1", "sha256", "sha384", "sha512"]))
        return SHAPE.signed(KEY, name), name
    if how == "another key":
        return replace(SHAPE, issuer=draw(st.sampled_from([SHAPE.issuer, SHAPE.subject]))).signed(_OTHER), how
    octets = bytearray(SHAPE.signed(KEY))
    for _ in range(draw(st.integers(1, 3))):
        octets[draw(st.integers(0, 9999)) % len(octets)] = draw(st.integers(0, 255))
    return bytes(octets[: len(octets) if draw(st.booleans()) else draw(st.integers(0, 9999)) % len(octets)]), how


_OTHER = ec_key()


@dataclass(frozen=True)
class Verdicts:
    """Why each of three judges refuses a proof; empty if it takes it. OpenSSL only judges signature and dates."""

    ours: str
    azure: str
    openssl: str

    @property
    def alike(self) -> bool:
        """All take it, or we refuse it and so does local Azure, which alone knows the code too."""
        return bool(self.ours) == bool(self.azure) and (bool(self.ours) or not self.openssl)

    def is_ours_alone(self, *words: str) -> bool:
        """Whether we refuse what local Azure takes, with one of these words."""
        return not self.azure and any(word in self.ours for word in words)


def ours(encoding: bytes) -> str:
    try:
        proof = load_proof(Block(CERTIFICATE, encoding).text, what="proofCertificate")
    except errors.UnreadableError as error:
        require_one_line(error)
        return str(error)
    try:
        require_proof(proof, code=CODE, authority=MADE.certificate, now=NOW)
    except (errors.ProofError, errors.NotValidNowError) as error:
        require_one_line(error)
        return str(error)
    return ""


def azures(encoding: bytes) -> str:
    try:
        proof, authority = (judged_by_azure.read(each) for each in (encoding, MADE.certificate.der))
    except judged_by_azure.UnreadableError as error:
        return str(error) or "unreadable"
    return refusal_reason(proof, authority, CODE, NOW) or ""


@pytest.fixture(scope="module")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], str]:
    """What `openssl verify` says of a certificate's signature and dates."""
    authority = tmp_path_factory.mktemp("openssl") / "authority.pem"
    authority.write_text(pem_of(MADE.certificate))
    command = ["openssl", "verify", "-partial_chain", "-ignore_critical", "-attime", str(int(NOW.timestamp())), "-CAfile", str(authority)]

    def said(encoding: bytes) -> str:
        text = Block(CERTIFICATE, encoding).text.encode()
        done = subprocess.run(command, input=text, capture_output=True, check=False)
        return "" if done.returncode == 0 else done.stderr.decode(errors="replace") or "refused"

    return said


# For each: whether it is why the verdicts differ.
REASONS: dict[str, Callable[[Verdicts], bool]] = {
    "we refuse SHA-1": lambda found: found.is_ours_alone("it is signed with SHA1"),
    "we refuse a malformed extension": lambda found: found.is_ours_alone("malformed (RFC 5280 4.2)", "occurs twice"),
    "we refuse an authority key identifier of another key": lambda found: found.is_ours_alone("its authority key identifier is"),
    "we refuse two signature algorithm fields that differ": lambda found: found.is_ours_alone("its two signature algorithm fields differ"),
    "we refuse octets after the end": lambda found: found.is_ours_alone("octets follow its end"),
    "we refuse versions above 3": lambda found: found.is_ours_alone("its version is"),
    "we refuse dates that are not RFC 5280's": lambda found: found.is_ours_alone("it has the date"),
    "we and OpenSSL can't read a part that local Azure does not read": lambda found: (
        found.is_ours_alone("proofCertificate, certificate 1: ") and "Could not read" in found.openssl
    ),
    "we can't read it, and say where": lambda found: found.is_ours_alone("proofCertificate, certificate 1: "),
    "OpenSSL can't read or use it, and local Azure takes it": lambda found: not found.ours and not found.azure and bool(found.openssl),
}


def test_the_verdicts_are_local_azures_and_openssls(openssl: Callable[[bytes], str]) -> None:
    """What we send is taken; a signature that nobody verifies is never sent."""
    with counted("proofs", REASONS) as found:

        @mutated
        @given(made=proofs())
        def judge(made: tuple[bytes, str]) -> None:
            encoding, odd = made
            verdicts = Verdicts(ours(encoding), azures(encoding), openssl(encoding))
            reasons = [reason for reason, applies in REASONS.items() if applies(verdicts)]
            assert verdicts.alike or reasons, (odd, verdicts, encoding.hex())
            found["agreed" if verdicts.alike else reasons[0]] += 1

        judge()


def test_the_unchanged_proof_is_taken_by_all(openssl: Callable[[bytes], str]) -> None:
    """So that the judges above are asked for what they know."""
    encoding = SHAPE.signed(KEY)
    assert Verdicts(ours(encoding), azures(encoding), openssl(encoding)) == Verdicts("", "", "")
    assert Certificate(encoding, what="proof").is_signed_by(KEY.public_key()) is True
