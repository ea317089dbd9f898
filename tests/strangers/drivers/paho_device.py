"""Drives paho-mqtt: a file of cases on argv, one JSON line a case on stdout."""

import json
import sys
import threading
from pathlib import Path
from typing import Any

import socks
from paho.mqtt.client import CallbackAPIVersion, Client

work = json.loads(Path(sys.argv[1]).read_text())
for case in work["cases"]:
    answered, arrived, codes = threading.Event(), threading.Event(), []
    client = Client(CallbackAPIVersion.VERSION2, client_id=case["device"])

    def on_connect(*arguments: Any, answered: threading.Event = answered, codes: list[str] = codes) -> None:
        codes.append(str(arguments[3]))
        answered.set()

    def on_publish(*_: Any, arrived: threading.Event = arrived) -> None:
        arrived.set()

    client.on_connect, client.on_publish = on_connect, on_publish
    client.username_pw_set(f"{work['host']}/{case['device']}/?api-version=2021-04-12")
    client.tls_set(ca_certs=work["ca"], certfile=case["chain"], keyfile=case["key"])
    client.proxy_set(proxy_type=socks.HTTP, proxy_addr=work["proxy_host"], proxy_port=work["proxy_port"])
    client.connect(work["host"], 8883)
    client.loop_start()
    connected = answered.wait(60) and codes == ["Success"]
    if connected:
        client.publish(f"devices/{case['device']}/messages/events/", "from paho-mqtt", qos=1)
        connected = arrived.wait(60)
    client.disconnect()
    client.loop_stop()
    print(json.dumps({"case": case["name"], "connected": connected, "said": " ".join(codes)}), flush=True)
