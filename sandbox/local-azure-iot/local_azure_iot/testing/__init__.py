"""What a test of a device needs: a hub in local Azure, a CA that the hub trusts by proof of possession, device certificates.

    from local_azure_iot.testing import DeviceCa, Hub

The fixtures of `local_azure_iot.pytest_plugin` make them; in another test framework they are made by hand.
"""

from local_azure_iot.testing.azure_client import AzureClient, AzureRefusedError
from local_azure_iot.testing.device import Device, DeviceRefusedError
from local_azure_iot.testing.device_ca import DeviceCa
from local_azure_iot.testing.hub import Hub

__all__ = ["AzureClient", "AzureRefusedError", "Device", "DeviceCa", "DeviceRefusedError", "Hub"]
