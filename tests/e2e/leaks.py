"""Where a private key would show itself: every form in which the bytes of one can lie in a file, a log or a command line."""

import base64
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.e2e.program import Program

_PEM = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)
_ESCAPED = re.compile(r"\\+n")  # a line's end in JSON, in JSON inside JSON, and so on: a secret object is text inside text


def keys_in(text: str) -> set[bytes]:
    """The marks of every private key in ``text``, PEM in JSON or plain: a line of its base64, and of EC keys the number itself."""
    marks = set[bytes]()
    for found in _PEM.finditer(_ESCAPED.sub("\n", text)):
        lines = [line for line in found[0].splitlines() if re.fullmatch(r"[A-Za-z0-9+/=]{40,}", line)]
        public = _public(found[0]) if found[1] == "OPENSSH PRIVATE KEY" else ""  # lies in the middle of such a file, line by line
        marks |= {line.encode() for line in lines if line not in public}
        if found[1] in ("PRIVATE KEY", "EC PRIVATE KEY"):
            marks |= set(_numbers(found[0]))
    return marks


def _public(pem: str) -> str:
    key = serialization.load_ssh_private_key(pem.encode(), None).public_key()
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def _numbers(pem: str) -> Iterator[bytes]:
    key = serialization.load_pem_private_key(pem.encode(), None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        raw = key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8, "big")
        yield from (raw, raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw)[:-4], base64.urlsafe_b64encode(raw)[:-4])


def leaks(program: Program, keys: set[bytes], *, said: str, arguments: Iterable[bytes] = (), given: Collection[Path] = ()) -> list[str]:
    """Where one of ``keys`` shows: files of the program, its sandbox and temporary folder, what was printed, command lines.

    ``given`` are files that the user keeps a key in.
    """
    folders = (program.folder, program.temporary)
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file() and ".venv" not in file.parts]
    found = {str(file): file.read_bytes() for file in files if file not in given}
    assert any(name.endswith("sandbox.json") for name in found), "the state was among what was read"
    assert any(name.endswith("azure.log") for name in found), "local Azure's log was among what was read"
    found |= {"printed": said.encode(), "arguments": b"\n".join(arguments)}
    return [name for name, content in found.items() if any(key in content for key in keys)]
