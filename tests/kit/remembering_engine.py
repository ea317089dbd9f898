"""An engine in the test's own process that remembers what components register, instead of creating it."""

from typing import Any

from google.protobuf import json_format
from pulumi.runtime import mocks
from pulumi.runtime.rpc import UNKNOWN, _special_secret_sig, _special_sig_key

HUB = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/hub-7"
SERVICE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/provisioningServices/dps-7"
OPERATOR = "11111111-2222-3333-4444-555555555555"
PROVEN_AT = "2026-11-24T03:19:06Z"
TOKEN = "0123456789abcdef"
LINK = "HostName=hub-7.azure-devices.net;SharedAccessKeyName=hubtrust-dps-7;SharedAccessKey=KEY-MARK"
_HUB_TYPE = "azure-native:iothub:IotHubResource"
VAULT = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/plant-vault"
_SERVICE_TYPE = "azure-native:deviceprovisioningservices:IotDpsResource"
_IDS = {_HUB_TYPE: HUB, _SERVICE_TYPE: SERVICE, "azure-native:keyvault:Vault": VAULT}


class Engine(mocks.Mocks):
    """Remembers every registration, and answers with ids and outputs as an engine would."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.every: list[Any] = []
        self.crossed: dict[tuple[str, str], Any] = {}  # by type and name
        self.sent: dict[tuple[str, str], dict[str, Any]] = {}  # the inputs by type and name as they are on the wire
        self.client = "c"
        self.properties: dict[str, Any] | None = {"hostName": "hub-7.azure-devices.net", "idScope": "0ne00CAF894"}
        known = dict.fromkeys(("certificateName", "thumbprint", "sha256", "subject", "notAfter"), "known")
        self.certificate: dict[str, Any] = {"state": "verified", "proof": "possession", "etag": "E1", "provenAt": PROVEN_AT, **known}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Record the registration, and return its outputs."""
        self.names.add(args.name)
        self.every.append(args)
        outs = {"properties": self.properties, "certificate": "PEM", "chain": "PEM", "certPem": "PEM"}
        keys = {
            "privateKeyPem": "KEY",
            "publicKeyPem": "PUBLIC",
            "certRequestPem": "CSR",
            "token": TOKEN,
            "connectionString": LINK,
            "log": "LOG",
            "rootHash": "ROOT",
            **self.certificate,
        }
        return _IDS.get(args.typ, f"{args.name}-id"), {**args.inputs, "name": args.name, **outs, **keys}

    def call(self, _args: mocks.MockCallArgs) -> dict[Any, Any]:
        """The only function that is called: who runs the program."""
        return {"objectId": OPERATOR, "clientId": self.client, "subscriptionId": "s", "tenantId": "t"}

    @property
    def registered(self) -> set[str]:
        """The types of which there is a resource."""
        return {args.typ for args in self.every}

    def request(self, kind: str, name: str | None = None) -> Any:
        """The registration request of the resource: parent, protect, deletedWith. Without a name, of the only one of this type."""
        return self.crossed[kind, self._name(kind, name)]

    def named(self, kind: str, name: str) -> dict[str, Any]:
        """The inputs on the wire of one resource of this type: what is a secret or unknown is marked (``is_secret``, ``is_unknown``)."""
        return self.sent[kind, name]

    def inputs(self, kind: str, name: str | None = None) -> dict[str, Any]:
        """The inputs of the resource as they were last registered. Without a name, of the only one of this type."""
        asked = self._name(kind, name)
        found: dict[str, Any] = next(args.inputs for args in reversed(self.every) if (args.typ, args.name) == (kind, asked))
        return found

    def _name(self, kind: str, name: str | None) -> str:
        """Resources that do not depend on each other are registered in any order: which one of several is the last, nobody knows."""
        names = sorted({args.name for args in self.every if args.typ == kind})
        assert name in names if name else len(names) == 1, f"of type {kind} there are {names}, and {name or 'the only one'} was asked for"
        return name or names[0]

    def forget(self) -> None:
        """As if nothing had been registered."""
        for remembered in (self.names, self.every, self.crossed, self.sent):
            remembered.clear()


class Monitor(mocks.MockMonitor):
    """Keeps each registration request: parent, protect and deletedWith don't reach the mocks."""

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's own name
        """Record the request, then register."""
        self.mocks.crossed[request.type, request.name] = request
        self.mocks.sent[request.type, request.name] = json_format.MessageToDict(request.object)
        return super().RegisterResource(request)


def is_secret(value: Any) -> bool:
    """Whether a value on the wire is marked as a secret."""
    return isinstance(value, dict) and value.get(_special_sig_key) == _special_secret_sig


def is_unknown(value: Any) -> bool:
    """Whether a value on the wire is one that is not known yet."""
    return bool(value == UNKNOWN)
