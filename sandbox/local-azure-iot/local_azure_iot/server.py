"""Starts and runs one local Azure: HTTPS, MQTT and AMQP under Azure's names, the proxy that leads to them, the control port."""

from __future__ import annotations

import asyncio
import errno
import json
import math
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_azure_iot import control, faults, host_names, hosts_file, tls_identity, tls_stream
from local_azure_iot.amqp import availability
from local_azure_iot.clock import Clock
from local_azure_iot.control_access import ControlAccess
from local_azure_iot.https_application import HttpsApplication
from local_azure_iot.hub_registry import job_runs, registry_transfer
from local_azure_iot.key_vault import vaults
from local_azure_iot.listener import HttpServer
from local_azure_iot.local_azure import Azure
from local_azure_iot.login import principals
from local_azure_iot.login.tokens import TokenIssuer
from local_azure_iot.mqtt.plane import Plane
from local_azure_iot.mqtt.session import Session
from local_azure_iot.proxy import Proxy
from local_azure_iot.settings import Settings
from local_azure_iot.store import Store
from local_azure_iot.tls_transport import TlsServer
from local_azure_iot.web_sockets import WebSockets

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from local_azure_iot.amqp.plane import AmqpPlane


_SHORTEST_TOKEN = 16


_AMQP_SUBPROTOCOL = "AMQPWSB10"


class CannotStartError(Exception):
    """Local Azure can't start; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `local-azure-iot start` takes. A port of 0 means any free one."""

    host: str = "127.0.0.1"
    listen: str | None = None  # an address that other machines reach, instead of `host`
    known_as: tuple[str, ...] = ()  # names by which clients then call the control port
    control_token: str | None = None  # None: a random one
    port: int = 8443
    mqtt_port: int = 8883
    amqp_port: int = 5671
    proxy_port: int = 8080
    control_port: int = 8444
    names: bool = False  # write a hosts file with the names of what it serves
    data: Path | None = None  # None: nothing is kept
    ready_file: Path | None = None
    hostile: str = ""
    settings: Settings = field(default_factory=Settings)
    idle_seconds: float = 60.0  # until a connection ends whose client owes something: a handshake, a request, a CONNECT
    stop_at_eof: bool = False  # stop when standard input ends
    clock: datetime | None = None  # local Azure's time at its start; None: the machine's time


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
    hosts_file: str | None  # the names that it serves as hosts(5), with `--names`
    tenant_id: str
    client_id: str
    client_secret: str
    subscription_id: str
    pid: int


def serve(options: Options, on_ready: Callable[[Ready], None]) -> None:
    """Run local Azure until it is asked to stop (SIGINT or SIGTERM).

    Raises:
        CannotStartError: A port is taken, the host is not loopback, or the data folder is not usable.
    """
    _loopback_only(options)
    if not 0 < options.idle_seconds < math.inf:
        raise CannotStartError(f"--idle-seconds can't be {options.idle_seconds:g}; give a number of seconds above 0")
    scratch = None if options.data else Path(tempfile.mkdtemp(prefix="local-azure-iot-"))
    folder = options.data or scratch
    if folder is None:  # pragma: no cover - one of the two is always there
        raise CannotStartError("no data folder")
    try:
        with asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(_serve(options, folder, on_ready))
    finally:
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)
        if options.ready_file:
            options.ready_file.unlink(missing_ok=True)


def _loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


def _loopback_only(options: Options) -> None:
    if not host_names.is_loopback(options.host):
        raise CannotStartError(
            f"local Azure listens on loopback only, and '{options.host}' is not; leave --host out or give an address in 127.0.0.0/8; "
            "--listen opens it to other machines"
        )
    if options.listen is not None and not host_names.is_address(options.listen):
        raise CannotStartError(f"--listen takes an IP address, and '{options.listen}' is none; 0.0.0.0 is every address of this machine")
    if options.known_as and options.listen is None:
        raise CannotStartError("--known-as names the control port for other machines, and only --listen opens it to them; give both")
    if options.listen is not None and options.names:
        raise CannotStartError("--names writes loopback addresses, and with --listen clients are elsewhere; leave one of the two out")
    if options.control_token is not None and len(options.control_token) < _SHORTEST_TOKEN:
        raise CannotStartError(
            f"the control port's token has fewer than {_SHORTEST_TOKEN} characters; make one with `openssl rand -hex 32`"
        )


