"""A device against an IoT hub that trusts its CA by proof of possession, and another device against the same hub."""

import pytest

from local_azure_iot.testing import DeviceCa, DeviceRefusedError


def test_the_press_reports(local_hub, device_ca):
    press = local_hub.device("press-001", device_ca)
    with press.connect() as client:
        client.publish(press.events_topic, b"21.5", qos=1).wait_for_publish(10)
    assert [each["device"] for each in local_hub.messages()] == ["press-001"]


def test_a_device_of_another_ca_is_refused(local_hub, device_ca, tmp_path):
    forged = local_hub.device("press-001", DeviceCa.new(tmp_path, device_ca.now, "Another CA"))
    with pytest.raises(DeviceRefusedError, match="'CN=Another CA' is a root, and it is not verified here"), forged.connect():
        pass
