"""Records the form of each call to Azure in a file: off, unless the environment variable `HUBTRUST_RECORD_CALLS` names the file.

One line of JSON a call, appended, so that a run's processes share a file. No id, name, value, key or token is in it: `call_shape.py` says
what is left. Logins and key vaults don't come by here, and neither does what plugins of others send. `python -m live` compares two such
files: docs/live.md.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy

from hubtrust.azure.call_shape import ANSWER_HEADERS, REQUEST_HEADERS, masked_code, masked_headers, masked_url, shape
from hubtrust.azure.error_bodies import envelope
from hubtrust.errors import HubtrustError

VARIABLE = "HUBTRUST_RECORD_CALLS"
_FIRST_FAILURE = 300


class RecordingError(HubtrustError):
    """The file for the recording can't be written."""


def recording(environment: Mapping[str, str] = os.environ) -> "list[CallRecording]":
    """The policy that records, if the environment asks for it; else nothing.

    Raises:
        RecordingError: the file can't be written. That is told before the first call.
    """
    named = environment.get(VARIABLE)
    if not named:
        return []
    try:
        with Path(named).open("ab"):
            return [CallRecording(Path(named))]
    except OSError as error:
        remedy = f"name a file that can be written in {VARIABLE}, or unset it"
        raise RecordingError(f"recording of calls to Azure in '{named}'", f"it can't be written: {error.strerror}", remedy) from None


class CallRecording(HTTPPolicy[Any, Any]):
    """Appends each call's form to the file. It is the last policy of a pipeline, so that it sees every attempt as it is sent."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send, and record; a call without an answer too."""
        sent = request.http_request
        url, version = masked_url(sent.url)
        call: dict[str, Any] = {"method": sent.method, "url": url, "apiVersion": version}
        call |= {"requestHeaders": masked_headers(sent.headers, REQUEST_HEADERS), "request": shape(_body(sent.content))}
        try:
            answer = self.next.send(request)
        except Exception as error:  # of a transport, whatever it raises: it is recorded, and raised again
            self._append(call | {"status": None, "error": type(error).__name__, "headers": {}, "answer": None})
            raise
        response = answer.http_response
        code = envelope(response)[0] if response.status_code >= _FIRST_FAILURE else ""
        call |= {"status": response.status_code, "error": masked_code(code), "headers": masked_headers(response.headers, ANSWER_HEADERS)}
        self._append(call | {"answer": shape(response.body())})
        return answer

    def _append(self, call: Mapping[str, Any]) -> None:
        """One write for each call, so that those of several processes don't mix."""
        line = json.dumps(call, ensure_ascii=False, separators=(",", ":")) + "\n"
        file = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)


def _body(content: object) -> bytes | None:
    """The body as bytes; the generated clients give text."""
    if isinstance(content, str):
        return content.encode()
    return content if isinstance(content, bytes) else None
