"""Fifty clients at once on one hub: codes and etags are never mixed up."""

import asyncio
import ssl

import httpx

from tests.kit.local_azure import LocalAzure
from tests.local_azure.makers import Maker, authority, encoded, uploaded

CLIENTS, CERTIFICATES = 50, 25  # two clients for each certificate: a hub has at most 25


def test_fifty_clients_prove_their_certificates_on_one_hub(process: LocalAzure) -> None:
    """Each of 25 certificates has two clients that don't know of each other: each one proves it in the end, and only with its own code."""
    hub = process.hub()
    makers = [authority(f"CA {number}") for number in range(CERTIFICATES)]
    codes = asyncio.run(_all(process, hub.id, makers))
    shown = hub.certificates()

    assert {name: one["properties"]["subject"] for name, one in shown.items()} == {f"ca-{n}": f"CA {n}" for n in range(CERTIFICATES)}
    assert set(hub.verified().values()) == {True}
    assert len(codes) == len(set(codes)) >= CLIENTS
    assert len({one["etag"] for one in shown.values()}) == CERTIFICATES


async def _all(azure: LocalAzure, hub: str, makers: list[Maker]) -> list[str]:
    trust = ssl.create_default_context(cafile=azure.ready["ca_file"])
    codes: list[str] = []
    limits = httpx.Limits(max_connections=CLIENTS)
    async with httpx.AsyncClient(base_url=azure.ready["arm"], verify=trust, trust_env=False, timeout=120, limits=limits) as http:
        clients = [
            _Client(http, azure, f"{hub}/certificates/ca-{number % CERTIFICATES}", makers[number % CERTIFICATES], codes)
            for number in range(CLIENTS)
        ]
        await asyncio.gather(*(client.prove() for client in clients))
    return codes


class _Client:
    """Uploads the certificate, asks for a code and proves; when the other client changed it meanwhile (412), it begins again."""

    def __init__(self, http: httpx.AsyncClient, azure: LocalAzure, url: str, maker: Maker, codes: list[str]) -> None:
        self._http, self._azure, self._url, self._maker, self._codes = http, azure, url, maker, codes

    async def prove(self) -> None:
        """Try until one of its own proofs is accepted."""
        while not await self._try():
            pass  # no pause: each try makes several calls, and meanwhile the other client goes on

    async def _try(self) -> bool:
        found = await self._ask("GET")
        etag = found.json()["etag"] if found.status_code == 200 else ""
        created = await self._ask("PUT", etag=etag, body=uploaded(self._maker.pem))
        if created.status_code == 412:
            return False
        coded = await self._ask("POST", "/generateVerificationCode", etag=created.json()["etag"])
        if coded.status_code == 412:
            return False
        code = coded.json()["properties"]["verificationCode"]
        self._codes.append(code)
        verified = await self._ask("POST", "/verify", etag=coded.json()["etag"], body={"certificate": encoded(self._maker.proof(code))})
        assert verified.status_code in {200, 412}, verified.text  # never 400: a code that came with this etag is this certificate's
        return verified.status_code == 200

    async def _ask(self, method: str, operation: str = "", *, etag: str = "", body: object = None) -> httpx.Response:
        headers = self._azure.token | ({"If-Match": etag} if etag else {})
        return await self._http.request(method, self._azure.url(f"{self._url}{operation}"), json=body, headers=headers)
