"""The hub of one test case: its request log, and the fault that is set for it."""

import fnmatch
import itertools
import re
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.faults.fault import Fault
from tests.faults.stack import Stack
from tests.kit.local_azure import Hub, LocalAzure

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}", re.IGNORECASE)
_LOGIN = "login.microsoftonline"


@dataclass(frozen=True, order=True)
class Call:
    """An HTTP call of an operation, described so that the same call can be found on another hub.

    ``path`` is relative to the hub, with * for what differs each time; ``nth`` counts calls with this method and path within the run.
    """

    method: str
    host: str  # arm, login, hub (the hub's own), dps (the provisioning service's own) or vault
    path: str
    nth: int


@dataclass
class CaseHub:
    """``deadline`` is the provider's input, in seconds. With ``login``, calls for tokens count too, and no other case may run meanwhile."""

    hub: Hub
    control: httpx.Client
    deadline: float = 20.0
    login: bool = False
    stack: Stack = field(default_factory=Stack)
    _seen: int = 0

    @property
    def azure(self) -> LocalAzure:
        """The local Azure that has the hub."""
        return self.hub.azure

    @property
    def name(self) -> str:
        """The hub's name. It is in the host or the path of each of its calls."""
        return self.hub.id.rpartition("/")[2]

    @property
    def host(self) -> str:
        """The hub's host name."""
        return f"{self.name}.azure-devices.net".lower()

    @property
    def hosts(self) -> dict[str, str]:
        """The pattern of each kind of host; every other name is Resource Manager's."""
        return {
            "hub": self.host,
            "dps": f"{self.name}.azure-devices-provisioning.net".lower(),
            "login": f"{_LOGIN}*",
            "vault": f"{self.name}.vault.azure.net".lower(),
        }

    def forget(self) -> None:
        """Start a new log."""
        if self.login:
            self.control.delete("/requests").raise_for_status()
        self._seen = len(self._entries())

    def heal(self) -> None:
        """Remove the faults."""
        for about in (self.name, _LOGIN) if self.login else (self.name,):
            self.control.delete("/faults", params={"about": about}).raise_for_status()

    def clear(self) -> None:
        """Forget this hub's requests: each look at the log reads all of it, other cases' too."""
        self.control.delete("/requests", params={"about": self.name}).raise_for_status()

    def log(self, *, by_tests: bool = False) -> list[dict[str, Any]]:
        """The requests about this hub since ``forget``, without those that the tests made at Resource Manager."""
        return [entry for entry in self._entries()[self._seen :] if by_tests or not entry["host"].startswith("127.0.0.1")]

    def _entries(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        for about in (self.name, _LOGIN) if self.login else (self.name,):
            entries += self.control.get("/requests", params={"about": about}).raise_for_status().json()
        return entries

    def calls(self) -> list[Call]:
        """The log as calls. Concurrent calls have no fixed order, so they are sorted by path."""
        seen = list[Call]()
        for entry in self.log():
            asked = entry["host"].lower().partition(":")[0]
            host = next((kind for kind, name in self.hosts.items() if fnmatch.fnmatchcase(asked, name)), "arm")
            path = entry["path"][len(self.hub.id) :] if host == "arm" else entry["path"]
            nth = 1 + sum(fnmatch.fnmatchcase(path, call.path) and call.method == entry["method"] for call in seen)
            seen.append(Call(entry["method"], host, _GUID.sub("*", path), nth))
        siblings = itertools.groupby(seen, lambda call: (call.method, call.host, call.path.rpartition("/")[0]))
        return [call for _, together in siblings for call in sorted(together)]

    def inject(self, fault: Fault, call: Call, *, lasting: bool) -> None:
        """Make ``call`` fail with ``fault``; with ``lasting``, every retry of it too."""
        rule: dict[str, Any] = {
            "fault": fault.kind,
            "when": fault.when,
            "method": call.method,
            "host": self.hosts.get(call.host, "*"),
            "path": f"{self.hub.id}{call.path}" if call.host == "arm" else call.path,
            "since" if lasting else "nth": call.nth,
        }
        rule |= {"retry_after": fault.retry_after} if fault.retry_after is not None else {}
        self.control.post("/faults", json=rule).raise_for_status()
