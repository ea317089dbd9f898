"""What the control port tells a client that can't read the ready file: in another container, or on another machine.

The addresses are as that client sees them: the host is the one that it asked, and the files are where it says that it keeps them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from local_azure_iot import client_environment, host_names, web_pages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from starlette.requests import Request

    Endpoint = Callable[[Request], Awaitable[Response]]

# Name of each file in the client's folder, and the member of the ready file that has its place here.
FILES = {"ca.pem": "ca_file", "bundle.pem": "bundle_file", "bundle.p12": "java_file"}
_ADDRESSES = {"arm": "https", "mqtt": "mqtts", "amqp": "amqps", "proxy": "http", "control": "http"}


class QueryError(ValueError):
    """A query parameter can't be used; the message says what to write."""


def routes(ready: Mapping[str, Any]) -> list[Route]:
    """`/ca.pem`, `/bundle.pem` and `/bundle.p12`, `/ready`, `/environment`, of the local Azure with this ``ready`` file."""

    async def ready_file(request: Request) -> Response:
        return JSONResponse(_seen(ready, request))

    async def environment(request: Request) -> Response:
        form = request.query_params.get("format", "json")
        if form not in client_environment.FORMATS:
            raise QueryError(f"format '{form[:100]}' is not one of {', '.join(client_environment.FORMATS)}")
        variables = client_environment.environment(_seen(ready, request), own={})
        variables.pop("AZURE_EXTENSION_DIR", None)  # the client's own folder, of which nothing is known here
        kind = "application/json" if form == "json" else "text/plain"
        return Response(client_environment.formatted(variables, form), media_type=kind)

    def file(member: str) -> Endpoint:
        async def answer(_request: Request) -> Response:
            return FileResponse(ready[member])

        return answer

    served = {"/ready": ready_file, "/environment": environment, **{f"/{name}": file(member) for name, member in FILES.items()}}
    return [Route(path, _refusing(endpoint), methods=["GET"]) for path, endpoint in served.items()]


def _refusing(endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except QueryError as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return answer


def _seen(ready: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """The ready file as this client would have written it.

    `folder`: where the client keeps the files. `arm`, `mqtt`, `amqp`, `proxy`, `control`: an address that differs: a mapped port.
    """
    asked = web_pages.host(request.scope["headers"]) or ""
    own = urlsplit(ready["control"]).hostname or ""
    found = {name: value for name, value in ready.items() if name not in {"pid", "data", "hosts_file"}}
    for name, scheme in _ADDRESSES.items():
        given = request.query_params.get(name)
        if given is not None:
            found[name] = _address(name, given, scheme)
        elif not (host_names.is_loopback(asked) and host_names.is_loopback(own)) and ready[name]:
            host = f"[{asked}]" if ":" in asked else asked
            found[name] = f"{scheme}://{host}:{urlsplit(ready[name]).port}"
    if folder := request.query_params.get("folder"):
        found |= {member: f"{folder.rstrip('/')}/{name}" for name, member in FILES.items()}
        found["az_folder"] = f"{folder.rstrip('/')}/az"
    return found


def _address(name: str, given: str, scheme: str) -> str:
    try:
        parts = urlsplit(given)
        fits = parts.scheme == scheme and bool(parts.hostname) and parts.port is not None and not parts.path.strip("/")
    except ValueError:
        fits = False
    if not fits:
        raise QueryError(f"{name} '{given[:100]}' is not an address; write it as {scheme}://host:port")
    return given.rstrip("/")


def save(folder: Path, read: Callable[[str], bytes]) -> None:
    """Keep the files in ``folder``; ``read`` gets the content of a path of the control port."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_bytes(read(f"/{name}"))
