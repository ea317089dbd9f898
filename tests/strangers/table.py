"""The strangers: each client of Microsoft's or of others, how its sample runs, and what of it works. docs/clients.md shows this table.

A client is given `env`, and at most the one line that the table names.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.strangers.enrolling import OPERATIONS
from tests.strangers.samples import Bench, Said, go, java, node, python

_MESSAGING = ("connect", "event", "twin", "desired", "method", "cloud-to-device")
_HTTPS = ("connect", "event", "cloud-to-device")
NAMES = "`LD_PRELOAD=libnss_wrapper.so` and `start --names`"
_PROXY_OPTIONS = "`ProxyOptions` with HTTPS_PROXY's address"
_JAVA_REFUSED = {
    "no enrollment": "Service error: 401002 - CA certificate not found.",
    "disabled": "ProvisioningDeviceHubException: null",
    "wrong scope": "ProvisioningDeviceConnectionException: Exception opening connection",
}
_NODE_REFUSED = {
    "no enrollment": "UnauthorizedError: incoming message failure",
    "disabled": "SyntaxError: status is disabled",
    "wrong scope": "Connection refused: Server unavailable",
}
_PYTHON_REFUSED = {
    "no enrollment": "register request returned a service error status code 401",
    "disabled": "encountered an invalid registration status disabled with a status code of 200",
    "wrong scope": "Could not connect to the provisioning server Connection Refused: broker unavailable.",
}
_ROOTS = '`certifi.where = lambda: os.environ["SSL_CERT_FILE"]` before the import, which uamqp\'s roots need'


@dataclass(frozen=True)
class Way:
    """One way in of a client: the line it needs beside `env`, its operations, and those that are refused with a part of what it says."""

    protocol: str
    shown: str
    operations: tuple[str, ...]
    line: str = ""
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stranger:
    """A client, its version as the lock file has it, and its sample."""

    client: str  # with `{version}` where its version is shown
    pinned: str  # the file that pins it, and the text in it
    version: str
    run: Callable[[Bench], Said]
    ways: tuple[Way, ...]
    enrols: bool = False  # whether it is given a provisioning service


STRANGERS = {
    "java": Stranger(
        "Java `iot-device-client` {version}, with `iot-service-client` 2.1.9",
        "tests/strangers/java/pom.xml",
        "2.5.0",
        java("DeviceAndService", "service", "MQTT", "MQTT_WS", "AMQPS", "AMQPS_WS", "HTTPS"),
        (
            Way("service", "HTTPS, the back end's", ("device", "twin", "module", "statistics and query", "configuration", "delete")),
            Way("MQTT", "MQTT, X.509", _MESSAGING, NAMES),
            Way("MQTT_WS", "MQTT over WebSockets", _MESSAGING, "`ProxySettings` with HTTPS_PROXY's address"),
            Way("AMQPS", "AMQP, X.509", _MESSAGING, NAMES),
            Way("AMQPS_WS", "AMQP over WebSockets", _MESSAGING, "`ProxySettings` with HTTPS_PROXY's address"),
            Way("HTTPS", "HTTPS, X.509", _HTTPS),
        ),
    ),
    "go": Stranger(
        "Go `armiothub` {version}, with `armdeviceprovisioningservices` and `azidentity`",
        "tests/strangers/go/go.mod",
        "v1.3.0",
        go,
        (
            Way(
                "ARM",
                "Resource Manager",
                (
                    "create", "read, change and write with the etag", "tags", "consumer group", "keys", "proof of possession", "name check",
                    "quota", "statistics", "skus", "endpoint health", "routes, tested", "jobs", "private link resources",
                    "private endpoint connections", "operations", "usages", "failover", "provisioning service", "delete",
                ),
            ),
        ),
    ),
    "node": Stranger(
        "Node `azure-iot-device` {version}, with `azure-iothub`",
        "tests/strangers/node/package.json",
        "1.18.4",
        node("azure_iot_device_transports.js", "Mqtt", "MqttWs", "Amqp", "AmqpWs", "Http"),
        (
            Way("Mqtt", "MQTT, X.509", _MESSAGING, NAMES),
            Way("MqttWs", "MQTT over WebSockets", _MESSAGING, "`webSocketAgent: new HttpsProxyAgent(process.env.HTTPS_PROXY)`"),
            Way("Amqp", "AMQP, X.509", _MESSAGING, NAMES),
            Way("AmqpWs", "AMQP over WebSockets", _MESSAGING, "`webSocketAgent: new HttpsProxyAgent(process.env.HTTPS_PROXY)`"),
            Way("Http", "HTTPS, X.509", _HTTPS, NAMES),
        ),
    ),
    "java provisioning": Stranger(
        "Java `provisioning-device-client` {version}, with `x509-provider`",
        "tests/strangers/java/pom.xml",
        "2.1.3",
        java("Provisioning"),
        (
            Way("MQTT", "provisioning over MQTT, X.509", OPERATIONS, NAMES, _JAVA_REFUSED),
            Way("MQTT_WS", "provisioning over WebSockets, X.509", OPERATIONS, NAMES, _JAVA_REFUSED),
            Way("HTTPS", "provisioning over HTTPS, X.509", OPERATIONS, "", _JAVA_REFUSED | {
                "no enrollment": "'errorCode':401002", "wrong scope": "'errorCode':404204",
            }),
        ),
        enrols=True,
    ),
    "node provisioning": Stranger(
        "Node `azure-iot-provisioning-device` {version}, with `-mqtt` and `-http`",
        "tests/strangers/node/package.json",
        "1.9.1",
        node("azure_iot_provisioning.js"),
        (
            Way("Mqtt", "provisioning over MQTT, X.509", OPERATIONS, NAMES, _NODE_REFUSED),
            Way("MqttWs", "provisioning over WebSockets, X.509", OPERATIONS, NAMES, _NODE_REFUSED),
            Way("Http", "provisioning over HTTPS, X.509", OPERATIONS, NAMES, _NODE_REFUSED | {
                "no enrollment": "CA certificate not found.", "wrong scope": "Error: Not found",
            }),
            Way("Mqtt, key", "provisioning over MQTT, symmetric key", OPERATIONS, NAMES, _NODE_REFUSED),
        ),
        enrols=True,
    ),
    "python provisioning": Stranger(
        "Python `azure-iot-device` {version}",
        "requirements/device.txt",
        "2.14.0",
        python("azure_iot_provisioning.py"),
        (
            Way("MQTT", "provisioning over MQTT, X.509", OPERATIONS, _PROXY_OPTIONS, _PYTHON_REFUSED),
            Way("WebSockets", "provisioning over WebSockets, X.509", OPERATIONS, _PROXY_OPTIONS, _PYTHON_REFUSED),
            Way("MQTT, key", "provisioning over MQTT, symmetric key", OPERATIONS, _PROXY_OPTIONS, _PYTHON_REFUSED),
        ),
        enrols=True,
    ),
    "mqtt.js": Stranger(
        "Node `mqtt` (mqtt.js) {version}",
        "tests/strangers/node/package.json",
        "5.16.0",
        node("mqtt_js.js"),
        (
            Way("8883", "MQTT, X.509", ("connect", "event", "twin"), NAMES),
            Way("WebSockets", "MQTT over WebSockets, X.509", ("connect", "event", "twin"), "`agent: new HttpsProxyAgent(…)`"),
        ),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Elsewhere:
    """A client that other tests here drive: what works, the line that it needs, and the test."""

    client: str
    shown: str
    works: str
    line: str
    module: str

    @property
    def test(self) -> str:
        """The file of the test."""
        return f"tests/strangers/{self.module}.py"


ELSEWHERE = (
    Elsewhere("az CLI", "hub, dps, certificate, role, keyvault, rest", "all that is tried", "", "test_az"),
    Elsewhere(
        "az extension `azure-iot` 0.25.0, in az 2.67",
        "identities, twins, modules, messages, simulate, monitor-events, state, enrollments, registrations",
        "all that is tried, where it is installed", f"nothing; monitor-events, device registration: {NAMES}", "test_az_extension",
    ),
    Elsewhere("Python `azure-identity`, `azure-mgmt-iothub` and others", "Resource Manager", "all that is tried", "", "test_sdk"),
    Elsewhere(
        "Python `azure-iot-device`", "MQTT, also over WebSockets", ", ".join(_MESSAGING[:4]), _PROXY_OPTIONS,
        "test_device_sessions",
    ),
    Elsewhere(
        "Python `azure-iot-hub`", "HTTPS, the back end's", "devices, modules, twins, query, configurations, jobs, digital twins", "",
        "test_devices",
    ),
    Elsewhere("Python `azure-iot-hub`", "AMQP", "cloud-to-device", f"{NAMES}; {_ROOTS}", "test_amqp"),
    Elsewhere("Python `azure-eventhub`", "AMQP over WebSockets", "events", "`http_proxy=…` and `connection_verify=…`", "test_amqp"),
    Elsewhere("Node `azure-iothub`", "HTTPS, the back end's", "registry, twins, modules, bulk, jobs", "`global-agent`", "test_devices"),
    Elsewhere(
        "Python `azure-iot-deviceprovisioning` 1.0.0b1", "HTTPS, a provisioning service's service API",
        "enrollments and groups, also in bulk, queries, registrations; by key and by Entra token", "", "test_enrollments",
    ),
    Elsewhere(
        "Node `azure-iot-provisioning-service`", "HTTPS, a provisioning service's service API",
        "enrollments and groups, in bulk, queries, registrations", "`global-agent`", "test_enrollments",
    ),
    Elsewhere("paho-mqtt", "MQTT, X.509", "connect, event", "`proxy_set` with HTTPS_PROXY's address", "test_devices"),
    Elsewhere("mosquitto_pub", "MQTT, X.509", "connect, event", NAMES, "test_devices"),
    Elsewhere("`openssl s_client`", "MQTT, X.509", "connect, event", "`-proxy`", "test_devices"),
)  # fmt: skip


def markdown() -> str:
    """The table of docs/clients.md."""
    lines = ["| client | way | works | beside `env` | test |", "|---|---|---|---|---|"]
    for stranger in STRANGERS.values():
        for way in stranger.ways:
            refused = "; refused: " + ", ".join(f"{each} (`{said}`)" for each, said in way.refused.items()) if way.refused else ""
            worked = ", ".join(each for each in way.operations if each not in way.refused)
            line = way.line or "nothing"
            client = stranger.client.format(version=stranger.version)
            lines.append(f"| {client} | {way.shown} | {worked}{refused} | {line} | `tests/strangers/test_samples.py` |")
    lines += [f"| {each.client} | {each.shown} | {each.works} | {each.line or 'nothing'} | `{each.test}` |" for each in ELSEWHERE]
    return "\n".join(lines)


if __name__ == "__main__":
    print(markdown())  # noqa: T201 - what the page shows
