"""Starts Python processes as forks of one that has imported the packages of others: these imports are most of what a short process costs.

`started_warm` gives the command to start instead. It is a small process (`warm_child.py`) that stays for as long as the real one lives:
it hands on signals, and ends as that does. The real one is a fork of the server in `warm_server.py`, which has imported the packages of
others and nothing of this project: that is imported anew each time, from where the command says. It has its own environment, folder,
session, standard streams and command line.

The stand-in plugins are forked in the same way. A command that needs more than this is run as usual: another interpreter, other options,
or variables that an interpreter or OpenSSL reads when it starts. So is each command that a test starts without this file; an engine among
them starts its programs and plugins as a user's does.
"""

import atexit
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from sandbox.engine.providers import plugins

_SERVER, _CHILD, _ENGINE, _SANDBOX = (Path(__file__).with_name(f"warm_{name}.py") for name in ("server", "child", "engine", "sandbox"))
_ENVIRONMENT = dict(os.environ)  # before a test sets a variable
_SERVERS: dict[int, "subprocess.Popen[bytes]"] = {}  # by the process that has started it


def started_warm(command: Sequence[str]) -> list[str]:
    """The command that starts ``command``, a Python program, from the server of this process; it must be started by this process."""
    start_server()
    return [sys.executable, "-I", "-S", str(_CHILD), *command]


def warm_engine() -> list[str]:
    """The command of the embedded engine for a shell, a script or a process that the tests start; its children start warm as well."""
    return _from_anywhere(_ENGINE)


def warm_sandbox() -> list[str]:
    """The command `python -m sandbox` for a process that the tests start; local Azure and the engine's children start warm as well."""
    return _from_anywhere(_SANDBOX)


def warm_script(script: Path) -> list[str]:
    """The command of a Python file of the tests, for a shell, a script or a process that the tests start."""
    return _from_anywhere(script)


def _from_anywhere(script: Path) -> list[str]:
    return ["env", f"HUBTRUST_WARM_START={os.getpid()}", *started_warm([sys.executable, str(script)])]


@contextmanager
def warm_children() -> Iterator[None]:
    """The engine starts its children (the program, its dynamic providers, policy packs) from the server, for as long as the block lasts."""
    start_server()
    with patch.object(plugins, "_CHILD", _CHILD):
        yield


def start_server() -> None:
    """Start this process's server, once; it ends with this process."""
    if os.getpid() in _SERVERS or sys.platform != "linux":  # elsewhere each child finds no server, and starts as usual
        return
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0hubtrust-warm-start-{os.getpid()}")
    listener.listen(64)
    process = subprocess.Popen(
        [sys.executable, str(_SERVER), str(listener.fileno())],
        pass_fds=[listener.fileno()],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd=_SERVER.parent,
        env=_ENVIRONMENT,
    )
    listener.close()
    _SERVERS[os.getpid()] = process
    atexit.register(_stop, process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    process.stdin.close()
    process.wait()
