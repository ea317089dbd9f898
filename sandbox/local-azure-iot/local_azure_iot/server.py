"""Starts and runs one local Azure: HTTPS, MQTT and AMQP under Azure's names, the proxy that leads to them, the control port."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_azure_iot import (
    control,
    faults,
    host_names,
    hosts_file,
    ready_file,
    server_options,
    sockets,
    stop_signals,
    tls_identity,
    tls_stream,
)
from local_azure_iot.amqp import availability
from local_azure_iot.checkpoints import Checkpoints
from local_azure_iot.clock import Clock
from local_azure_iot.control_access import ControlAccess
from local_azure_iot.host_names import Endpoint
from local_azure_iot.https_application import HttpsApplication
from local_azure_iot.hub_registry import configuration_passes, job_runs, registry_transfer
from local_azure_iot.key_vault import vaults
from local_azure_iot.listener import HttpServer
from local_azure_iot.local_azure import Azure
from local_azure_iot.login import principals
from local_azure_iot.login.tokens import TokenIssuer
from local_azure_iot.microsoft_devices import lifecycle
from local_azure_iot.mqtt.plane import Plane
from local_azure_iot.mqtt.session import Session
from local_azure_iot.provisioning import registrations, under_way
from local_azure_iot.proxy import Proxy
from local_azure_iot.ready_file import Ready
from local_azure_iot.server_options import CannotStartError
from local_azure_iot.store import Store
from local_azure_iot.tls_transport import TlsServer
from local_azure_iot.web_sockets import WebSockets

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_azure_iot.amqp.plane import AmqpPlane
    from local_azure_iot.server_options import Options
    from local_azure_iot.sockets import Sockets

_AMQP_SUBPROTOCOL = "AMQPWSB10"
_DATABASE = "azure.sqlite"


def serve(options: Options, on_ready: Callable[[Ready], None]) -> None:
    """Run local Azure until it is asked to stop (SIGINT or SIGTERM).

    Raises:
        CannotStartError: A port is taken, the host is not loopback, or the data folder is not usable.
    """
    server_options.check(options)
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


def _names(options: Options) -> frozenset[str] | None:
    """The names that the control port has beside loopback's; None: it has no others, not even this machine's addresses."""
    return None if options.listen is None else frozenset(name.lower() for name in options.known_as)


async def _serve(options: Options, folder: Path, on_ready: Callable[[Ready], None]) -> None:
    identity, application, store = _create_azure(options, folder)
    with Checkpoints(folder / _DATABASE):
        await _serve_azure(options, folder, on_ready, identity, application, store)


async def _serve_azure(
    options: Options,
    folder: Path,
    on_ready: Callable[[Ready], None],
    identity: tls_identity.ServerIdentity,
    application: HttpsApplication,
    store: Store,
) -> None:
    hosts = _keep_hosts_file(options, folder, store)
    at = sockets.listen(options)
    plane = Plane(application.azure)
    stop = asyncio.Event()
    stop_signals.on_signals(stop)
    if options.stop_at_eof:
        stop_signals.on_end_of_input(stop)
    published: dict[str, Any] = {}
    token = options.control_token or secrets.token_urlsafe(32)
    control_port = ControlAccess(control.operations(application, plane, published), token, _names(options))
    idle = options.idle_seconds
    servers = [
        HttpServer(application, tls_stream.context(identity, host_names.takes_client_certificates), idle),
        HttpServer(control_port, None, idle),
    ]
    proxy = Proxy(
        https=sockets.reached(at.https),
        mqtt=sockets.reached(at.mqtt),
        amqp=sockets.reached(at.amqp) if at.amqp else None,
        idle_seconds=idle,
        resolves=lambda destination: vaults.resolves(application.azure, destination),
    )
    connect = await asyncio.start_server(proxy.serve, sock=at.proxy, limit=16 * 1024)
    amqp_plane, amqp = _amqp_plane(plane, idle) if at.amqp else (None, None)
    application.web_sockets = _web_sockets(lambda: Session(plane, idle), amqp)
    listening = await _device_servers(plane, identity, idle, at, amqp)
    tasks = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in zip(servers, (at.https, at.control), strict=True)]
    for work in (lifecycle, configuration_passes, job_runs, registry_transfer, registrations, under_way):
        work.resume(application.azure)
    try:
        await _started(servers, tasks)
        ready = _ready(application, options, identity, hosts, control_port.token, at)
        published.update(vars(ready))
        if options.ready_file:
            ready_file.write(options.ready_file, ready)
        on_ready(ready)
        gc.freeze()  # what was loaded stays: to look for garbage among it stops everybody for a tenth of a second and more, again and again
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


async def _device_servers(
    plane: Plane, identity: tls_identity.ServerIdentity, idle: float, at: Sockets, amqp: Callable[[], asyncio.Protocol] | None
) -> list[asyncio.Server]:
    """What listens on the ports of MQTT and AMQP."""
    context = tls_stream.context(identity)
    loop = asyncio.get_running_loop()
    mqtts = TlsServer(lambda: Session(plane, idle), context, idle, plane.refused)
    listening = [await loop.create_server(mqtts, sock=at.mqtt, backlog=1024)]
    if amqp and at.amqp:
        amqps = TlsServer(amqp, context, idle, plane.refused)
        listening.append(await loop.create_server(amqps, sock=at.amqp, backlog=1024))
    return listening


def _amqp_plane(plane: Plane, idle: float) -> tuple[AmqpPlane, Callable[[], asyncio.Protocol]]:
    """What AMQP's connections share, and what makes one. Its modules are loaded here, because they need a library that may be absent."""
    from local_azure_iot.amqp.plane import AmqpPlane
    from local_azure_iot.amqp.session import AmqpSession

    amqp_plane = AmqpPlane(plane.azure, plane.log_attempt)
    return amqp_plane, lambda: AmqpSession(amqp_plane, idle)


