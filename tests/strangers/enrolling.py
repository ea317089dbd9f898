"""What a stranger that enrols itself is given: a provisioning service with a hub, and for each protocol its devices."""

import base64
import json
import re
from collections.abc import Sequence
from pathlib import Path

from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure
from tests.kit.provisioning_client import ProvisioningClient
from tests.strangers.samples import Bench

REGISTERED, EVENT = "register", "event"
OPERATIONS = (REGISTERED, EVENT, "no enrollment", "disabled", "wrong scope")
_NO_SCOPE = "0ne00000000"


def enrolling_bench(azure: LocalAzure, folder: Path, protocols: Sequence[str]) -> Bench:
    """A group of devices by their issuing CA, whose root the service has verified, and the devices of each protocol.

    In the file CASES each protocol has one of the group's, one that nobody enrolled, one whose enrollment is disabled, and one that
    names an id scope that no service has. A protocol that ends with `key` has symmetric keys.
    """
    hub = HubClient(azure, azure.hub())
    service = ProvisioningClient(azure, azure.hub("provisioningServices"))
    service.link(hub)
    root = Party("Plant root")
    issuing = root.authority_below("Plant issuing")
    service.service.put("root", root.pem, isVerified=True)
    service.put_group("plant", issuing)
    cases = {protocol: _of_one(service, folder, protocol, issuing) for protocol in protocols}
    service.http.close()
    file = folder / "cases.json"
    file.write_text(json.dumps(cases))
    return Bench(azure, hub, folder, more={"CASES": str(file)})


def enrolled(found: Bench, protocols: Sequence[str]) -> None:
    """Each protocol's device of the group is on the hub, came by its own enrollment, and its event arrived."""
    sent = {each["device"] for each in found.azure.control("GET", "/messages") if each["host"] == found.hub.host}
    assert sent == {_registration_id(REGISTERED, protocol) for protocol in protocols}
    for protocol in protocols:
        device = found.hub.ask("GET", f"/devices/{_registration_id(REGISTERED, protocol)}").raise_for_status().json()
        assert device["authentication"]["type"] == ("sas" if protocol.endswith("key") else "selfSigned")


def _registration_id(operation: str, protocol: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{operation} {protocol}".lower())


def _of_one(service: ProvisioningClient, folder: Path, protocol: str, issuing: Party) -> dict[str, dict[str, str]]:
    scope, stranger = service.id_scope, Party("A root that nobody knows")
    cases = {}
    for operation in (each for each in OPERATIONS if each != EVENT):
        registration_id = _registration_id(operation, protocol)
        case = {"id": registration_id, "scope": _NO_SCOPE if operation == "wrong scope" else scope}
        if protocol.endswith("key"):
            case["symmetricKey"] = base64.b64encode(b"a key that no service has ......").decode()
            if operation == REGISTERED:
                case["symmetricKey"] = service.put_enrollment_with_key(registration_id)
            elif operation == "disabled":
                case["symmetricKey"] = service.put_enrollment_with_key(registration_id, provisioningStatus="disabled")
        else:
            issuer = stranger if operation == "no enrollment" else issuing
            identity = issuer.device(registration_id)
            if operation == "disabled":
                service.put_enrollment(registration_id, identity, provisioningStatus="disabled")
            chain, key = identity.files(folder / registration_id, issuer)
            case |= {"chain": str(chain), "key": str(key)}
        cases[operation] = case
    return cases
