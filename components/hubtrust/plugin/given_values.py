"""What constructors in Python give to a resource besides its arguments, or in another form: in other languages nobody else gives it."""

from collections.abc import Mapping
from typing import Any

from hubtrust.dynamic.contract import Contract
from hubtrust.dynamic.twin_documents import as_text
from hubtrust.inputs import Properties, is_unknown, wire_names
from hubtrust.plugin.property_values import UNKNOWN_VALUE


def of_program(contract: Contract[Any], type_name: str, name: str, owner: Mapping[str, str], news: Properties) -> dict[str, Any]:
    """The inputs that are to be added or replaced.

    Args:
        contract: the resource's lifecycle.
        type_name: the last part of its type: `DeviceFleet`.
        name: its name in Pulumi.
        owner: its owner tag.
        news: what the program gives.

    Raises:
        RosterError: a device or an enrollment in `members` is not valid.
        ArgumentError: `members` is an object that has not the fields of a roster.
    """
    found: dict[str, Any] = {}
    if "fleetName" in wire_names(contract.inputs, "required") - news.keys():
        found["fleetName"] = name
    if type_name == "ConnectionCheck" and "serviceId" in news and "owner" not in news:
        found["owner"] = owner  # what it registers is marked with it
    if isinstance(members := news.get("members"), Mapping):
        found["members"] = UNKNOWN_VALUE if is_unknown(members) else _packed(type_name, members)
    for input_name in contract.documents & news.keys():
        if isinstance(document := news[input_name], Mapping):
            found[input_name] = UNKNOWN_VALUE if is_unknown(document) else as_text(document)
    return found


def as_program(type_name: str, id_: str, inputs: Properties) -> dict[str, Any]:
    """The inputs that an import found, with objects in place of texts that only Python's constructors make.

    Args:
        type_name: the last part of its type: `DeviceFleet`.
        id_: the id that the user gave.
        inputs: what the import found.
    """
    found = dict(inputs)
    if type_name == "DeviceFleet":
        from hubtrust.plugin import rosters

        found["members"] = rosters.readable(str(inputs["members"]), id_.rpartition("/")[2])
    return found


def _packed(type_name: str, members: Mapping[str, Any]) -> object:
    from hubtrust.plugin import rosters  # only a fleet needs them

    return rosters.packed(rosters.DEVICES if type_name == "DeviceFleet" else rosters.ENROLLMENTS, members)
