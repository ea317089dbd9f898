"""Values that the documentation repeats are those of the code."""

import inspect
import re

from hubtrust.azure.bulk import MOST_IN_BULK
from hubtrust.certificates.lifetimes import DEVICE, INTERMEDIATE, LIFETIMES, ROOT
from hubtrust.certificates.verification import PROOFS, VerifiedCertificateOutputs
from hubtrust.device import TrustedDevice
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from hubtrust.pki.proof import proof_command
from tests.kit.repository import ROOT as REPOSITORY


def text(page: str) -> str:
    return (REPOSITORY / "docs" / page).read_text(encoding="utf-8")


def test_the_table_of_lifetimes() -> None:
    """docs/rotation.md: each certificate's lifetime, and its window in days or as a tenth."""
    for row, profile in (("root", ROOT), ("CAs below it", INTERMEDIATE), ("devices", DEVICE)):
        lifetime = LIFETIMES[profile]
        tenth = lifetime.renew_before_days == lifetime.days / 10
        window = "the last tenth of its lifetime" if tenth else f"the last {lifetime.renew_before_days:g} days"
        assert f"| {row} | {lifetime.days:g} days | {window} |" in text("rotation.md")


def test_the_lifetime_of_a_devices_certificate() -> None:
    """TrustedDevice's documentation."""
    documented = str(TrustedDevice.__init__.__doc__)
    assert f"how many days the certificate is valid; default {LIFETIMES[DEVICE].days:g}." in documented
    assert f"in which the certificate is renewed; default {LIFETIMES[DEVICE].renew_before_days:g}." in documented


def test_the_command_that_signs_an_offline_proof() -> None:
    """docs/custody.md shows the command of the code, with a variable for the verification code."""
    code = "0123456789ABCDEF" * 4
    shown = proof_command(code).replace(f"/CN={code}", '"/CN=$CODE"').replace(f"0x01{code[:30]}", '"0x01${CODE:0:30}"')
    assert " ".join(shown.split()) in re.sub(r"\s*\\?\s+", " ", text("custody.md"))


def test_the_words_for_how_a_certificate_was_verified() -> None:
    """One word for one thing: the table of docs/custody.md, SECURITY.md, ARCHITECTURE.md and the resource's own documentation."""
    section = text("custody.md").partition("## What `proof` says")[2].partition("## ")[0]
    table = re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)
    assert tuple(table) == ("proof", *PROOFS), "the head of the table, then each word"
    security, architecture = ((REPOSITORY / page).read_text(encoding="utf-8") for page in ("SECURITY.md", "ARCHITECTURE.md"))
    for word in PROOFS:
        for page in (security, architecture, inspect.getsource(VerifiedCertificateOutputs)):
            assert f"`{word}`" in page or f"proof: {word}`" in page
    outputs = VerifiedCertificateProvider.outputs
    assert {output for output in outputs if output.startswith("proven") and f"`{output}`" in section} == {
        output for output in outputs if output.startswith("proven")
    }


def test_the_size_of_a_bulk_call() -> None:
    """docs/devices.md."""
    assert f"{MOST_IN_BULK} per call" in text("devices.md")
