"""Drives Microsoft's Python device SDK, in its own environment: a file of cases on argv, one JSON line a case on stdout.

A second argument, `websockets`: over WebSockets.
"""

import json
import logging
import sys
from pathlib import Path

from azure.iot.device import X509, IoTHubDeviceClient, ProxyOptions

logging.disable(logging.CRITICAL)
work = json.loads(Path(sys.argv[1]).read_text())
proxy = ProxyOptions("HTTP", work["proxy_host"], work["proxy_port"])
for case in work["cases"]:
    client = IoTHubDeviceClient.create_from_x509_certificate(
        hostname=work["host"],
        device_id=case["device"],
        x509=X509(case["chain"], case["key"]),
        server_verification_cert=Path(work["ca"]).read_text(),
        proxy_options=proxy,
        websockets=sys.argv[2:] == ["websockets"],
        connection_retry=False,
        auto_connect=False,
    )
    try:
        client.connect()
        client.send_message("from azure-iot-device")
        client.patch_twin_reported_properties({"client": "azure-iot-device"})
        answer = {"connected": True, "reported": client.get_twin()["reported"]["client"]}
    except Exception as error:  # noqa: BLE001 - whatever a stranger raises is its answer
        answer = {"connected": False, "said": f"{type(error).__name__}: {error} {error.__cause__}"}
    client.shutdown()
    print(json.dumps({"case": case["name"]} | answer), flush=True)
