"""What a preview knows of the outputs, so that resources that need them can be previewed too."""

import functools
import inspect
from typing import Any

from hubtrust.dynamic.contract import Contract
from hubtrust.engine_marks import UNKNOWN
from hubtrust.inputs import Properties, wire_name, wire_names

_ELSEWHERE = ("cloud", "hubId", "serviceId")  # inputs whose change may change an output that is steady otherwise


def of_create(contract: Contract[Any], news: Properties) -> dict[str, Any]:
    """The outputs of a create: inputs that are kept are outputs as they are given, every other one is not known yet.

    An input that is not given is no output, unless its output is declared to have a value always: then the create finds one.
    """
    kept, certain = wire_names(contract.inputs, "kept"), _always_there(contract.results)
    absent = kept - news.keys() - certain
    known = {name: news[name] for name in kept & news.keys() if "skip" not in news}  # then outputs stay as they are, whatever is declared
    return {name: known.get(name, UNKNOWN) for name in contract.outputs - absent}


def of_update(contract: Contract[Any], olds: Properties, old_inputs: Properties, news: Properties) -> dict[str, Any]:
    """The outputs of an update: as of a create, and those that no update changes are as they were.

    An input of the same name must not have changed either: without it, Azure is asked again.
    """
    outs = of_create(contract, news)
    if any(old_inputs.get(name) != news.get(name) for name in _ELSEWHERE):
        return outs
    steady = {name for name in contract.steady_outputs & olds.keys() if old_inputs.get(name) == news.get(name)}
    return outs | {name: olds[name] for name in steady}


@functools.cache
def _always_there(results: type) -> frozenset[str]:
    """The wire names of the outputs whose type has no None."""
    annotated = {name: kind for one in results.__mro__[::-1] for name, kind in inspect.get_annotations(one).items()}
    return frozenset(wire_name(name) for name, kind in annotated.items() if "None" not in str(kind))
