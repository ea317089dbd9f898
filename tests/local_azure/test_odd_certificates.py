"""Uploads and proofs as people have them: each is answered in Azure's envelope, and what is verified can have devices."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import crypto

from local_azure_iot.judge import connection_check
from local_azure_iot.judge.connection_check import Reason
from tests.kit import der
from tests.kit.certificate_shapes import COMMON_NAME, COUNTRY, ORGANIZATION, CertificateShape, attribute, key_info, name
from tests.kit.der_mutations import CERTIFICATE_CHANGES, mutated_certificates
from tests.kit.der_names import ODD_COMMON_NAMES
from tests.kit.device_certificates import Party
from tests.kit.mutated_runs import MUTATIONS
from tests.kit.openssl_keys import SIGNING_KINDS, made_by_openssl
from tests.kit.randomly import RANDOM
from tests.local_azure.in_process import Answer, InProcess, version

EXAMPLES = MUTATIONS or 60
ROOT = Party("Trial root")
SHAPE = CertificateShape.of(ROOT.certificate.public_bytes(serialization.Encoding.DER))
UNREADABLE = (500, 500019)  # Azure's recorded answer to what is no certificate
REFUSED = (400, 400053)
# What is no certificate: its structure is another one, or a date in it is none.
NO_CERTIFICATE = {
    "dates without a zone", "an end in month 13", "an end on 30 February", "an end at second 60", "an end that is a word",
    "an end that is empty", "an end with a NUL", "an end that is an INTEGER", "an end that is a UTF8String", "an end in year 0",
    "an extension without a value", "an extension that is none", "more after the extensions",
}  # fmt: skip
# What takes the code, the signature or today out of a proof.
NO_PROOF = {
    "an empty subject", "an empty RDN in the subject", "the subject has a second common name", "an end before its beginning",
    "another signature algorithm outside than inside", "an unknown signature algorithm",
    *(f"the common name {odd}" for odd in ODD_COMMON_NAMES),
}  # fmt: skip


class Trial:
    """A hub with one certificate, uploaded anew for each example."""

    def __init__(self, azure: InProcess, hub: str) -> None:
        self._azure, self._path = azure, f"{hub}/certificates/ca"
        self._query = f"?api-version={version(hub)}"

    def put(self, certificate: bytes, **properties: Any) -> Answer:
        """Upload a certificate in DER."""
        body = {"properties": {"certificate": base64.b64encode(certificate).decode(), **properties}}
        return _checked(self._azure.ask("PUT", self._path + self._query, body, if_match="*"))

    def code(self) -> tuple[str, str]:
        """A new code, and the etag."""
        answer = self._azure.must("POST", f"{self._path}/generateVerificationCode{self._query}", if_match="*")
        return answer["properties"]["verificationCode"], answer["etag"]

    def verify(self, proof: bytes) -> Answer:
        """Send a proof in DER."""
        body = {"certificate": base64.b64encode(proof).decode()}
        return _checked(self._azure.ask("POST", f"{self._path}/verify{self._query}", body, if_match="*"))

    def is_verified(self) -> bool:
        """What Azure shows."""
        return bool(self._azure.must("GET", self._path + self._query)["properties"]["isVerified"])


def _checked(answer: Answer) -> Answer:
    """A certificate, or an error of the service with a code and a message."""
    assert answer.status in {200, 400} or (answer.status, answer.code) == UNREADABLE
    assert answer.status == 200 or (answer.code and answer.json()["message"])
    return answer


@pytest.fixture
def trial(azure: InProcess) -> Trial:
    """A new hub."""
    return Trial(azure, azure.hub())


def proof_for(code: str, issuer: bytes, key: Any = None, *more: bytes) -> bytes:
    """A proof for a code, valid for a day; `issuer` is the CA's name in DER, `more` are attributes before the common name."""
    begins, ends = (der.encode(der.UTC_TIME, f"{datetime.now(UTC) + timedelta(days=at):%y%m%d%H%M%SZ}".encode()) for at in (-1, 1))
    subject = name(*more, attribute(COMMON_NAME, der.UTF8_STRING, code.encode()))
    shape = CertificateShape(der.integer(5), issuer, begins, ends, subject, key_info(ROOT.key.public_key()), extensions=None)
    return shape.signed(key or ROOT.key)


