"""One case's piece of Azure: a hub of its own, what was asked there, and the fault that waits there."""

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
    """An HTTP call of an operation, named so that it can be found again on another hub.

    ``path`` is within the hub, with * for what differs each time; ``nth`` counts the same method and path within the run.
    """

    method: str
    host: str  # arm, login, hub (the hub's own) or vault
    path: str
    nth: int


@dataclass
class CaseHub:
    """``deadline`` is the provider's input, in seconds; with ``login`` the calls for tokens count too: then no other case may run."""

    hub: Hub
    control: httpx.Client
    deadline: float = 20.0
    login: bool = False
    stack: Stack = field(default_factory=Stack)
    _seen: int = 0

    @property
    def azure(self) -> LocalAzure:
        """The Azure that the hub is in."""
        return self.hub.azure

    @property
    def name(self) -> str:
        """The hub's name: in the host or the path of every call that is about it."""
        return self.hub.id.rpartition("/")[2]

    @property
    def host(self) -> str:
        """The hub's own host."""
        return f"{self.name}.azure-devices.net".lower()

    @property
    def hosts(self) -> dict[str, str]:
        """What each kind of host looks like; every other name is Resource Manager's."""
        return {"hub": self.host, "login": f"{_LOGIN}*", "vault": f"{self.name}.vault.azure.net".lower()}

    def forget(self) -> None:
        """Begin a new log."""
        if self.login:
            self.control.delete("/requests").raise_for_status()
        self._seen = len(self._entries())

    def heal(self) -> None:
        """Take the faults away."""
        for about in (self.name, _LOGIN) if self.login else (self.name,):
            self.control.delete("/faults", params={"about": about}).raise_for_status()

    def log(self) -> list[dict[str, Any]]:
        """The requests about this hub since ``forget``, but for those that this side made to look."""
        return [entry for entry in self._entries()[self._seen :] if not entry["path"].endswith(("/certificates", "/listkeys"))]

    def _entries(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        for about in (self.name, _LOGIN) if self.login else (self.name,):
            entries += self.control.get("/requests", params={"about": about}).raise_for_status().json()
        return entries

    def calls(self) -> list[Call]:
        """The log as calls that can be found again; of some that are made side by side the order is chance, so they come by path."""
        seen = list[Call]()
        for entry in self.log():
            asked = entry["host"].lower().partition(":")[0]
            host = next((kind for kind, name in self.hosts.items() if fnmatch.fnmatchcase(asked, name)), "arm")
            path = entry["path"][len(self.hub.id) :] if host == "arm" else entry["path"]
            nth = 1 + sum(fnmatch.fnmatchcase(path, call.path) and call.method == entry["method"] for call in seen)
            seen.append(Call(entry["method"], host, _GUID.sub("*", path), nth))
        siblings = itertools.groupby(seen, lambda call: (call.method, call.host, call.path.rpartition("/")[0]))
        return [call for _, together in siblings for call in sorted(together)]

    def plant(self, fault: Fault, call: Call, *, lasting: bool) -> None:
        """Let ``fault`` strike ``call``; with ``lasting`` also every try of it after that."""
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
