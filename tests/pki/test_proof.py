"""Proofs created elsewhere (an offline ceremony): which ones are accepted."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from hubtrust.pki import errors, issue
from hubtrust.pki.certificate import Certificate
from hubtrust.pki.proof import proof_of_possession, require_proof
from tests.kit.authorities import ABSENT, NOW, Forged, ec_key, hierarchy, name

CODE, OLD = "4F2A91C0" * 6, "00AA91C0" * 6
MADE = hierarchy(depth=0).issuing


def proof(code: str = CODE, issuer: issue.Issuer = MADE) -> Certificate:
    return proof_of_possession(issuer, code=code, public_key=ec_key().public_key(), now=NOW, serial=1)


def judge(answer: Certificate) -> None:
    require_proof(answer, code=CODE, authority=MADE.certificate, now=NOW)


def test_a_valid_proof_is_accepted() -> None:
    """A certificate for the code, signed by the authority, valid now."""
    judge(proof())


def test_a_proof_by_openssl_is_accepted() -> None:
    """A bare certificate without any extension, as `openssl x509 -req` makes it, is enough: Azure asks for no more."""
    issuer = Forged(subject=MADE.certificate.subject, key=MADE.signer._private_key)  # type: ignore[attr-defined]
    bare = Forged(subject=CODE, issuer=issuer, authority=ABSENT, usage=ABSENT, ski=ABSENT, aki=ABSENT)
    judge(bare.certificate)


def test_an_old_code_is_refused() -> None:
    """A proof for another code is refused, and the error names both codes."""
    with pytest.raises(errors.ProofError, match=f"its subject is 'CN={OLD}' and the verification code is {CODE}"):
        judge(proof(OLD))


@pytest.mark.parametrize("first", [True, False], ids=["the code first", "the code last"])
def test_more_than_a_common_name_is_accepted(first: bool) -> None:
    """A ceremony's tool may put the company's own attributes into every subject: the common name is the code, and Azure compares that."""
    signer = Forged(subject=MADE.certificate.subject, key=MADE.signer._private_key)  # type: ignore[attr-defined]
    company = [x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Contoso")]
    more = x509.Name([*name(CODE), *company] if first else [*company, *name(CODE)])
    judge(Forged(subject=more, issuer=signer, authority=False, usage=False).certificate)


@pytest.mark.parametrize("names", [[CODE, OLD], [OLD, CODE], [CODE, CODE], []], ids=["another after", "another before", "twice", "none"])
def test_a_subject_without_one_common_name_is_refused(names: list[str]) -> None:
    """With several, it is not certain which one a service compares."""
    signer = Forged(subject=MADE.certificate.subject, key=MADE.signer._private_key)  # type: ignore[attr-defined]
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Contoso"), *(each for one in names for each in name(one))])
    with pytest.raises(errors.ProofError, match=f"sign a certificate with one common name, CN={CODE}"):
        judge(Forged(subject=subject, issuer=signer, authority=False, usage=False).certificate)


def test_another_key_is_refused() -> None:
    """A proof signed by another authority is refused, even if it has the same name."""
    with pytest.raises(errors.ProofError, match="sign it with the authority's own key"):
        judge(proof(issuer=hierarchy(depth=0).issuing))


def test_an_expired_proof_is_refused() -> None:
    """A proof that has expired is refused."""
    late = NOW + timedelta(days=2)
    with pytest.raises(errors.NotValidNowError, match="it expired"):
        require_proof(proof(), code=CODE, authority=MADE.certificate, now=late)
