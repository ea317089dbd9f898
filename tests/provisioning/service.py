"""A provisioning service's service API as a client sees it, in local Azure in this process."""

from dataclasses import dataclass, field
from typing import Any

from local_azure_iot.microsoft_devices import lifecycle
from tests.kit.hub_client import signature
from tests.local_azure.in_process import Answer, InProcess

VERSION = "2021-10-01"


@dataclass
class Service:
    """One service. Requests are signed by its first policy, unless another authorization is given."""

    azure: InProcess
    path: str
    authorization: str = field(default="")

    def __post_init__(self) -> None:
        """Sign requests by the owner's key."""
        self.authorization = self.authorization or self.signed("provisioningserviceowner")

    @property
    def name(self) -> str:
        """Its name."""
        return self.path.rpartition("/")[2]

    @property
    def host(self) -> str:
        """Its host name."""
        return f"{self.name}.azure-devices-provisioning.net"

    @property
    def key(self) -> str:
        """Its key in the store."""
        found = lifecycle.find_by_name(self.azure.azure, "AzureCloud", lifecycle.PROVISIONING, self.name)
        assert found
        return found[0]

    def signed(self, policy: str) -> str:
        """A signature by a policy's key."""
        keys = self.azure.must("POST", f"{self.path}/listkeys?api-version=2023-03-01-preview")["value"]
        key = next(each["primaryKey"] for each in keys if each["keyName"] == policy)
        return signature(self.host, policy, key, now=self.azure.azure.clock.timestamp())

    def ask(self, method: str, path: str, body: Any = None, *, version: str = VERSION, **headers: str) -> Answer:
        """One request; `if_match` becomes If-Match, and so on."""
        sent = {"host": self.host, "authorization": self.authorization, **headers}
        mark = "&" if "?" in path else "?"
        return self.azure.ask(method, f"{path}{mark}api-version={version}", body, **sent)

    def must(self, method: str, path: str, body: Any = None, *, version: str = VERSION, **headers: str) -> Any:
        """A request that has to succeed; returns its JSON."""
        answer = self.ask(method, path, body, version=version, **headers)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body.decode()}"
        return answer.json() if answer.body else None

    def refused(self, method: str, path: str, body: Any = None, *, version: str = VERSION, **headers: str) -> tuple[int, int]:
        """The status and the error code of a request that has to fail, in the service's envelope."""
        answer = self.ask(method, path, body, version=version, **headers)
        assert answer.status >= 400, f"{method} {path}: {answer.status} {answer.body.decode()}"
        found = answer.json()
        assert set(found) == {"errorCode", "trackingId", "message", "timestampUtc"}, found
        assert str(found["errorCode"]) == answer.headers["x-ms-error-code"]
        assert str(found["errorCode"])[:3] == str(answer.status)
        return answer.status, found["errorCode"]


def group(name: str, *certificates: str, **members: Any) -> dict[str, Any]:
    """A request for a group by signing certificates."""
    slots = {slot: {"certificate": text} for slot, text in zip(("primary", "secondary"), certificates, strict=False)}
    return {"enrollmentGroupId": name, "attestation": {"type": "x509", "x509": {"signingCertificates": slots}}, **members}


def by_key(name: str, **members: Any) -> dict[str, Any]:
    """A request for a group by symmetric keys."""
    return {"enrollmentGroupId": name, "attestation": {"type": "symmetricKey"}, **members}


def individual(name: str, *certificates: str, **members: Any) -> dict[str, Any]:
    """A request for an individual enrollment by client certificates; without any, by symmetric keys."""
    if not certificates:
        return {"registrationId": name, "attestation": {"type": "symmetricKey"}, **members}
    slots = {slot: {"certificate": text} for slot, text in zip(("primary", "secondary"), certificates, strict=False)}
    return {"registrationId": name, "attestation": {"type": "x509", "x509": {"clientCertificates": slots}}, **members}