def fate_of_a_device(authority: bytes) -> connection_check.Refusal | None:
    """Why a sound device of this CA is refused, in the middle of the CA's validity."""
    issuer = CertificateShape.of(authority)
    device = replace(_device(), issuer=issuer.subject, not_before=SHAPE.not_before, not_after=SHAPE.not_after)
    chain = [crypto.load_certificate(crypto.FILETYPE_ASN1, device.signed(ROOT.key))]
    return connection_check.chain_refusal(chain, (authority,), "press-001", ROOT.start + timedelta(days=2))


@cache
def _device() -> CertificateShape:
    """A device's certificate that names its issuer by the name alone, not by an identifier of its key."""
    made = CertificateShape.of(ROOT.device("press-001").certificate.public_bytes(serialization.Encoding.DER))
    return CERTIFICATE_CHANGES["no authority key identifier"](made)


@pytest.mark.parametrize("label", CERTIFICATE_CHANGES)
def test_an_odd_ca_is_answered_and_verified_only_if_its_devices_can_connect(trial: Trial, label: str) -> None:
    """A certificate with its thumbprint, or what Azure answers to none; the proof of its key counts if a device of it may connect."""
    changed = CERTIFICATE_CHANGES[label](SHAPE)
    authority = changed.signed(ROOT.key)
    whole = der.split(authority)[0]
    answer = trial.put(authority)
    if label in NO_CERTIFICATE:
        assert (answer.status, answer.code) == UNREADABLE
        return
    thumbprint = hashes.Hash(hashes.SHA1())  # noqa: S303 - Azure's name of a certificate
    thumbprint.update(whole)
    assert answer.status == 200
    assert answer.json()["properties"]["thumbprint"] == thumbprint.finalize().hex().upper()

    code, _ = trial.code()
    verified = trial.verify(proof_for(code, changed.subject))
    fate = fate_of_a_device(whole) if _readable(whole) else connection_check.Refusal(Reason.UNREADABLE)
    # Azure was recorded to verify CAs that no extension marks as such; expired ones are verified as well.
    lenient = fate is not None and fate.reason in {Reason.NOT_AN_AUTHORITY, Reason.EXPIRED} and label != "an end before its beginning"
    assert (verified.status == 200) is (fate is None or lenient)
    assert trial.is_verified() is (verified.status == 200)
    attested = trial.put(authority, isVerified=True)
    assert (attested.status == 200) is (verified.status == 200)


def _readable(certificate: bytes) -> bool:
    try:
        crypto.load_certificate(crypto.FILETYPE_ASN1, certificate)
    except crypto.Error:
        return False
    return True


@pytest.mark.parametrize(("label", "subject"), [
    ("Latin-1 in a TeletexString", "Trial root"),
    ("'_' in a PrintableString", "Trial root"),
    ("bad UTF-8", "Trial root"),
])  # fmt: skip
def test_what_is_shown_of_an_odd_name(trial: Trial, label: str, subject: str) -> None:
    """The common name, whatever the other attributes are; without one the whole name, on one line."""
    shown = trial.put(CERTIFICATE_CHANGES[f"the subject has {label}"](SHAPE).signed(ROOT.key)).json()["properties"]["subject"]
    assert shown == subject
    odd = name(attribute(ORGANIZATION, der.TELETEX_STRING, b"K\xf6ln\n"))
    assert trial.put(SHAPE.named(odd).signed(ROOT.key)).json()["properties"]["subject"] == "O=Köln\\0A"