def _web_sockets(mqtt: Callable[[], asyncio.Protocol], amqp: Callable[[], asyncio.Protocol] | None) -> dict[Endpoint, WebSockets]:
    """The WebSockets of hubs, event hubs and provisioning services; the subprotocols are those that Microsoft's clients ask for."""
    device, back_end = "/$iothub/websocket", "/$servicebus/websocket"
    over_mqtt = {device: {"mqtt": mqtt}}
    # Microsoft's Java client names no path, and Paho's for Java then asks for this one (`WebSocketHandshake`).
    of_provisioning = WebSockets({**over_mqtt, "/mqtt": {"mqtt": mqtt}}, {_AMQP_SUBPROTOCOL.lower(): availability.NOT_FOR_PROVISIONING})
    if amqp is None:
        of_hubs = WebSockets(over_mqtt, {_AMQP_SUBPROTOCOL.lower(): availability.MISSING})
    else:
        of_hubs = WebSockets({device: {"mqtt": mqtt, _AMQP_SUBPROTOCOL: amqp}, back_end: {_AMQP_SUBPROTOCOL: amqp}})
    return {
        Endpoint.HUB: of_hubs,
        Endpoint.EVENT_HUB: of_hubs,
        Endpoint.PROVISIONING: of_provisioning,
        Endpoint.DEVICE_PROVISIONING: of_provisioning,
    }


def _create_azure(options: Options, folder: Path) -> tuple[tls_identity.ServerIdentity, HttpsApplication, Store]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        identity = tls_identity.ensure(folder, options.host)
        store = Store(folder / _DATABASE if options.data else None)
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


async def _started(servers: list[HttpServer], tasks: list[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        for task in tasks:
            if task.done():
                task.result()
        await asyncio.sleep(0.001)


def _ready(
    application: HttpsApplication, options: Options, identity: tls_identity.ServerIdentity, hosts: Path | None, token: str, at: Sockets
) -> Ready:
    directory = principals.directory(application.azure.store)
    deployer = principals.find(application.azure.store, directory.client_id)
    if deployer is None:
        raise CannotStartError("the data folder holds a tenant without its application; delete the folder, or give another with --data")
    return Ready(
        arm=sockets.url("https", at.https),
        mqtt=sockets.url("mqtts", at.mqtt),
        amqp=sockets.url("amqps", at.amqp) if at.amqp else "",
        proxy=sockets.url("http", at.proxy),
        control=sockets.url("http", at.control),
        control_token=token,
        ca_file=str(identity.ca_file),
        bundle_file=str(identity.bundle_file),
        java_file=str(identity.java_file),
        az_folder=str(identity.ca_file.with_name("az")),
        data=str(options.data) if options.data else None,
        hosts_file=str(hosts) if hosts else None,
        tenant_id=directory.tenant_id,
        client_id=deployer.client_id,
        client_secret=deployer.secret,
        subscription_id=directory.subscription_id,
        pid=os.getpid(),
    )
