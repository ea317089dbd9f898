"""The server of `warm_start.py`: a process that has imported the packages of others, and forks when it is asked to."""

import atexit
import contextlib
import gc
import importlib
import io
import marshal
import os
import runpy
import selectors
import signal
import socket
import sys
import tempfile
import time
import warnings
from array import array
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PLUGINS = _ROOT / "sandbox/plugins/bin"
_IMPORTED = (
    "OpenSSL.SSL", "azure.core.pipeline.transport._requests_basic", "azure.identity",
    "azure.identity._internal.msal_managed_identity_client", "azure.keyvault.keys.crypto", "azure.mgmt.iothub.v2023_06_30",
    "azure.mgmt.iothubprovisioningservices", "cryptography.hazmat.backends.openssl.backend",
    "cryptography.hazmat.primitives.asymmetric.ec", "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.hazmat.primitives.ciphers.aead", "cryptography.hazmat.primitives.serialization.pkcs12", "cryptography.x509",
    "ctypes.util", "encodings.ascii", "encodings.utf_8_sig", "getpass", "google.protobuf.any_pb2", "grpc._channel", "grpc._server",
    "grpc._simple_stubs", "grpc.aio", "grpc.experimental", "httptools", "jwt", "lark", "lazy_loader", "netrc", "paho.mqtt.client",
    "pulumi.dynamic", "pulumi.runtime.mocks", "pulumi.runtime.proto.provider_pb2_grpc", "pulumi.runtime.proto.status_pb2",
    "pulumi.runtime.resource_hooks", "pulumi_azure_native.authorization", "pulumi_azure_native.iothub", "pulumi_azure_native.keyvault",
    "pulumi_azure_native.resources", "pulumi_policy", "pulumi_tls", "pwd", "pydantic.alias_generators", "requests", "sqlite3", "stamina",
    "starlette.applications", "starlette.routing", "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl", "uvloop",
)  # fmt: skip
# azure-native's packages import what they have when it is first used; these are the classes that programs here use.
_USED = (
    ("pulumi_azure_native.authorization", "RoleAssignment"), ("pulumi_azure_native.iothub", "IotHubResource"),
    ("pulumi_azure_native.keyvault", "Vault"), ("pulumi_azure_native.resources", "ResourceGroup"),
)  # fmt: skip
# Variables that are read when an interpreter or a library starts: a fork can't have others than the server. gRPC starts in the fork.
_READ_AT_START = ("PYTHON", "LD_", "OPENSSL_", "OTEL_", "COVERAGE_", "PROTOCOL_BUFFERS_")
_STARTED_WITH = dict(os.environ)
_SET_BY_IMPORTS = dict[str, str]()
_ENDED = list[int]()  # the exit code of a fork, once it is known
_MAY_DIFFER = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


@dataclass(frozen=True)
class _Asked:
    """A command to run, and what its process is to have."""

    argv: list[str]
    folder: str
    environment: dict[str, str]
    streams: tuple[int, ...]


@dataclass(frozen=True)
class _Start:
    """What an interpreter would run: a module, or the file or folder at a path; its arguments begin with it."""

    is_module: bool
    arguments: list[str]
    finds_its_own: bool = True  # whether the folder of the file, or for a module the current one, is on the import path


def _start_of(argv: list[str]) -> _Start | None:
    """What a command line of this interpreter, or of a stand-in plugin, runs; None for any other."""
    command = Path(argv[0]).absolute()
    if command.parent == _PLUGINS:
        return _Start(False, [str(_PLUGINS.with_name("launch.py")), command.name.removeprefix("pulumi-resource-"), *argv[1:]], False)
    if command.parent.parent.resolve() != Path(sys.prefix).resolve() or not command.name.startswith("python"):
        return None  # of another environment, or a program of this one that is no interpreter
    options, rest = (argv[1:2], argv[2:]) if argv[1:2] in (["-u"], ["-P"]) else ([], argv[1:])
    if len(rest) > 1 and rest[0] == "-m":
        return _Start(True, rest[1:], options != ["-P"])
    return _Start(False, rest) if rest and not rest[0].startswith("-") else None


def _of_the_start(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START) and name not in _MAY_DIFFER}


def _can_fork(asked: _Asked) -> bool:
    own = {_ROOT, _ROOT / "components"}
    paths = [Path(each).resolve() for each in asked.environment.get("PYTHONPATH", "").split(os.pathsep) if each]
    same = _of_the_start(asked.environment).items() - _SET_BY_IMPORTS.items() == _of_the_start(_STARTED_WITH).items()
    return _start_of(asked.argv) is not None and all(path in own for path in paths) and same


def _received(connection: socket.socket) -> _Asked:
    """What a child asks for: the length of the rest and its three streams in the first message, then marshalled data."""
    first, ancillary, _, _ = connection.recvmsg(8, socket.CMSG_SPACE(3 * 4))
    streams = array("i")
    for _, _, data in ancillary:
        streams.frombytes(data)
    try:
        argv, folder, environment = marshal.loads(_exactly(connection, int.from_bytes(first, "little")))  # noqa: S302 - from a child of the tests
    except (OSError, EOFError):
        for stream in streams:  # whoever reads the child's output waits until nobody has it open
            os.close(stream)
        raise
    return _Asked(argv, folder, environment, tuple(streams))


def _exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            raise EOFError  # the child was killed
        data += piece
    return data


