"""`start --names`: Azure's own ports, and a hosts file that follows what is created and deleted."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_azure_iot import hosts_file, installation
from local_azure_iot.store import Store
from tests.kit.azures_ports import may_listen, named_local_azure, preload
from tests.kit.local_azure import LocalAzure
from tests.kit.prerequisites import need


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """A local Azure with names."""
    with named_local_azure(tmp_path_factory.mktemp("names")) as found:
        yield found


def names(azure: LocalAzure) -> list[str]:
    """The names of the hosts file, each of which leads to local Azure's own address."""
    lines = [line.split() for line in Path(azure.ready["hosts_file"]).read_text().splitlines()]
    assert {address for address, _ in lines} == {azure.ready["mqtt"].removeprefix("mqtts://").partition(":")[0]}
    return [name for _, name in lines]


def test_the_file_follows_what_is_created_and_deleted(azure: LocalAzure) -> None:
    """The names of Azure's own services are always there; a hub, a provisioning service and a vault as long as they are."""
    own = set(names(azure))
    assert {"management.azure.com", "login.microsoftonline.com", "global.azure-devices-provisioning.net"} <= own
    hub, service = azure.hub(), azure.hub("provisioningServices")
    vault = azure.control("POST", "/vaults", {"name": "hosts-vault-1"})
    expected = {f"{hub.id.rpartition('/')[2]}.azure-devices.net", f"{service.id.rpartition('/')[2]}.azure-devices-provisioning.net"}
    endpoint = azure.ask("GET", hub.id).json()["properties"]["eventHubEndpoints"]["events"]["endpoint"]
    expected.add(endpoint.removeprefix("sb://").removesuffix("/"))  # of its events
    assert set(names(azure)) - own == {*expected, "hosts-vault-1.vault.azure.net"}, vault
    hub.delete_hub()
    assert f"{hub.id.rpartition('/')[2]}.azure-devices.net" not in names(azure)
    azure.control("POST", "/reset")
    assert set(names(azure)) == own


def test_a_client_that_knows_no_proxy(azure: LocalAzure, tmp_path: Path) -> None:
    """With `env` and one variable more, curl reaches a hub under its own name, without the proxy; without that variable it doesn't."""
    need(shutil.which("curl"), "curl is not installed")
    azure.log_in()
    host = f"{azure.hub().id.rpartition('/')[2]}.azure-devices.net"
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", f"https://{host}/devices/x?api-version=2021-04-12"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **installation.environment(azure.ready)}
    done = subprocess.run(command, env=environment | preload(), capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "IotHubUnauthorizedAccess" in done.stdout
    alone = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert "Could not resolve host" in alone.stderr


def test_a_command_with_names(tmp_path: Path) -> None:
    """`run --names -- COMMAND`: the command finds Azure's names on Azure's ports with nothing else; what it preloads itself stays."""
    need(
        may_listen(hosts_file.address(tmp_path)),
        "port 443 is for root alone here; `sysctl net.ipv4.ip_unprivileged_port_start=443` opens it",
    )
    own = preload()
    script = "import os, socket; print(socket.create_connection(('management.azure.com', 443)).getpeername()[0], os.environ['LD_PRELOAD'])"
    command = [sys.executable, "-m", "local_azure_iot", "run", "--names", "--strict", "--", sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"LD_PRELOAD": "libc.so.6"}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    address, *preloaded = done.stdout.split()
    assert address.startswith("127.77.")
    assert preloaded == [own["LD_PRELOAD"], "libc.so.6"]


def test_the_address_is_the_folders_own(tmp_path: Path) -> None:
    """The same at each start, one of a host's own; another folder has another one."""
    addresses = {hosts_file.address(tmp_path / str(number)) for number in range(50)}
    assert len(addresses) > 45
    assert all(address.startswith("127.77.") and 1 <= int(address.rpartition(".")[2]) <= 254 for address in addresses)
    assert hosts_file.address(tmp_path) == hosts_file.address(tmp_path)


def test_who_watches_is_told_after_the_transaction() -> None:
    """Once for each transaction that wrote such documents and was kept; not for others."""
    store, told = Store(None), []
    store.watch(frozenset({"hub"}), lambda: told.append(len(store.list("hub"))))
    with store.transaction():
        store.put("device", "a", {})
    with store.transaction():
        store.put("hub", "a", {})
        store.put("hub", "b", {})
    with pytest.raises(sqlite3.ProgrammingError), store.transaction():
        store.put("hub", "a", {}), store.put("hub", {}, {})  # type: ignore[arg-type]  # SQLite takes no such key
    with store.transaction():
        store.delete_under("hub", "b")
    with store.transaction():
        store.clear()
    store.close()
    assert told == [2, 1, 0]


def test_a_port_below_1024_says_who_may_use_it(tmp_path: Path) -> None:
    """Without the right to listen there, the error names the one line that gives it."""
    need(os.geteuid() == 0 and shutil.which("setpriv"), "only root can give up the right to listen on port 443, with setpriv")
    limit = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    need(limit > 443, "on this machine everybody may listen on port 443")
    command = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service", "--"]
    start = [sys.executable, "-m", "local_azure_iot", "start", "--names", "--data", str(tmp_path)]
    done = subprocess.run([*command, *start], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "run `sudo sysctl net.ipv4.ip_unprivileged_port_start=443` once" in done.stderr
