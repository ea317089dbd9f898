"""Search for leaked private keys: every form that a key's bytes can have in a file, a log or a command line."""

import base64
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.kit.program import Program

_PEM = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)


def keys_in(text: str) -> set[bytes]:
    """The byte strings to search for, from every PEM private key in ``text`` (plain or in JSON): its lines, and the number of an EC key.

    A line that also occurs in the public key (as in OpenSSH's format) is left out.
    """
    marks = set[bytes]()
    for found in _PEM.finditer(re.sub(r"\\+n", "\n", text)):
        lines = [line for line in found[0].splitlines() if re.fullmatch(r"[A-Za-z0-9+/=]{40,}", line)]
        key = _loaded(found[1], found[0].encode())
        public = _public(key) if key else ()
        marks |= {line.encode() for line in lines if not any(base64.b64decode(line) in form for form in public)}
        if isinstance(key, ec.EllipticCurvePrivateKey):
            marks |= set(_numbers(key))
    return marks


def _loaded(kind: str, pem: bytes) -> Any:
    """The key; None where it is encrypted."""
    if kind == "ENCRYPTED PRIVATE KEY":
        return None
    return serialization.load_ssh_private_key(pem, None) if kind.startswith("OPENSSH") else serialization.load_pem_private_key(pem, None)


def _public(key: Any) -> tuple[bytes, bytes]:
    """The two forms in which the public key is stored."""
    public = key.public_key()
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ssh = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return spki, base64.b64decode(ssh.split()[1])


def _numbers(key: ec.EllipticCurvePrivateKey) -> Iterator[bytes]:
    raw = key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8, "big")
    yield from (raw, raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw)[:-4], base64.urlsafe_b64encode(raw)[:-4])


def leaks(program: Program, keys: set[bytes], *, printed: str, arguments: Iterable[bytes] = (), given: Collection[Path] = ()) -> list[str]:
    """Where one of ``keys`` is found: files of the program, its sandbox and temporary folder, printed text, command lines.

    ``given`` are the user's own key files; they are not searched.
    """
    folders = (program.folder, program.temporary)
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file() and ".venv" not in file.parts]
    found = {str(file): file.read_bytes() for file in files if file not in given}
    assert any(name.endswith("sandbox.json") for name in found), "the state was not read"
    assert any(name.endswith("azure.log") for name in found), "local Azure's log was not read"
    found |= {"printed": printed.encode(), "arguments": b"\n".join(arguments)}
    return [name for name, content in found.items() if any(key in content for key in keys)]
