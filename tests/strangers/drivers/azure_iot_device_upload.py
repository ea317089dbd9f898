"""Drives the upload of Microsoft's Python device SDK, which leaves the PUT to the user; one JSON line on stdout."""

import json
import os
import ssl
import urllib.request
from pathlib import Path

from azure.iot.device import IoTHubDeviceClient, ProxyOptions

proxy = ProxyOptions("HTTP", os.environ["PROXY_HOST"], int(os.environ["PROXY_PORT"]))
client = IoTHubDeviceClient.create_from_connection_string(
    os.environ["DEVICE"], server_verification_cert=Path(os.environ["CA"]).read_text(), proxy_options=proxy
)
info = client.get_storage_info_for_blob("report.txt")
url = f"https://{info['hostName']}/{info['containerName']}/{info['blobName']}{info['sasToken']}"
request = urllib.request.Request(url, data=b"a report", method="PUT", headers={"x-ms-blob-type": "BlockBlob"})
context = ssl.create_default_context(cafile=os.environ["CA"])
urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)).open(request).close()
client.notify_blob_upload_status(info["correlationId"], True, 200, "uploaded")
client.shutdown()
print(json.dumps({"blob": info["blobName"]}))
