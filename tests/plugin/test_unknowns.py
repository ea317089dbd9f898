"""Each input of each resource, not known yet: a preview is answered, with nothing that it can't know."""

import re

import httpx
import pytest

from hubtrust.plugin.property_values import secret_names
from tests.faults.case_hub import CaseHub
from tests.kit.local_azure import LocalAzure
from tests.kit.plugin_process import PluginProcess, struct
from tests.kit.provider_process import UNKNOWN
from tests.plugin.cases import CASES, Case

_ONE_EACH = {re.split(",| of ", case.title)[0]: case for case in reversed(CASES) if not case.title.endswith("delete")}


@pytest.mark.parametrize("case", _ONE_EACH.values(), ids=lambda case: case.title)
def test_a_preview_is_answered_whatever_is_unknown(case: Case, native: PluginProcess, azure: LocalAzure, control: httpx.Client) -> None:
    """Check, Diff, and the previews of a create and an update, with one input unknown, or a secret that is unknown."""
    hub = CaseHub(azure.hub(case.kind), control)
    case.setup(hub)
    for run in case.runs:
        hub.stack.up(native, declared := run(hub))
    hub.forget()
    for name, (kind, inputs) in declared.items():
        calls, created = native.of(kind), hub.stack.resources[name].created
        assert calls.check(inputs, created.inputs).failures == []
        for unknown in inputs:
            news = inputs | {unknown: UNKNOWN}
            known = {"urn": calls.urn, "id": created.id, "olds": struct(created.outs), "old_inputs": struct(created.inputs)}
            assert calls.check(news, created.inputs).failures == [], unknown
            calls.diff(created, news)
            for answer in (
                native.call("Create", urn=calls.urn, properties=struct(news), preview=True),
                native.call("Update", **known, news=struct(news), preview=True),
            ):
                outs = answer.properties.fields
                assert unknown not in outs or outs[unknown].string_value == UNKNOWN
                assert secret_names(answer.properties) <= calls.secrets | kind.secret_outputs
    assert hub.log() == [], "a preview asks Azure nothing"
