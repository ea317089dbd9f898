"""The ready file: where a running local Azure is, and the credentials for it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Ready:
    """The addresses and credentials of a running local Azure: the content of the ready file."""

    arm: str
    mqtt: str
    amqp: str  # empty where AMQP's library is not installed
    proxy: str
    control: str
    control_token: str  # what the control port wants as `Authorization: Bearer`; another one at each start
    ca_file: str
    bundle_file: str
    java_file: str
    az_folder: str  # where the az CLI keeps its logins here
    data: str | None  # the folder of its data; None: nothing is kept
    hosts_file: str | None  # the names that it serves as hosts(5), with `--names`
    tenant_id: str
    client_id: str
    client_secret: str
    subscription_id: str
    pid: int


def write(path: Path, ready: Ready) -> None:
    """Written atomically and readable by the owner only: it holds the client secret and the control port's token."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(vars(ready), file, indent=2)
    partial.replace(path)
