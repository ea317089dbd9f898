"""The recorded requests and answers, and how an answer is compared with ours."""

import ast
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.kit.repository import SHARED

FOLDER = SHARED / "azure-traffic"
# What clients act on. Azure CLI's recorder dropped Retry-After: its absence there proves nothing.
ACTED_ON = ("azure-asyncoperation", "location", "retry-after", "x-ms-failure-cause", "content-type")


@dataclass(frozen=True)
class Pair:
    """One request and what Azure answered."""

    scene: tuple[str, str]  # the month it was committed, and the recording
    index: int
    method: str
    uri: str
    request_headers: dict[str, str]
    request: Any  # parsed JSON, or None
    status: int
    headers: dict[str, str]
    text: str

    @property
    def path(self) -> str:
        """Without host and query."""
        return urlsplit(self.uri).path

    @property
    def query(self) -> str:
        """As it was sent."""
        return urlsplit(self.uri).query

    @property
    def version(self) -> str:
        """The api-version."""
        return parse_qs(self.query)["api-version"][0]

    @property
    def answer(self) -> Any:
        """The answer's JSON; None where it had no body."""
        return json.loads(self.text) if self.text else None

    @property
    def readable(self) -> bool:
        """False where the recorder kept gzip bytes as text and so broke them."""
        return "\x1f" not in self.text

    @property
    def moment(self) -> datetime:
        """When it was recorded: by Azure's own mark where one was kept, otherwise by the dates in the answer or of the commit."""
        mark = "".join(self.headers.get("x-msedge-ref", "")).rpartition("Ref C: ")[2]
        if mark:
            return datetime.fromisoformat(mark)
        return datetime.fromisoformat(self.scene[0]).replace(tzinfo=UTC)

    @property
    def updated(self) -> datetime | None:
        """When Azure wrote what this answer shows, by its own clock; None where the answer doesn't say."""
        member = "created" if "ConsumerGroups" in self.path else "updated"
        found = re.search(rf'"{member}":"([^"]+ GMT)"', self.text) if self.method != "GET" else None
        return datetime.strptime(found.group(1), "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC) if found else None

    def __str__(self) -> str:
        return f"{self.scene[0]}/{self.scene[1]}#{self.index} {self.method} {self.path.rpartition('/Microsoft.Devices/')[2]} {self.version}"


def pairs(name: str) -> list[Pair]:
    """All pairs of a file that went to ARM; the data plane's are tested elsewhere."""
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [_pair(row) for row in rows if urlsplit(row["uri"]).hostname == "management.azure.com"]


def scenes(name: str) -> Iterator[list[Pair]]:
    """The pairs of each recording in their order."""
    found: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in pairs(name):
        found[pair.scene].append(pair)
    for each in found.values():
        yield sorted(each, key=lambda pair: pair.index)


def differences(recorded: Any, ours: Any, where: str = "") -> Iterator[str]:
    """The members that only one of the two has, and those with different types: `-a.b` (we lack it), `+a.b`, `~a.b string/null`."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        for name in sorted(set(recorded) | set(ours)):
            inner = f"{where}.{name}" if where else name
            if name not in ours:
                yield f"-{inner}"
            elif name not in recorded:
                yield f"+{inner}"
            else:
                yield from differences(recorded[name], ours[name], inner)
    elif isinstance(recorded, list) and isinstance(ours, list):
        if len(recorded) != len(ours):
            yield f"~{where} {len(recorded)}/{len(ours)} items"
        for theirs, own in zip(recorded, ours, strict=False):
            yield from differences(theirs, own, f"{where}[]")
    elif _kind(recorded) != _kind(ours):
        yield f"~{where} {_kind(recorded)}/{_kind(ours)}"


def header_differences(pair: Pair, ours: dict[str, str]) -> Iterator[str]:
    """The headers that clients act on and only one of the two has; of content types the media type."""
    for name in ACTED_ON:
        if name == "retry-after" and name not in pair.headers:
            continue
        if (name in pair.headers) != (name in ours):
            yield f"{'-' if name in pair.headers else '+'}header {name}"
    theirs, own = pair.headers.get("content-type", ""), ours.get("content-type", "")
    if theirs and own and theirs.partition(";")[0] != own.partition(";")[0]:
        yield f"~header content-type {theirs}/{own}"


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "bool", False: "bool", None: "null"}[value]
    return {int: "number", float: "number", str: "string", list: "list", dict: "object"}[type(value)]


def _pair(row: dict[str, Any]) -> Pair:
    return Pair(
        scene=(row["recorded_commit"], row["blob"]),
        index=row["index"],
        method=row["method"],
        uri=row["uri"],
        request_headers={name.lower(): values[0] for name, values in row["request_headers"].items()},
        request=_request(row["request_body"]),
        status=row["status"],
        headers={name.lower(): values[0] for name, values in row["response_headers"].items()},
        text=row["response_body"] or "",
    )


def _request(text: str) -> Any:
    """The request's JSON. Old recorders wrote the bytes as Python writes them, some twice."""
    while text.startswith(("b'", 'b"')):
        text = ast.literal_eval(text).decode()
    return json.loads(text) if text else None


def day_of(scene: list[Pair]) -> datetime:
    """When a recording began, as far as it is known."""
    return next((pair.updated for pair in scene if pair.updated), scene[0].moment) - timedelta(seconds=1)


def present() -> Path | None:
    """The folder, if it exists."""
    return FOLDER if FOLDER.is_dir() else None
