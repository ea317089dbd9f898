"""PEM as Go's encoding/pem reads and writes it."""

from __future__ import annotations

import base64
import binascii
import re

from sandbox.plugins.resource import PluginError

BLOCK = re.compile(r"-----BEGIN ([^\n-]+)-----[ \t]*\r?\n(.*?)\r?\n?-----END \1-----", re.DOTALL)
LINE = 64


def encode(label: str, der: bytes) -> str:
    """Encode DER as PEM with lines of 64 characters and a final line feed."""
    text = base64.b64encode(der).decode()
    lines = [text[start : start + LINE] for start in range(0, len(text), LINE)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def decode(text: str) -> tuple[str, bytes] | None:
    """The (label, DER) of the first block; None if there is none. Headers such as Proc-Type are skipped."""
    found = BLOCK.search(text)
    if found is None:
        return None
    body = "".join(line for line in found[2].split("\n") if ":" not in line)
    try:
        return found[1], base64.b64decode("".join(body.split()), validate=True)
    except binascii.Error:
        return None


def decode_as(label: str, text: str, failure: str) -> bytes:
    """The DER of the first block, which must have this label. Errors start with `failure`."""
    block = decode(text)
    if block is None:
        raise PluginError(f'{failure}: failed to decode PEM of expected type "{label}" from bytes')
    if block[0] != label:
        raise PluginError(f'{failure}: invalid PEM type - expected "{label}", got "{block[0]}"')
    return block[1]