def _names(options: Options) -> frozenset[str] | None:
    """The names that the control port has beside loopback's; None: it has no others, not even this machine's addresses."""
    return None if options.listen is None else frozenset(name.lower() for name in options.known_as)


def _reached(sock: socket.socket) -> tuple[str, int]:
    """Where this machine reaches a listener: one that listens on every address is on loopback too."""
    host, port = sock.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port


async def _serve(options: Options, folder: Path, on_ready: Callable[[Ready], None]) -> None:
    identity, application, store = _create_azure(options, folder)
    hosts = _keep_hosts_file(options, folder, store)
    listeners = [
        _listen(options.listen or options.host, port, flag)
        for port, flag in (
            (options.port, "--port"),
            (options.control_port, "--control-port"),
            (options.proxy_port, "--proxy-port"),
            (options.mqtt_port, "--mqtt-port"),
        )
    ]
    https_socket, control_socket, proxy_socket, mqtt_socket = listeners
    amqp_socket = _listen(options.listen or options.host, options.amqp_port, "--amqp-port") if availability.available() else None
    plane = Plane(application.azure)
    stop = asyncio.Event()
    _on_signals(stop)
    if options.stop_at_eof:
        _on_end_of_input(stop)
    published: dict[str, Any] = {}
    token = options.control_token or secrets.token_urlsafe(32)
    control_port = ControlAccess(control.operations(application, plane, published), token, _names(options))
    idle = options.idle_seconds
    servers = [
        HttpServer(application, tls_stream.context(identity, host_names.takes_client_certificates), idle),
        HttpServer(control_port, None, idle),
    ]
    proxy = Proxy(
        https=_reached(https_socket),
        mqtt=_reached(mqtt_socket),
        amqp=_reached(amqp_socket) if amqp_socket else None,
        idle_seconds=idle,
        resolves=lambda destination: vaults.resolves(application.azure, destination),
    )
    connect = await asyncio.start_server(proxy.serve, sock=proxy_socket, limit=16 * 1024)
    amqp_plane, amqp = _amqp_plane(plane, idle) if amqp_socket else (None, None)
    application.web_sockets = _web_sockets(lambda: Session(plane, idle), amqp)
    context = tls_stream.context(identity)
    loop = asyncio.get_running_loop()
    mqtts = TlsServer(lambda: Session(plane, idle), context, idle, plane.refused)
    listening = [await loop.create_server(mqtts, sock=mqtt_socket, backlog=1024)]
    if amqp and amqp_socket:
        amqps = TlsServer(amqp, context, idle, plane.refused)
        listening.append(await loop.create_server(amqps, sock=amqp_socket, backlog=1024))
    tasks = [
        asyncio.create_task(server.serve(sockets=[sock])) for server, sock in zip(servers, (https_socket, control_socket), strict=True)
    ]
    job_runs.resume(application.azure)
    registry_transfer.resume(application.azure)
    try:
        await _started(servers, tasks)
        ready = _ready(
            application, identity, hosts, control_port.token, https_socket, control_socket, proxy_socket, mqtt_socket, amqp_socket
        )
        published.update(vars(ready))
        if options.ready_file:
            _write_ready(options.ready_file, ready)
        on_ready(ready)
        await stop.wait()
    finally:
        connect.close()
        for each in listening:
            each.close()
        plane.close()
        if amqp_plane:
            amqp_plane.close()
        for task in tuple(proxy.connections):
            task.cancel()
        for server in servers:
            server.should_exit = server.force_exit = True
        await asyncio.gather(*tasks, return_exceptions=True)
        store.close()


def _amqp_plane(plane: Plane, idle: float) -> tuple[AmqpPlane, Callable[[], asyncio.Protocol]]:
    """What AMQP's connections share, and what makes one. Its modules are loaded here, because they need a library that may be absent."""
    from local_azure_iot.amqp.plane import AmqpPlane
    from local_azure_iot.amqp.session import AmqpSession

    amqp_plane = AmqpPlane(plane.azure, plane.log_attempt)
    return amqp_plane, lambda: AmqpSession(amqp_plane, idle)


def _web_sockets(mqtt: Callable[[], asyncio.Protocol], amqp: Callable[[], asyncio.Protocol] | None) -> WebSockets:
    """A hub's and an event hub's WebSockets; the subprotocols are those that Microsoft's clients ask for."""
    endpoints = {"/$iothub/websocket": {"mqtt": mqtt}}
    if amqp is None:
        return WebSockets(endpoints, {_AMQP_SUBPROTOCOL.lower(): availability.MISSING})
    endpoints["/$iothub/websocket"][_AMQP_SUBPROTOCOL] = amqp
    return WebSockets({**endpoints, "/$servicebus/websocket": {_AMQP_SUBPROTOCOL: amqp}})


