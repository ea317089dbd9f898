"""MQTT sessions of local Azure in this process: bytes go in, packets come out, and what fails inside fails the test."""

import asyncio
from typing import Any

from local_azure_iot.mqtt import packets
from local_azure_iot.mqtt.plane import Plane
from local_azure_iot.mqtt.session import Session
from local_azure_iot.tls_transport import PEER, Peer


class _Wire(asyncio.Transport):
    """What a session writes to: it is kept."""

    def __init__(self, peer: Peer) -> None:
        super().__init__()
        self._peer, self._closed = peer, False
        self.out = bytearray()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {PEER: self._peer}.get(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self._closed
        self.out += data

    def close(self) -> None:
        self._closed = True

    def abort(self) -> None:
        self._closed = True

    def is_closing(self) -> bool:
        return self._closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def answers(plane: Plane, peer: Peer, parts: list[bytes]) -> list[packets.Packet]:
    """What a new connection of this client is answered to these bytes; it ends after them."""
    session, wire = Session(plane, 60), _Wire(peer)
    session.connection_made(wire)
    for part in parts:
        if not wire.is_closing():
            session.data_received(part)
            await asyncio.sleep(0)
    while plane.azure.turns.are_taken:
        await plane.azure.turns.wait()
    session.connection_lost(None)
    found = []
    while answer := packets.split(wire.out):
        found.append(answer)
    assert not wire.out
    return found
