"""azure-eventhub, unmodified: what the event hub is, and the events of its one partition that has any, until as many came as are asked for.

Arguments: a connection string, how many events, and `tls` or `websocket`. It prints one line of JSON for the hub and one for each event.
"""

import json
import os
import sys
from typing import Any
from urllib.parse import urlsplit

from azure.eventhub import EventHubConsumerClient, TransportType

connection_string, wanted, way = sys.argv[1], int(sys.argv[2]), sys.argv[3]
options: dict[str, Any] = {"connection_verify": os.environ["SSL_CERT_FILE"], "retry_total": 1}  # by default it trusts certifi's roots alone
if way == "websocket":
    proxy = urlsplit(os.environ["HTTPS_PROXY"])
    options |= {
        "transport_type": TransportType.AmqpOverWebsocket,
        "http_proxy": {"proxy_hostname": proxy.hostname, "proxy_port": proxy.port},
    }
client = EventHubConsumerClient.from_connection_string(connection_string, consumer_group="$Default", **options)
hub = client.get_eventhub_properties()
print(json.dumps(hub, default=str), flush=True)
found: list[Any] = []


def received(_partition: Any, event: Any) -> None:
    """One event."""
    found.append(event)
    device = event.system_properties[b"iothub-connection-device-id"].decode()
    print(json.dumps({"device": device, "body": event.body_as_str(), "sequence": event.sequence_number}), flush=True)
    if len(found) == wanted:
        client.close()


partition = next(each for each in hub["partition_ids"] if not client.get_partition_properties(each)["is_empty"])
client.receive(received, partition_id=partition, starting_position="-1")
