"""Every public root that certifi and Debian ship is an authority that can be trusted, but for those that have expired."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import certifi
import pytest

from hubtrust.certificates import declaration
from hubtrust.pki import chain, errors
from hubtrust.pki.certificate import Certificate, load_certificates, pem

DEBIAN = Path("/usr/share/ca-certificates/mozilla")
NOW = datetime.now(UTC)
FEWEST = 80  # roots in each; a folder with less is not what this is a test of


def certifis() -> Iterator[Certificate]:
    """Mozilla's roots, as Python's packages ship them."""
    yield from load_certificates(Path(certifi.where()).read_text(encoding="utf-8"), what="certifi")


def debians() -> Iterator[Certificate]:
    """Mozilla's roots, as Debian ships them: older ones too."""
    for file in sorted(DEBIAN.glob("*.crt")):
        yield from load_certificates(file.read_text(encoding="utf-8"), what=file.name)


def imported(root: Certificate) -> bool:
    """Whether it can be trusted now; the only reason against it is that it has expired."""
    loaded = chain.load_chain(pem(root), what="the root", now=NOW)
    assert (loaded.anchor, loaded.certificates) == (root, (root,))
    assert declaration.read_authority(pem(root)) == root, "as a VerifiedCertificate reads it"
    try:
        loaded.require_valid_at(NOW)
    except errors.NotValidNowError:
        assert root.not_valid_after_utc < NOW
        assert any("it expired on" in notice for notice in loaded.notices)
        return False
    return True


def test_every_root_of_certifi_can_be_trusted() -> None:
    """None has expired."""
    roots = list(certifis())
    assert len(roots) > FEWEST
    assert [root for root in roots if not imported(root)] == [root for root in roots if root.not_valid_after_utc < NOW]


@pytest.mark.skipif(not DEBIAN.is_dir(), reason=f"no public roots of Debian in {DEBIAN} (its package ca-certificates)")
def test_every_root_of_debian_can_be_trusted() -> None:
    """But for those that have expired."""
    roots = list(debians())
    assert len(roots) > FEWEST
    assert [root for root in roots if not imported(root)] == [root for root in roots if root.not_valid_after_utc < NOW]
