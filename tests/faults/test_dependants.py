"""The query for dependent devices before a CA generation is removed: a fault must not be read as "no device depends on it"."""

import pytest

from hubtrust.dynamic.authority_generation import AuthorityGenerationProvider
from tests.faults.case_hub import Call, CaseHub
from tests.faults.devices import DEVICE, device
from tests.faults.fault import COLUMNS, Fault
from tests.faults.stack import Declared
from tests.faults.sweep import Bench
from tests.kit.device_registry import OWNER
from tests.kit.provider_process import CallFailedError

_QUERY = Call("POST", "hub", "/devices/query", 1)


def generation(case: CaseHub, *, keep: bool) -> Declared:
    """The second generation of an authority, with or without the first."""
    inputs = {"authority": "plant", "generation": 2, "keepPrevious": keep}
    where = {"hubId": case.hub.id, "hostName": case.host, "devicesOf": OWNER["stack"]}
    return {"generation": (AuthorityGenerationProvider, {**inputs, **where})}


@pytest.mark.parametrize("fault", COLUMNS, ids=lambda fault: fault.title)
def test_a_generation_stays_while_devices_depend_on_it(bench: Bench, fault: Fault) -> None:
    """Whatever fault the query has once, the error says that a device depends on the generation, or that the query failed."""
    case = CaseHub(bench.azure.hub(), bench.control)
    first = {"generation": (AuthorityGenerationProvider, generation(case, keep=False)["generation"][1] | {"generation": 1})}
    case.stack.up(bench.runs[0], first)
    case.stack.up(bench.runs[0], generation(case, keep=True) | device()(case))
    case.inject(fault, _QUERY, lasting=False)
    with pytest.raises(CallFailedError, match=rf"1 enabled device of this stack|{DEVICE}|the devices on IoT hub"):
        case.stack.up(bench.runs[1], generation(case, keep=False) | device()(case))
    assert any(entry["fault"] for entry in case.log())
    case.heal()
    with pytest.raises(CallFailedError, match="1 enabled device of this stack"):
        case.stack.up(bench.runs[2], generation(case, keep=False) | device()(case))
