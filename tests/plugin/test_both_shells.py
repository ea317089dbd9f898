"""One table of cases through both shells, over gRPC, against local Azure: the same ids, outputs and calls to Azure."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hubtrust.plugin.tokens import MODULES
from tests.faults.case_hub import CaseHub
from tests.kit.local_azure import LocalAzure
from tests.kit.plugin_process import PluginProcess
from tests.kit.provider_process import CallFailedError, ProviderProcess
from tests.plugin.cases import CASES, Case

# What differs from one hub to the next and from one moment to the next, in the order of looking: PEM, times, ids, serials and etags.
_VARYING = (
    (re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----\n?", re.DOTALL), r"<\1>"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)"), "<time>"),
    (re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"), "<guid>"),
    (re.compile(r"(?<![0-9A-Za-z])(?:0x)?[0-9a-fA-F]{16,}(?![0-9A-Za-z])"), "<hex>"),
    (re.compile(r"(?<![\w/+])[A-Za-z0-9+/]{11,}={1,2}"), "<base64>"),
)

_ASKS_AGAIN = {"VerifiedCertificate, waiting for proof"}  # each run tells the user what is still to be done
_LATE = "keySince"  # there only if the second has passed in which the first certificate was issued
_DRAWN = {"etag", "deviceEtag", "moduleEtag", "provenEtag", "lastWrite", "token", "serialNumber", "thumbprint", "digest", "log"}


def _form(value: Any, case: CaseHub) -> Any:
    """``value`` without what differs from one hub to the next."""
    if isinstance(value, dict):
        return {name: "<drawn>" if name in _DRAWN else _form(each, case) for name, each in value.items() if name != _LATE}
    if isinstance(value, list):
        return [_form(each, case) for each in value]
    if not isinstance(value, str):
        return value
    text = re.sub(re.escape(case.name), "<hub>", value, flags=re.IGNORECASE)
    text = re.sub(r"(resource[gG]roups/)group-\d+", r"\1<group>", text)
    for pattern, mark in _VARYING:
        text = pattern.sub(mark, text)
    return text


def _life(case: Case, process: ProviderProcess, azure: LocalAzure, control: httpx.Client) -> list[Any]:
    """Every run of the case, then one that has nothing to do, then a destroy: the state after each, and its calls."""
    hub = CaseHub(azure.hub(case.kind), control)
    case.setup(hub)
    hub.forget()
    told: list[Any] = []
    declared = {}
    for number, run in enumerate((*case.runs, None, lambda _hub: {})):  # None: as before
        if number == len(case.runs) - 1:
            case.meanwhile(hub)
        hub.forget()
        declared, error = declared if run is None else run(hub), ""
        try:
            hub.stack.up(process, declared)
        except CallFailedError as failed:
            error = str(failed).strip()
        state = {name: (_form(one.created.id, hub), _form(one.created.outs, hub)) for name, one in hub.stack.resources.items()}
        calls = sorted((call.method, call.host, _form(call.path, hub), call.nth) for call in hub.calls())
        told.append({"state": state, "calls": calls, "written": len(hub.stack.written), "error": _form(error, hub)})
    return told


def _differences(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where they differ, for a short report."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            yield from _differences(one.get(name), other.get(name), f"{path}.{name}")
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for place, (each, its) in enumerate(zip(one, other, strict=True)):
            yield from _differences(each, its, f"{path}[{place}]")
    elif one != other:
        yield path, one, other


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_both_shells_do_the_same(
    case: Case, dynamic: ProviderProcess, native: PluginProcess, azure: LocalAzure, control: httpx.Client
) -> None:
    """The ids, the outputs, what is written, and the calls to Azure."""
    ours, theirs = (_life(case, process, azure, control) for process in (native, dynamic))

    assert list(_differences(ours, theirs)) == []
    assert ours[-2]["written"] == 0 or case.title in _ASKS_AGAIN
    assert ours[-1]["state"] == {}


def test_every_resource_is_in_the_table() -> None:
    """A new resource needs a case."""
    assert {name.removesuffix("Entries") for name in MODULES} == {re.split(",| of ", case.title)[0] for case in CASES}
