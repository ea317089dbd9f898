"""azure-iot-hub, unmodified: a cloud-to-device message, over AMQP by uamqp. Arguments: a connection string, a device, another device.

It prints a line of JSON for each device: whether the message was taken.
"""

import json
import os
import sys

import certifi

certifi.where = lambda: os.environ["SSL_CERT_FILE"]  # uamqp trusts certifi's roots alone, and azure-iot-hub has no option for others

from azure.iot.hub import IoTHubRegistryManager  # noqa: E402 - uamqp reads the roots' place when it is imported

manager = IoTHubRegistryManager(sys.argv[1])
for device in sys.argv[2:]:
    try:
        manager.send_c2d_message(device, "start", properties={"messageId": "m1", "contentType": "text/plain", "speed": "3"})
        taken = True
    except Exception as error:  # noqa: BLE001 - it raises no other class
        taken = False
        print(error, file=sys.stderr)
    print(json.dumps({"device": device, "taken": taken}), flush=True)
os._exit(0)  # uamqp's own end fails while Python ends