@pytest.mark.parametrize("kind", SIGNING_KINDS)
def test_a_ca_with_a_key_of_any_kind_is_taken(trial: Trial, tmp_path: Path, kind: str) -> None:
    """It is shown like any other; one whose devices OpenSSL refuses is not attested."""
    text, _, _ = made_by_openssl(tmp_path, kind)
    certificate = base64.b64decode("".join(text.strip().splitlines()[1:-1]))
    assert trial.put(certificate).json()["properties"]["subject"] == "Odd Root"
    assert (trial.put(certificate, isVerified=True).status == 200) is (kind != "explicit")


def test_a_proof_may_have_more_than_a_common_name(trial: Trial) -> None:
    """The common name is the code; organization and country are not looked at. A second common name is refused."""
    more = (attribute(COUNTRY, der.PRINTABLE_STRING, b"DE"), attribute(ORGANIZATION, der.TELETEX_STRING, b"K\xf6ln_1"))
    trial.put(SHAPE.signed(ROOT.key))
    code, _ = trial.code()
    second = attribute(COMMON_NAME, der.UTF8_STRING, b"another")
    assert trial.verify(proof_for(code, SHAPE.subject, None, *more, second)).code == 400053
    assert trial.verify(proof_for(code, SHAPE.subject, None, *more)).status == 200


def test_a_proof_names_its_issuer_in_other_string_types(trial: Trial) -> None:
    """Names are compared without their string types, case and surplus white space (RFC 5280, 7.1)."""
    trial.put(SHAPE.signed(ROOT.key))
    code, _ = trial.code()
    same = name(attribute(COMMON_NAME, der.BMP_STRING, " TRIAL   root".encode("utf-16-be")))
    assert trial.verify(proof_for(code, same)).status == 200


@pytest.mark.parametrize("label", CERTIFICATE_CHANGES)
def test_an_odd_proof_counts_by_its_code_its_signature_and_its_dates(trial: Trial, label: str) -> None:
    """Extensions, serial number and version of a proof don't matter."""
    trial.put(SHAPE.signed(ROOT.key))
    code, _ = trial.code()
    answer = trial.verify(CERTIFICATE_CHANGES[label](CertificateShape.of(proof_for(code, SHAPE.subject))).signed(ROOT.key))
    good = label not in NO_CERTIFICATE | NO_PROOF
    expected = (200,) if good else UNREADABLE if label in NO_CERTIFICATE else REFUSED
    assert (answer.status, *([answer.code] if answer.status != 200 else [])) == expected
    assert trial.is_verified() is good


@settings(RANDOM, max_examples=EXAMPLES)
@given(mutated=mutated_certificates(SHAPE, ROOT.key))
def test_a_mutated_ca_is_answered_and_verified_only_if_its_devices_can_connect(trial: Trial, mutated: tuple[bytes, str]) -> None:
    """Any change, anywhere: Azure's envelope; and no CA is verified whose devices are all refused."""
    certificate, _ = mutated
    if trial.put(certificate).status == 200:
        code, _ = trial.code()
        whole = der.split(certificate)[0]
        verified = trial.verify(proof_for(code, CertificateShape.of(whole).subject)).status == 200
        assert trial.is_verified() is verified
        attested = trial.put(certificate, isVerified=True).status == 200
        if verified or attested:
            fate = fate_of_a_device(whole)
            # A device's own key is the trial's: where the CA's key was changed, only the signature may be wrong.
            allowed = {Reason.NOT_AN_AUTHORITY, Reason.EXPIRED, Reason.NOT_YET_VALID, Reason.SIGNATURE}
            assert fate is None or fate.reason in allowed, fate


@settings(RANDOM, max_examples=EXAMPLES)
@given(data=st.data())
def test_a_mutated_proof_is_answered_in_azures_envelope(trial: Trial, data: st.DataObject) -> None:
    """Any change, anywhere; what Azure shows agrees with the answer."""
    trial.put(SHAPE.signed(ROOT.key))
    code, _ = trial.code()
    proof, _ = data.draw(mutated_certificates(CertificateShape.of(proof_for(code, SHAPE.subject)), ROOT.key))
    assert trial.is_verified() is False
    verified = trial.verify(proof).status == 200
    assert trial.is_verified() is verified
