"""An authority that requires a certificate policy of what is below it: devices have none (RFC 5280 6.1)."""

import pytest
from cryptography import x509

from hubtrust.pki import chain, errors, issue
from hubtrust.pki.path import Wanted
from hubtrust.pki.signers import KeyInMemory
from tests.kit.authorities import NOW, Forged, ec_key, lasting, pem_of


def policy_constraints(require: int | None, inhibit: int | None = None) -> x509.PolicyConstraints:
    return x509.PolicyConstraints(require_explicit_policy=require, inhibit_policy_mapping=inhibit)


@pytest.mark.parametrize(("skipped", "refused"), [(0, True), (1, True), (2, True), (3, False)])
def test_a_policy_that_is_required_of_devices(skipped: int, refused: bool) -> None:
    """Of a root with one authority below it: the counter reaches 0 at the device where it begins at 2 or less (6.1.5 a, g)."""
    top = Forged(subject="Top", extra=[(policy_constraints(skipped), True)])
    issuing = Forged(subject="Issuing", issuer=top)
    path = (issuing.certificate, top.certificate)
    text = pem_of(*path)
    if not refused:
        assert chain.load_chain(text, what="chain", now=NOW, wanted=Wanted(top=True)).anchor == path[1]
        return
    with pytest.raises(errors.ProfileError, match=f"'CN=Top' .* requires a certificate policy of what is {skipped} below it"):
        chain.load_chain(text, what="chain", now=NOW, wanted=Wanted(top=True))
    assert chain.load_chain(text, what="chain", now=NOW).anchor == path[0], "nothing above the trusted one is judged"
    issuer = issue.Issuer(path[0], KeyInMemory(issuing.key), path[1:])
    with pytest.raises(errors.ProfileError, match="have it reissued without requireExplicitPolicy"):
        issue.require_device_allowed("press-001", path)
    with pytest.raises(errors.ProfileError, match="have it reissued without requireExplicitPolicy"):
        issue.device(issuer, device_id="press-001", public_key=ec_key().public_key(), validity=lasting(0.5), serial=9)


@pytest.mark.parametrize(
    ("constraints", "critical"), [(policy_constraints(0), False), (policy_constraints(None, 0), True), (policy_constraints(5, 0), True)]
)
def test_what_requires_nothing_of_devices(constraints: x509.PolicyConstraints, critical: bool) -> None:
    """Not critical, which is a notice; about mappings alone; or far below."""
    loaded = chain.load_chain(pem_of(Forged(extra=[(constraints, critical)]).certificate), what="chain", now=NOW)
    assert any("policyConstraints is not critical" in notice for notice in loaded.notices) is not critical


def test_self_issued_authorities_are_not_counted() -> None:
    """A renewed key below the same name uses nothing up (6.1.4 h)."""
    top = Forged(subject="Top", extra=[(policy_constraints(2), True)])
    again, below = Forged(subject="Top", issuer=top), Forged(subject="Issuing", issuer=top)
    with pytest.raises(errors.ProfileError, match="it requires a certificate policy"):
        issue.require_device_allowed("press-001", (below.certificate, top.certificate))
    issue.require_device_allowed("press-001", (again.certificate, top.certificate))