def _create_azure(options: Options, folder: Path) -> tuple[tls_identity.ServerIdentity, HttpsApplication, Store]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        identity = tls_identity.ensure(folder, options.host)
        store = Store(folder / "azure.sqlite" if options.data else None)
    except OSError as error:
        raise CannotStartError(f"the data folder '{folder}' can't be used: {error.strerror}; give another with --data") from error
    clock = Clock()
    if options.clock:
        clock.set(options.clock)
    with store.transaction():
        directory = principals.directory(store)
        tokens = TokenIssuer(store, clock, directory.tenant_id)
        azure = Azure(
            store=store, clock=clock, tokens=tokens, subscription_id=directory.subscription_id, settings=options.settings,
            trusted_file=identity.bundle_file,
        )  # fmt: skip
        application = HttpsApplication(azure, faults.Faults(faults.parse(options.hostile)))
        control.grant_deployer(azure)
    return identity, application, store


def _keep_hosts_file(options: Options, folder: Path, store: Store) -> Path | None:
    """Write the hosts file, if it is wanted, now and whenever a name comes or goes."""
    file = folder / "hosts"
    file.unlink(missing_ok=True)  # of an earlier start, perhaps at another address
    if not options.names:
        return None
    hosts_file.write(file, options.host, store)
    store.watch(hosts_file.KINDS, lambda: hosts_file.write(file, options.host, store))
    return file


def _listen(host: str, port: int, flag: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        remedy = f"stop what uses it or choose another with {flag} (0: any free one)"
        if error.errno == errno.EACCES:  # ip(7), ip_unprivileged_port_start
            remedy = f"run `sudo sysctl net.ipv4.ip_unprivileged_port_start={port}` once, start as root, or choose another with {flag}"
        raise CannotStartError(f"port {port} of {host} can't be used: {error.strerror}; {remedy}") from error
    sock.listen(1024)
    sock.setblocking(False)
    return sock


async def _started(servers: list[HttpServer], tasks: list[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        for task in tasks:
            if task.done():
                task.result()
        await asyncio.sleep(0.001)


def _on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)


def _on_end_of_input(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            ended = not os.read(sys.stdin.fileno(), 4096)
        except OSError:  # a terminal that is gone
            ended = True
        if ended:
            loop.remove_reader(sys.stdin.fileno())
            stop.set()

    try:
        loop.add_reader(sys.stdin.fileno(), read)
    except OSError as error:  # a file on a disk has no end that could be waited for
        raise CannotStartError(
            f"--stop-at-eof needs a pipe as standard input: {error.strerror}; start it from a program, or leave it out"
        ) from error


def _ready(
    application: HttpsApplication,
    identity: tls_identity.ServerIdentity,
    hosts: Path | None,
    control_token: str,
    https_socket: socket.socket,
    control_socket: socket.socket,
    proxy_socket: socket.socket,
    mqtt_socket: socket.socket,
    amqp_socket: socket.socket | None,
) -> Ready:
    def url(scheme: str, sock: socket.socket) -> str:
        host, port = _reached(sock)
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    directory = principals.directory(application.azure.store)
    deployer = principals.find(application.azure.store, directory.client_id)
    if deployer is None:
        raise CannotStartError("the data folder holds a tenant without its application; delete the folder, or give another with --data")
    return Ready(
        arm=url("https", https_socket),
        mqtt=url("mqtts", mqtt_socket),
        amqp=url("amqps", amqp_socket) if amqp_socket else "",
        proxy=url("http", proxy_socket),
        control=url("http", control_socket),
        control_token=control_token,
        ca_file=str(identity.ca_file),
        bundle_file=str(identity.bundle_file),
        java_file=str(identity.java_file),
        az_folder=str(identity.ca_file.with_name("az")),
        hosts_file=str(hosts) if hosts else None,
        tenant_id=directory.tenant_id,
        client_id=deployer.client_id,
        client_secret=deployer.secret,
        subscription_id=directory.subscription_id,
        pid=os.getpid(),
    )


def _write_ready(path: Path, ready: Ready) -> None:
    """Written atomically and readable by the owner only: it holds the client secret and the control port's token."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(vars(ready), file, indent=2)
    partial.replace(path)