def _become(asked: _Asked) -> None:
    """Give this fork what its command is to have."""
    os.setsid()
    for number, stream in enumerate(asked.streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(asked.folder)
    os.environ.clear()
    os.environ.update(_SET_BY_IMPORTS | asked.environment)
    time.tzset()
    tempfile.tempdir = None
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    sys.dont_write_bytecode = bool(asked.environment.get("PYTHONDONTWRITEBYTECODE"))
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
    for number, name in ((1, "stdout"), (2, "stderr")):
        raw = open(number, "wb", buffering=0, closefd=False)  # noqa: SIM115 - as long as the process
        # With -u there is no buffer below the text either.
        below = raw if "-u" in asked.argv[1:2] or asked.environment.get("PYTHONUNBUFFERED") else io.BufferedWriter(raw)
        stream = io.TextIOWrapper(below, encoding="utf-8", write_through=below is raw, line_buffering=number == 2)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _run(asked: _Asked) -> None:
    """Run the command in this process, as the interpreter would."""
    start = _start_of(asked.argv)
    assert start is not None  # it was asked before the fork
    sys.argv, sys.orig_argv = start.arguments, asked.argv
    what, is_plugin = start.arguments[0], Path(asked.argv[0]).parent == _PLUGINS
    if not is_plugin:  # they are started with -I
        sys.path[:0] = [each for each in asked.environment.get("PYTHONPATH", "").split(os.pathsep) if each]
        sys.executable = asked.argv[0]
    if start.finds_its_own and (start.is_module or not Path(what).is_dir()):  # a folder is added by what runs it
        sys.path.insert(0, asked.folder if start.is_module else str(Path(what).resolve().parent))
    try:
        if start.is_module:
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(what, run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            _ENDED.append(end.code or 0)
        raise
    _ENDED.append(0)


def _leave() -> None:
    """End a fork that has ended as usual: Python would take apart what it shares with the server, and copy it for that."""
    if _ENDED:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_ENDED[0])


class _Server:
    """Forks when it is asked to. Each child's connection is open for as long as its fork lives."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener, self._watched = listener, selectors.DefaultSelector()
        self._watched.register(listener, selectors.EVENT_READ, self._accept)
        self._watched.register(0, selectors.EVENT_READ, self._end)
        self._forks: dict[int, tuple[int, socket.socket]] = {}  # by its descriptor: process and connection

    def serve(self) -> _Asked:
        """Serve until the tests end, which ends this process; returns in each fork."""
        while True:
            for key, _ in self._watched.select():
                if self._watched.get_map().get(key.fd) is not key:  # its fork has ended, which was told at the same time
                    continue
                asked = key.data(key.fd)
                if asked is not None:
                    found: _Asked = asked
                    return found

    def _accept(self, _number: int) -> _Asked | None:
        connection, _ = self._listener.accept()
        try:
            asked = _received(connection)
        except (OSError, EOFError):
            connection.close()
            return None
        possible = _can_fork(asked)
        try:
            connection.sendall(b"y" if possible else b"n")
        except OSError:  # the child was killed meanwhile
            possible = False
        process = os.fork() if possible else -1
        if process == 0:
            self._watched.close()
            self._listener.close()
            connection.close()
            for descriptor, (_, other) in self._forks.items():
                os.close(descriptor)
                other.close()
            return asked
        for stream in asked.streams:
            os.close(stream)
        if process > 0:
            descriptor = os.pidfd_open(process)
            self._forks[descriptor] = process, connection
            self._watched.register(descriptor, selectors.EVENT_READ, self._reap)
            self._watched.register(connection, selectors.EVENT_READ, lambda _: self._hand_on(process, connection))
        else:
            connection.close()
        return None

    def _hand_on(self, process: int, connection: socket.socket) -> None:
        """Signals of the child; when the child was killed, its fork is."""
        try:
            numbers = connection.recv(16)
        except ConnectionResetError:  # it was killed before it read the answer
            numbers = b""
        if not numbers:
            self._watched.unregister(connection)
        for number in numbers or [signal.SIGKILL]:
            try:
                os.killpg(process, number)
            except ProcessLookupError:  # it has no session yet
                os.kill(process, number)

    def _reap(self, descriptor: int) -> None:
        process, connection = self._forks.pop(descriptor)
        self._watched.unregister(descriptor)
        os.close(descriptor)
        if connection in self._watched.get_map():
            self._watched.unregister(connection)
        _, status = os.waitpid(process, 0)
        with contextlib.suppress(OSError):  # the child was killed
            connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "little", signed=True))
        connection.close()

    def _end(self, _number: int) -> None:
        for process, _ in self._forks.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
        os._exit(0)


def main() -> None:
    """Import what takes long, then serve."""
    del sys.path[0]  # this file's folder: a fork must find what its command finds
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    atexit.register(_leave)  # before all others, so that it runs after them
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in _IMPORTED:
            importlib.import_module(name)
        for name, attribute in _USED:
            getattr(sys.modules[name], attribute)
        importlib.import_module("pydantic").create_model("First")  # looks for plugins among all installed packages, once in a process
    _SET_BY_IMPORTS.update({name: value for name, value in os.environ.items() if name not in _STARTED_WITH})
    gc.collect()
    gc.freeze()  # what is shared by all forks stays shared
    asked = _Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    _become(asked)
    _run(asked)


if __name__ == "__main__":
    main()
