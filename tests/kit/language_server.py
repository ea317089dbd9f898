"""Pyright as editors run it: a language server, which tells a file's errors, and what is shown for a name that is pointed at."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kit.prerequisites import need
from tests.kit.repository import ROOT

_PYRIGHT = ROOT / ".strangers" / "node" / "node_modules" / "pyright" / "langserver.index.js"


class LanguageServer:
    """A session with the server; see the Language Server Protocol, version 3.17."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process, self._number = process, 0

    def start(self, folder: Path) -> None:
        """Open a folder, whose `pyrightconfig.json` has the settings."""
        root = folder.as_uri()
        able = {"workspace": {"configuration": True}, "textDocument": {"hover": {"contentFormat": ["plaintext"]}, "diagnostic": {}}}
        opened = {"processId": None, "rootUri": root, "workspaceFolders": [{"uri": root, "name": "programs"}], "capabilities": able}
        self._ask("initialize", opened)
        self._send({"method": "initialized", "params": {}})

    def open(self, path: Path) -> None:
        """Open a file in the editor."""
        document = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": path.read_text(encoding="utf-8")}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})

    def errors(self, path: Path) -> list[str]:
        """What is marked in an open file, a line for each."""
        found = self._ask("textDocument/diagnostic", {"textDocument": {"uri": path.as_uri()}})
        return [f"{one['range']['start']['line'] + 1}: {one['message']}" for one in found["items"]]

    def hover(self, path: Path, offset: int) -> str:
        """What is shown for the name at a place of an open file; empty if nothing is."""
        before = path.read_text(encoding="utf-8")[:offset]
        place = {"line": before.count("\n"), "character": offset - before.rfind("\n") - 1}
        found = self._ask("textDocument/hover", {"textDocument": {"uri": path.as_uri()}, "position": place})
        return str(found["contents"]["value"]) if found else ""

    def _ask(self, method: str, params: Any) -> Any:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == self._number and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        """The server's next message. Its own questions are answered: it asks for the interpreter of the user's environment."""
        assert self._process.stdout
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        if message.get("method") == "workspace/configuration":
            python = [{"pythonPath": sys.executable} if item.get("section") == "python" else {} for item in message["params"]["items"]]
            self._send({"id": message["id"], "result": python})
        elif "method" in message and "id" in message:
            self._send({"id": message["id"], "result": None})
        return message


@contextmanager
def language_server(folder: Path) -> Iterator[LanguageServer]:
    """A server for the files in ``folder``. The test is skipped where Pyright is not installed."""
    need(_PYRIGHT.exists() and shutil.which("node"), "Pyright is not installed; `make strangers` installs it")
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', encoding="utf-8")
    with subprocess.Popen(["node", _PYRIGHT, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            server = LanguageServer(process)
            server.start(folder)
            yield server
        finally:
            process.kill()
