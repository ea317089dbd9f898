"""No certificate but a proof is for a verification code: it would prove the CA on the hub of whoever has that code."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import crypto

from hubtrust.pki import errors, issue
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.proof import proof_of_possession
from hubtrust.pki.request import CertificateRequest, requested_key
from hubtrust.pki.signers import KeyInMemory
from local_azure_iot.judge import connection_check, proof_check
from local_azure_iot.judge.certificate import read as judged
from tests.kit.authorities import NOW, ec_key, hierarchy, lasting, name, parsed

if TYPE_CHECKING:
    from collections.abc import Callable

CODE = "4F2A91C0" * 6
FORMS = [
    CODE,
    CODE.lower(),
    "0" * 48,
    f" {CODE}",
    f"{CODE}\n",
    f"{CODE}\0",
    f"{CODE[:24]}\u200e{CODE[24:]}",
    f"\ufeff{CODE}",
    CODE.replace("4", "\uff14"),  # a full-width digit: RFC 4518's preparation of names makes a plain one of it
]
OTHERS = [CODE[:-1], f"{CODE}0", CODE.replace("4", "G"), f"press-{CODE[:42]}", "4f2a91c0-4f2a-91c0-4f2a-91c04f2a91c0"]
MADE = hierarchy(depth=1)


def typed(text: str, kind: _ASN1Type) -> x509.Name:
    """A name of several common names, the first of them ``text`` with this string type."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text, kind), x509.NameAttribute(NameOID.COMMON_NAME, "press-001")])


def a_device(text: str) -> Certificate:
    validity = lasting(5).within(MADE.issuing.certificate)
    return issue.device(MADE.issuing, device_id=text, public_key=ec_key().public_key(), validity=validity, serial=3)


def an_intermediate(subject: x509.Name) -> Certificate:
    validity, key = lasting(5), ec_key().public_key()
    return issue.intermediate(MADE.issuers[0], subject=subject, public_key=key, validity=validity, path_length=0, serial=3)


def a_root(subject: x509.Name) -> Certificate:
    return issue.root(KeyInMemory(ec_key()), subject=subject, validity=lasting(5), path_length=0, serial=3)


def a_request(subject: x509.Name) -> x509.CertificateSigningRequest:
    return issue.request(KeyInMemory(ec_key()), subject=subject)


@pytest.mark.parametrize("form", FORMS)
def test_no_other_certificate_is_for_a_code(form: str) -> None:
    """Neither a device, an intermediate, a root nor a request, in whatever string type, and beside whatever other name."""
    with pytest.raises(errors.VerificationCodeError, match=r"its id has the form of an Azure verification code .* use another name"):
        a_device(form)
    makers: list[Callable[[x509.Name], Any]] = [an_intermediate, a_root, a_request]
    for make in makers:
        for subject in (name(form), typed(form, _ASN1Type.UTF8String), typed(form, _ASN1Type.BMPString)):
            with pytest.raises(errors.VerificationCodeError, match="its common name has the form of an Azure verification code"):
                make(subject)


@pytest.mark.parametrize("other", OTHERS)
def test_other_names_are_issued(other: str) -> None:
    """A name that only resembles a code, such as a UUID or a longer number, is a device's id like any other."""
    assert a_device(other).subject == name(other)


@pytest.mark.parametrize("form", FORMS)
def test_a_request_for_a_code_is_refused(form: str) -> None:
    """As its common name, beside the device's, or as an alternative name."""
    beside = typed(form, _ASN1Type.UTF8String)
    alternatives: list[x509.GeneralName] = [x509.DirectoryName(name(form))]
    alternatives += [x509.DNSName(form), x509.UniformResourceIdentifier(form)] if form.isascii() else []
    asked = [(name(form), None), (beside, None), (name("press-001"), alternatives)]
    for subject, others in asked:
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        if others:
            builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
        with pytest.raises(errors.VerificationCodeError, match="a name in it has the form of an Azure verification code"):
            requested_key(CertificateRequest.of(builder.sign(ec_key(), hashes.SHA256())), what="request 1")


def test_a_request_for_two_names_is_refused() -> None:
    """Which of them the device has can't be known."""
    two = x509.CertificateSigningRequestBuilder().subject_name(typed("press-002", _ASN1Type.UTF8String)).sign(ec_key(), hashes.SHA256())
    with pytest.raises(errors.RequestError, match="it has 2 common names; create it again with one"):
        requested_key(CertificateRequest.of(two), what="request 1", name="press-001")


@pytest.mark.parametrize("code", ["press-001", "", "AAAA", f"{CODE}\n", f"CN={CODE}", OTHERS[1]])
def test_a_proof_is_for_nothing_but_a_code(code: str) -> None:
    """Whatever answers in Azure's place gets no certificate for a device's id out of a proof."""
    with pytest.raises(errors.ProofError, match=r"is not a verification code .48 hex digits.; run again"):
        proof_of_possession(MADE.issuing, code=code, public_key=ec_key().public_key(), now=NOW, serial=4)


def test_a_proof_connects_no_device_and_a_device_proves_nothing() -> None:
    """Local Azure takes the proof as a proof, for one day, and refuses it as a device's certificate, even for a device of that name."""
    proof = proof_of_possession(MADE.issuing, code=CODE, public_key=ec_key().public_key(), now=NOW, serial=4)
    anchor = MADE.issuing.certificate
    assert proof_check.refusal_reason(judged(proof.der), judged(anchor.der), CODE, NOW) is None
    assert proof.not_valid_after_utc - NOW <= timedelta(days=1)
    assert ExtendedKeyUsageOID.CLIENT_AUTH not in proof.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    ders = tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, crypto.X509.from_cryptography(parsed(one))) for one in (anchor,))
    refusal = connection_check.chain_refusal([crypto.X509.from_cryptography(parsed(proof))], ders, CODE, NOW)
    assert refusal is not None
    assert refusal.reason is connection_check.Reason.KEY_USAGE
    assert proof_check.refusal_reason(judged(a_device("press-001").der), judged(anchor.der), CODE, NOW) is proof_check.Reason.CODE
