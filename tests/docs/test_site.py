"""The documentation as a site: every page is in its navigation, and it is built without a broken link or anchor."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

NAVIGATION = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:\n")[1].split("\ntheme:\n")[0]
# Of the registry of Pulumi's packages, in its own form.
_NOT_IN_IT = {"_index.md"}


def test_each_page_is_in_the_navigation() -> None:
    """Once."""
    listed = re.findall(r": ([\w-]+\.md)$", NAVIGATION, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - _NOT_IN_IT - set(listed) == set()


@pytest.mark.stranger
def test_it_is_built_strictly(tmp_path: Path) -> None:
    """MkDocs finds every link and anchor, and the page of the API has what the package offers."""
    mkdocs = ROOT / ".strangers/site/bin/mkdocs"
    need(mkdocs.exists(), "MkDocs is not installed; run `make strangers`")
    command = [str(mkdocs), "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    api = (tmp_path / "site/api/index.html").read_text(encoding="utf-8")
    for name in ("CertificateAuthority", "TrustedHub", "VerifiedCertificate", "from_pattern"):
        assert f'id="hubtrust.{name}"' in api or re.search(rf'id="hubtrust\.[\w.]+\.{name}"', api), name
    first = (tmp_path / "site/index.html").read_text(encoding="utf-8")
    assert 'href="custody/"' in first
    assert not re.search(r'(src|href)="https?://(?!github\.com)[^"]*\.(js|css)"', first), "a page asks another server"
