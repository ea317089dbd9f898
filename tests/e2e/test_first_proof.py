"""docs/first-proof.md: the CA that it makes is imported, its certificate on the hub adopted by name, and kept by later runs.

Its commands of the az CLI are run elsewhere (tests/docs); here the same requests are sent without it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_adopting import Shell
from tests.kit.local_azure import Hub, LocalAzure, local_azure
from tests.kit.repository import ROOT
from tests.kit.samples import sampled

PAGE = (ROOT / "docs" / "first-proof.md").read_text(encoding="utf-8")
(KEEP, FORGET) = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
(MAKE,) = re.findall(r"^openssl req -x509 .*$", PAGE, re.MULTILINE)
(PROVE,) = re.findall(r"^openssl req -new .*$", PAGE, re.MULTILINE)
WITHOUT_EXTENSIONS = "printf '[req]\\ndistinguished_name=name\\n[name]\\n' > plain.cnf\n" + MAKE + " -config plain.cnf"


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[LocalAzure]:
    """Local Azure, with immediate deletions."""
    with local_azure(tmp_path, "--retry-after", "0") as found:
        yield found


def proven_by_hand(shell: Shell, hub: Hub, make: str) -> None:
    """The page's proof: the CA's certificate on the hub as `my-ca`, verified."""
    shell.run(make)
    etag = hub.put("my-ca", (shell.folder / "ca.pem").read_text(encoding="utf-8"))["etag"]
    url = f"{hub.id}/certificates/my-ca"
    coded = hub.azure.ask("POST", f"{url}/generateVerificationCode", headers={"If-Match": etag}).json()
    shell.run(PROVE, code=coded["properties"]["verificationCode"])
    body = {"certificate": (shell.folder / "proof.pem").read_text(encoding="utf-8")}
    hub.azure.ask("POST", f"{url}/verify", headers={"If-Match": coded["etag"]}, json=body)
    assert hub.verified() == {"my-ca": True}


@pytest.mark.parametrize(
    ("make", "setting", "notice"),
    sampled(
        [
            (MAKE, "adoptHub", "it has no key usage extension (RFC 5280 4.2.1.3); devices connect anyway"),
            (MAKE, "existingHub", "it has no key usage extension (RFC 5280 4.2.1.3); devices connect anyway"),
            (f"{MAKE} -addext keyUsage=critical,keyCertSign,cRLSign", "adoptHub", None),
            (WITHOUT_EXTENSIONS, "existingHub", "devices connect anyway"),
        ],
        1,
    ),
    ids=["adopted", "kept", "adopted, with a key usage", "kept, without any extension"],
)
def test_the_ca_of_the_page_is_imported_adopted_and_kept(
    azure: LocalAzure, tmp_path: Path, make: str, setting: str, notice: str | None
) -> None:
    """By the words of the page: the second run changes nothing, the hub's certificate is as it was, and a notice says what it lacks."""
    hub = azure.hub()
    shell = Shell(tmp_path / "program", azure, tmp_path / "state")
    proven_by_hand(shell, hub, make)
    before = hub.certificates()["my-ca"]
    lines = [line for line in KEEP.splitlines() if not line.startswith("HUB=")]
    assert any("adoptHub" in line for line in lines)
    printed = shell.run("\n".join(lines).replace("adoptHub", setting), HUB=hub.id)
    assert (notice is None) is ("devices connect anyway" not in printed)
    assert notice is None or notice in printed
    assert '"proof":"key-held"' in printed
    assert hub.certificates()["my-ca"]["etag"] == before["etag"]
    shell.run(FORGET)
    assert hub.verified() == {"my-ca": True}
