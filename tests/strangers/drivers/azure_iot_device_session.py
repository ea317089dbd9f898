"""Drives Microsoft's Python device SDK through one session: what it was told is on stdout, a JSON line a step; a line on stdin goes on.

The last step waits until it was told as much as `wanted` says, or for a minute.
"""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Condition
from typing import Any

from azure.iot.device import IoTHubDeviceClient, IoTHubModuleClient, MethodResponse, ProxyOptions

logging.disable(logging.CRITICAL)
work = json.loads(Path(sys.argv[1]).read_text())
told: dict[str, list[Any]] = {"methods": [], "changes": [], "messages": []}
more = Condition()


def tell(kind: str, what: Any) -> None:
    with more:
        told[kind].append(what)
        more.notify()


def teller(kind: str) -> Callable[[Any], None]:
    return lambda what: tell(kind, what)


def answer(request: Any) -> None:
    tell("methods", [request.name, request.payload])
    client.send_method_response(MethodResponse.create_from_method_request(request, 201, {"by": "azure-iot-device"}))


def step(**said: Any) -> None:
    print(json.dumps(said), flush=True)
    sys.stdin.readline()


kind = IoTHubModuleClient if "ModuleId=" in work["connection"] else IoTHubDeviceClient
client = kind.create_from_connection_string(
    work["connection"],
    server_verification_cert=Path(work["ca"]).read_text(),
    proxy_options=ProxyOptions("HTTP", work["proxy_host"], work["proxy_port"]),
    websockets=work["web_sockets"],
    connection_retry_interval=1,
)
client.on_method_request_received = answer
client.on_twin_desired_properties_patch_received = teller("changes")
if kind is IoTHubDeviceClient:
    client.on_message_received = lambda message: tell("messages", [message.data.decode(), message.custom_properties])
client.connect()
step(reported=client.get_twin()["reported"])
client.patch_twin_reported_properties({"client": "azure-iot-device"})
step(reported=client.get_twin()["reported"])
client.send_message("from azure-iot-device")
with more:
    # The SDK calls each of these in a thread of its own, at any time after the packet came.
    more.wait_for(lambda: all(len(told[kind]) >= number for kind, number in work["wanted"].items()), timeout=60)
step(**told)
client.shutdown()
