"""Stands for a process that a warm server forks: `python -I -S warm_child.py COMMAND …` (see `warm_start.py`).

It imports next to nothing. Where the server can't fork the command, it runs it in its place, as the engine's `child_process.py` does.
"""

import _socket
import marshal
import os
import signal
import sys


def _asked() -> "_socket.socket | None":
    """A connection on which the server has forked; None where it can't."""
    connection = _socket.socket(_socket.AF_UNIX)
    try:
        connection.connect(f"\0hubtrust-warm-start-{os.environ.get('HUBTRUST_WARM_START') or os.getppid()}")
    except OSError:
        return None  # started by another process than the tests' own
    data = marshal.dumps((sys.argv[1:], os.getcwd(), dict(os.environ)))  # noqa: PTH109 - pathlib takes longer than all else here
    streams = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
    connection.sendmsg([len(data).to_bytes(8, "little")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
    sent = 0
    while sent < len(data):
        sent += connection.send(data[sent:])
    return connection if connection.recv(1) == b"y" else None


def main() -> None:
    """Wait for the fork, hand on signals to it, and end as it does."""
    connection = _asked()
    if connection is None:
        command = [
            sys.executable,
            "-I",
            "-S",
            f"{__file__.rpartition('/tests/')[0]}/sandbox/engine/providers/child_process.py",
            *sys.argv[1:],
        ]
        os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda which, _: connection.send(bytes([which])))
    for number in range(3):
        os.close(number)
    status = connection.recv(4)
    code = int.from_bytes(status, "little", signed=True) if status else 1
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


main()
