"""Local Azure as a container of the tests (testcontainers 4): the same fixtures, on the ports that Docker maps."""

import secrets

import pytest
from testcontainers.core.container import DockerContainer

from local_azure_iot.installation import Installation
from local_azure_iot.testing import AzureClient

HTTPS, MQTT, PROXY, CONTROL = 8443, 8883, 8080, 8444


@pytest.fixture(scope="session")
def local_azure(tmp_path_factory):
    """The fixture of this name, with a container instead of a process; `local_hub` and `device_ca` use it."""
    token = secrets.token_hex(32)
    container = (
        DockerContainer("local-azure-iot").with_env("LOCAL_AZURE_CONTROL_TOKEN", token).with_exposed_ports(HTTPS, MQTT, PROXY, CONTROL)
    )
    with container:
        host = container.get_container_host_ip()

        def at(port):
            return f"{host}:{container.get_exposed_port(port)}"

        addresses = {"proxy": f"http://{at(PROXY)}", "arm": f"https://{at(HTTPS)}", "mqtt": f"mqtts://{at(MQTT)}"}
        here = Installation(tmp_path_factory.mktemp("local-azure"))
        yield AzureClient(here.attach(f"http://{at(CONTROL)}", token, addresses, wait_seconds=60))


def test_the_press_reports(local_hub, device_ca):
    """A device connects through the mapped ports, to a hub that trusts its CA."""
    press = local_hub.device("press-001", device_ca)
    with press.connect() as client:
        client.publish(press.events_topic, b"21.5", qos=1).wait_for_publish(10)
    assert [each["device"] for each in local_hub.messages()] == ["press-001"]
