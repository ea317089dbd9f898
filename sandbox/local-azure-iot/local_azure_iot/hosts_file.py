"""The names of what local Azure serves as a hosts file (hosts(5)), for clients that know no proxy: `start --names`.

A hosts file has no wildcards: it has a line for each hub, provisioning service and vault, written before their creation is answered.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from local_azure_iot.host_names import CLOUDS, event_hub
from local_azure_iot.key_vault.vaults import VAULT
from local_azure_iot.microsoft_devices.lifecycle import HUB, PROVISIONING

if TYPE_CHECKING:
    from pathlib import Path

    from local_azure_iot.store import Store

KINDS = frozenset({HUB.document, PROVISIONING.document, VAULT})  # the documents whose names are hosts


def address(folder: Path) -> str:
    """The loopback address of a local Azure with this data folder: the same at each start, and seldom that of another folder."""
    digest = hashlib.sha256(str(folder).encode()).digest()
    return f"127.77.{digest[0]}.{1 + digest[1] % 254}"


def write(path: Path, host: str, store: Store) -> None:
    """Write the file anew, in one step: a client that reads it meanwhile gets the old one or the new one."""
    partial = path.with_name(f".{path.name}")
    partial.write_text("".join(f"{host} {name}\n" for name in names(store)), encoding="ascii")
    partial.replace(path)


def names(store: Store) -> list[str]:
    """The names of each cloud's own services, then those of what was created and is not being deleted, oldest first."""
    found = [name for cloud in CLOUDS for name in (cloud.arm, *cloud.login, cloud.device_provisioning)]
    services = [service for kind in (HUB, PROVISIONING) for service in store.list(kind.document)]
    there = [each for each in services if not each.get("operation") or each["operation"]["what"] != "delete"]
    found += [each["hostName"] for each in there] + [event_hub(each["cloud"], each["namespace"]) for each in there if "namespace" in each]
    suffixes = {cloud.name: cloud.key_vault_suffix for cloud in CLOUDS}
    found += [f"{vault['name']}.{suffixes[vault['cloud']]}" for vault in store.list(VAULT) if not vault["deleted"]]
    return [name.lower() for name in found]
