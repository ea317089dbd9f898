"""docs/azure-coverage.md agrees with the routes."""

import subprocess
import sys
from collections import Counter

from local_azure_iot import arm
from local_azure_iot.graph import routes as graph
from local_azure_iot.hub_registry import endpoint as registry
from local_azure_iot.key_vault import routes as vaults
from local_azure_iot.login import routes as login
from local_azure_iot.provisioning import device_routes
from local_azure_iot.provisioning import endpoint as provisioning
from local_azure_iot.resource_manager import metadata
from tests.kit.repository import ROOT

PAGE = ROOT / "docs" / "azure-coverage.md"


def test_the_page_is_up_to_date() -> None:
    """`make docs` would change nothing."""
    done = subprocess.run([sys.executable, "-m", "docs.azure_coverage", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_every_operation_is_on_the_page_with_its_evidence() -> None:
    """No service's operation is left out, and none is listed twice."""
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ") and "`" in line]
    shown = Counter((row[1].strip("`"), row[3]) for row in rows)
    services = (arm, metadata, login, graph, registry, vaults, provisioning, device_routes)
    routes = [route for service in services for route in service.ROUTES]

    assert shown == Counter((f"{route.method} {route.path}", str(route.evidence)) for route in routes)


def test_guesses_are_labelled() -> None:
    """What neither a recording nor a document shows: a 26th certificate, a private key, dates, another code, a certificate's 404."""
    text = PAGE.read_text()

    for guess in ("a 26th certificate", "a private key", "outside its dates", "CN is not the code", "EC keys", "the 404's body is a guess"):
        assert guess in text


def test_the_part_that_is_written_by_hand_is_still_there() -> None:
    """A merge of the generated tables must not cut off what follows them."""
    _, end, after = PAGE.read_text().partition("<!-- the end of the tables -->")
    assert end
    assert "## Differences from Azure" in after
