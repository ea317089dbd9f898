"""Drives Microsoft's Python client of provisioning services, over MQTT and over WebSockets, by certificate and by symmetric key.

Prints one line for each operation: {"protocol", "operation", "said": null if it worked}. CASES names the file of what each one uses.
"""

import json
import logging
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from azure.iot.device import X509, IoTHubDeviceClient, ProvisioningDeviceClient, ProxyOptions

logging.disable(logging.CRITICAL)
cases = json.loads(Path(os.environ["CASES"]).read_text())
proxy = urlsplit(os.environ["HTTPS_PROXY"])
HOST = "global.azure-devices-provisioning.net"


def options(protocol: str) -> dict[str, Any]:
    """What `env` can't tell the SDK. It takes its roots from OpenSSL, which SSL_CERT_FILE reaches."""
    return {"websockets": protocol.startswith("WebSockets"), "proxy_options": ProxyOptions("HTTP", proxy.hostname, proxy.port)}


def register(protocol: str, case: dict[str, Any]) -> Any:
    """The result of a registration that was assigned."""
    common = {"provisioning_host": HOST, "registration_id": case["id"], "id_scope": case["scope"], **options(protocol)}
    if "symmetricKey" in case:
        client = ProvisioningDeviceClient.create_from_symmetric_key(symmetric_key=case["symmetricKey"], **common)
    else:
        client = ProvisioningDeviceClient.create_from_x509_certificate(x509=X509(case["chain"], case["key"]), **common)
    client.provisioning_payload = {"model": "press"}
    result = client.register()
    if result.status != "assigned":
        raise RuntimeError(f"the status is {result.status}, {result.registration_state}")
    return result.registration_state


def send(protocol: str, case: dict[str, Any], state: Any) -> None:
    """Connect to the hub that was assigned, with the same credentials, and send an event."""
    if "symmetricKey" in case:
        client = IoTHubDeviceClient.create_from_symmetric_key(
            case["symmetricKey"], state.assigned_hub, state.device_id, **options(protocol)
        )
    else:
        identity = X509(case["chain"], case["key"])
        client = IoTHubDeviceClient.create_from_x509_certificate(identity, state.assigned_hub, state.device_id, **options(protocol))
    client.connect()
    client.send_message(f"from {protocol}")
    client.shutdown()


def attempt(protocol: str, operation: str, work: Callable[[], Any]) -> Any:
    """What the work returns; what became of it is printed."""
    said, result = None, None
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - whatever a stranger raises is its answer
        said = f"{type(error).__name__}: {error} {error.__cause__}"
    sys.stdout.write(json.dumps({"protocol": protocol, "operation": operation, "said": said}) + "\n")
    sys.stdout.flush()
    return result


def drive(protocol: str) -> None:
    """All operations of one way in."""
    for operation, case in cases[protocol].items():
        state = attempt(protocol, operation, lambda case=case: register(protocol, case))
        if operation == "register":
            attempt(protocol, "event", lambda case=case, state=state: send(protocol, case, state))


with ThreadPoolExecutor() as pool:
    list(pool.map(drive, cases))
