"""Authorities from elsewhere as the components declare them: what is noticed, what is left out, and which certificate judges."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pulumi
import pytest

from hubtrust.authority import AuthorityError, CertificateAuthority, Import, Request, Trust
from hubtrust.device import TrustedDevice
from hubtrust.fleet import TrustedFleet
from hubtrust.hub import TrustedHub
from tests.kit.authorities import ABSENT, Forged, pem_of, private_pem
from tests.kit.device_certificates import signing_request
from tests.kit.remembering_engine import Engine

NOW, DAY = datetime.now(UTC).replace(microsecond=0), timedelta(days=1)
DATES: dict[str, Any] = {"start": NOW - 900 * DAY, "end": NOW + 900 * DAY}
EXPIRED = Forged(subject="Root", start=NOW - 900 * DAY, end=NOW - DAY)
ISSUING = Forged(subject="Issuing", issuer=EXPIRED, **DATES)
ROOT = Forged(subject="Root", key=EXPIRED.key, **DATES)
_ISSUED = "pulumi-python:dynamic/hubtrust:IssuedCertificate"
_VERIFIED = "pulumi-python:dynamic/hubtrust:VerifiedCertificate"
_CHECK = "pulumi-python:dynamic/hubtrust:ConnectionCheck"


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the program warns of."""
    found: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_: found.append(text))
    return found


def declare(source: Import | Request, **options: Any) -> None:
    """A hub that trusts the authority, a device with a certificate, and a canary."""

    @pulumi.runtime.test
    def program() -> None:
        authority = CertificateAuthority("plant", source=source, **options)
        hub = TrustedHub("plant", authorities=[authority])
        if authority.signer is not None:
            TrustedDevice("press-001", hub=hub, authority=authority, request=signing_request("press-001"), status="disabled")
        TrustedFleet("plant", hub=hub, authority=authority, canary="press-002")

    program()


def test_an_expired_root_above_stops_no_run(engine: Engine, warnings: list[str]) -> None:
    """The issuing CA is trusted: it alone judges, the chain stays whole for devices, and one line says what expired."""
    issuing, root = ISSUING.certificate, EXPIRED.certificate
    declare(Import(chain=pem_of(root, issuing), private_key=private_pem(ISSUING.key)))
    for kind, chain in ((_ISSUED, "issuerCertificate"), (_CHECK, "chain")):
        assert engine.inputs(kind)[chain] == pem_of(issuing, root)
        assert engine.inputs(kind)["anchor"] == pem_of(issuing)
    assert engine.inputs(_VERIFIED)["certificate"] == pem_of(issuing)
    assert len([text for text in warnings if "'CN=Root'" in text and "it expired on" in text and "devices connect anyway" in text]) == 1


def test_an_expired_authority_stops_no_run_of_the_program(engine: Engine, warnings: list[str]) -> None:
    """What is new is refused by the resource that trusts or signs, which knows what was there before."""
    expired = Forged(subject="Plant", start=NOW - 9 * DAY, end=NOW - DAY)
    declare(Import(chain=pem_of(expired.certificate), private_key=private_pem(expired.key)))
    assert engine.inputs(_VERIFIED)["certificate"]
    (warning,) = [text for text in warnings if "'CN=Plant'" in text]
    assert "it expired on" in warning
    assert "what is there already can still be changed or removed" in warning


def test_the_root_judges_where_it_is_trusted(engine: Engine) -> None:
    """Of a root and its renewed certificate the valid one is trusted; no certificate is signed with the root's key for devices."""
    issuing, root = ISSUING.certificate, ROOT.certificate
    declare(Import(chain=pem_of(EXPIRED.certificate, issuing, root), private_key=private_pem(ROOT.key)), trust=Trust.ROOT)
    assert engine.inputs(_VERIFIED)["certificate"] == pem_of(root)
    assert engine.inputs(_CHECK)["anchor"] == pem_of(root)
    assert engine.inputs(_CHECK)["chain"] == pem_of(issuing, root)


def test_the_key_chooses_its_chain(engine: Engine, warnings: list[str]) -> None:
    """Out of a bundle with other people's CAs; they are named once, and not sent by devices."""
    others = [Forged(subject=f"Other {number}", **DATES).certificate for number in range(30)]
    issuing = ISSUING.certificate
    declare(Import(chain=pem_of(*others, issuing), private_key=private_pem(ISSUING.key)))
    assert engine.inputs(_ISSUED)["issuerCertificate"] == pem_of(issuing)
    (warning,) = [text for text in warnings if "left out" in text]
    assert warning.endswith(" and 25 more")
    with pytest.raises(AuthorityError, match=r"it contains 31 chains, .* and 26 more .*; give the key of the authority that signs devices"):
        CertificateAuthority("offline", source=Import(chain=pem_of(*others, issuing)))


def test_the_key_of_another_certificate_is_named(engine: Engine) -> None:
    """Trust does not move to the certificate of the key: whoever gave it is told whose it is."""
    chain = pem_of(ISSUING.certificate, ROOT.certificate)
    for key, trust, match in (
        (
            ROOT.key,
            Trust.ISSUING,
            "it belongs to 'CN=Root', but 'CN=Issuing' is the trusted certificate; trust the certificate that this key",
        ),
        (ISSUING.key, Trust.ROOT, "it belongs to 'CN=Issuing', but 'CN=Root' is the trusted certificate"),
    ):
        with pytest.raises(AuthorityError, match=match):
            CertificateAuthority("plant", source=Import(chain=chain, private_key=private_pem(key)), trust=trust)
    assert _VERIFIED not in engine.registered


def test_an_issuing_ca_with_the_key_of_its_root(engine: Engine) -> None:
    """One key under two names is the trusted certificate's, whichever of the two is trusted."""
    below = Forged(subject="Issuing", key=ROOT.key, issuer=ROOT, **DATES).certificate
    root = ROOT.certificate
    for trust, trusted in ((Trust.ISSUING, below), (Trust.ROOT, root)):
        declare(Import(chain=pem_of(root, below), private_key=private_pem(ROOT.key)), trust=trust)
        assert engine.inputs(_VERIFIED)["certificate"] == pem_of(trusted)


def test_an_answer_is_judged_as_an_import_is(engine: Engine, warnings: list[str]) -> None:
    """An outside authority that leaves out the key usage is taken, and its root above judges nothing."""
    plain = Forged(subject="Plant", issuer=EXPIRED, usage=ABSENT, critical_constraints=False, **DATES).certificate
    declare(Request(common_name="Plant", answer=pem_of(plain, EXPIRED.certificate)))
    assert engine.inputs(_ISSUED)["anchor"] == pem_of(plain)
    assert len([text for text in warnings if "devices connect anyway" in text]) == 3
