"""A network that answers everything with its login page: a run ends with one line, and loses nothing of an existing stack."""

import copy
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from hubtrust.inputs import Properties
from tests.faults.case_hub import CaseHub
from tests.faults.certificates import name, one
from tests.faults.devices import fleet, roster, shown
from tests.faults.stack import Declared
from tests.faults.sweep import LINE, Bench, environment_of
from tests.kit.captive_portal import KINDS, captive_portal
from tests.kit.provider_process import CallFailedError, ProviderProcess


def declared(case: CaseHub) -> Declared:
    """A stack with a CA and a fleet."""
    return one(1)(case) | fleet(roster({"press-1": "A", "press-2": "B"}))(case)


def outputs(case: CaseHub) -> dict[str, Properties]:
    """What the state says."""
    return {each: copy.deepcopy(known.created.outs) for each, known in case.stack.resources.items()}


def test_a_login_page_instead_of_azure_loses_nothing(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A refresh behind it, and each deletion, end with one line that names the proxy; afterwards there is nothing to repair."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda kind: one_kind(bench, tmp_path_factory.mktemp("portal"), kind), KINDS))


def one_kind(bench: Bench, folder: Path, kind: str) -> None:
    """One kind of portal."""
    case = CaseHub(bench.azure.hub(), bench.control, deadline=1)
    case.stack.up(bench.runs[0], declared(case))
    before, devices = outputs(case), dict(shown(case))
    with captive_portal(folder, kind) as portal:
        roots = {"SSL_CERT_FILE": str(portal.roots), "REQUESTS_CA_BUNDLE": str(portal.roots)}
        behind = {"HTTPS_PROXY": portal.url, "https_proxy": portal.url, **roots}
        with ProviderProcess(environment_of(bench.azure) | behind) as process:
            deletions = [partial(process.of(known.kind).delete, known.created) for known in case.stack.resources.values()]
            for step in (partial(case.stack.up, process, declared(case)), *deletions):
                with pytest.raises(CallFailedError) as failed:
                    step()
                line = str(failed.value).strip()
                assert LINE.fullmatch(line), line
                assert "proxy" in line.lower(), line
        assert portal.asked
    assert not process.error_output, process.error_output
    assert (outputs(case), dict(shown(case)), case.hub.verified()) == (before, devices, {name(1): True})
    assert set(devices) == {"press-1", "press-2"}
    case.forget()
    case.stack.up(bench.runs[1], declared(case))
    assert [entry["path"] for entry in case.log() if entry["method"] in ("PUT", "DELETE")] == []
    assert outputs(case).keys() == before.keys()
