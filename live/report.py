"""The file that can be sent in, and what is printed: both runs step by step, and where Azure answered otherwise. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from live.comparison import Difference, compare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from live.run import Result, StepResult

LEFT_OUT = (
    "calls of the azure-native plugin (resource group, hub, provisioning service, roles): the plugin of others sends them",
    "logins, because they hold secrets",
    "what devices say over MQTT: only whether they connected is known, by the step's result",
)


def differences(local_azure: Result, azure: Result) -> dict[str, list[Difference]]:
    """The differences of each step by its name, up to the first one that failed: after that the calls differ for that reason alone."""
    found = {}
    for expected, step in zip(local_azure.steps, azure.steps, strict=False):
        if expected.name != step.name or not expected.fault is step.fault is None:
            break
        found[step.name] = compare(expected.calls, step.calls)
    return found


def document(local_azure: Result, azure: Result, versions: Mapping[str, str]) -> dict[str, Any]:
    """The file: it has no id, name, value or secret, and no message of a failure, because that may have names."""
    found = differences(local_azure, azure)
    names = [step.name for step in local_azure.steps]
    names += [step.name for step in azure.steps if step.name not in names]
    return {
        "version": 1,
        "versions": dict(versions),
        "leftOut": list(LEFT_OUT),
        "steps": [
            {
                "name": name,
                "differences": None if name not in found else [str(each) for each in found[name]],
                "localAzure": _run_of(name, local_azure),
                "azure": _run_of(name, azure),
            }
            for name in names
        ],
    }


def lines(local_azure: Result, azure: Result) -> list[str]:
    """What is printed at the end."""
    found = differences(local_azure, azure)
    told = [f"{name}: {each}" for name, some in found.items() for each in some]
    compared = sum(len(step.calls) for step in azure.steps if step.name in found)
    missing = [step.name for step in local_azure.steps if step.name not in found]
    shown = [f"Differences between Azure and local Azure: {len(told)}, in {compared} calls:", *(f"  {each}" for each in told)]
    if not told:
        shown = [f"Azure answered as local Azure does in all of {compared} calls." if compared else "No call was compared."]
    return [*shown, *([f"Not compared, because they did not succeed on both: {', '.join(missing)}"] if missing else [])]


def _run_of(name: str, result: Result) -> dict[str, Any] | None:
    step: StepResult | None = next((each for each in result.steps if each.name == name), None)
    return None if step is None else {"succeeded": step.fault is None, "seconds": round(step.seconds), "calls": step.calls}
