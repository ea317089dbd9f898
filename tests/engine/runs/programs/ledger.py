"""A world that tests can look into: entries as files in a folder, and a dynamic provider that keeps them.

Environment: LEDGER names the folder. Every provider call is a line in `calls.jsonl`. `trap.json` there may hold
`{"call": n, "when": "before" | "after", "do": "kill-engine" | "die" | "hang"}` for the n-th call of a run.
"""

import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

LEDGER = Path(os.environ["LEDGER"])
COUNT = itertools.count(1)
LOCK = threading.Lock()
Props = dict[str, Any]


def _spring(call: int, when: str) -> None:
    path = LEDGER / "trap.json"
    trap = json.loads(path.read_text()) if path.exists() else {}
    if trap.get("call") != call or trap["when"] != when:
        return
    if trap["do"] == "kill-engine":
        os.kill(int((LEDGER / "engine.pid").read_text()), signal.SIGKILL)
        time.sleep(60)  # the end comes with the engine's; nothing more may happen meanwhile
    if trap["do"] == "die":
        os._exit(3)
    (LEDGER / "hanging").touch()
    time.sleep(600)


class _Call:
    """One call: logged, and trapped before and after."""

    def __init__(self, method: str, name: str) -> None:
        self._method, self._name = method, name

    def __enter__(self) -> None:
        with LOCK:
            self._number = next(COUNT)
            with (LEDGER / "calls.jsonl").open("a") as log:
                log.write(json.dumps({"method": self._method, "name": self._name, "process": os.getpid()}) + "\n")
        _spring(self._number, "before")

    def __exit__(self, *_: object) -> None:
        _spring(self._number, "after")


def _file(id_: str) -> Path:
    return LEDGER / f"{id_}.entry"


def _write(id_: str, props: dict[str, Any]) -> dict[str, Any]:
    kept = {key: props.get(key) for key in ("name", "text", "place", "first")}
    calmed = kept["text"] == "explodes once" and (LEDGER / "calm").exists()
    if str(kept["text"]).startswith("explodes") and not calmed:
        (LEDGER / "exploded").touch()
        raise RuntimeError("the ledger exploded")
    _file(id_).write_text(json.dumps(kept, sort_keys=True))
    return {**kept, "line": f"{kept['place']}: {kept['text']}"}


def _wait(ended: Callable[[], bool]) -> None:
    for _ in range(3000):
        if ended():
            return
        time.sleep(0.01)
    raise RuntimeError("it never came")


def _kill_the_program() -> None:
    program = int((LEDGER / "program.pid").read_text())
    os.kill(program, signal.SIGKILL)
    _wait(lambda: not Path(f"/proc/{program}/exe").exists())


class LedgerProvider(ResourceProvider):
    """Entries are named by their place; creating one that exists already continues from it, as a provider should."""

    serialize_as_secret_always = False

    def check(self, _olds: Props, news: Props) -> CheckResult:
        """Refuse a text that is called so."""
        with _Call("check", news["name"]):
            failures = [CheckFailure("text", "the ledger refuses this text")] if news.get("text") == "refused" else []
            return CheckResult(news, failures)

    def diff(self, _id: str, olds: Props, news: Props) -> DiffResult:
        """Compare text and place."""
        with _Call("diff", olds["name"]):
            changed = [key for key in ("text", "place") if olds.get(key) != news.get(key)]
            replaces = [key for key in changed if key == "place"]
            return DiffResult(changes=bool(changed), replaces=replaces, delete_before_replace=bool(news.get("first")))

    def create(self, props: Props) -> CreateResult:
        """Write the entry."""
        with _Call("create", props["name"]):
            id_ = f"{props['name']}@{props['place']}"
            if props["text"] == "waits for a failure":
                (LEDGER / "waiting").touch()
                _wait((LEDGER / "exploded").exists)
            if props["text"] == "explodes beside one that waits":
                _wait((LEDGER / "waiting").exists)
            if props["text"] == "waits for a hanging one":
                _wait((LEDGER / "hanging").exists)
            if props["text"] == "hangs":
                (LEDGER / "hanging").touch()
                time.sleep(600)
            if props["text"] == "kills the program":
                _kill_the_program()
            return CreateResult(id_, _write(id_, props))

    def read(self, id_: str, _props: Props) -> ReadResult:
        """DisplayOptions at the entry."""
        with _Call("read", id_):
            if not _file(id_).exists():
                return ReadResult(None, {})
            kept = json.loads(_file(id_).read_text())
            return ReadResult(id_, {**kept, "line": f"{kept['place']}: {kept['text']}"})

    def update(self, id_: str, _olds: Props, news: Props) -> UpdateResult:
        """Write the entry anew."""
        with _Call("update", news["name"]):
            return UpdateResult(_write(id_, news))

    def delete(self, id_: str, props: Props) -> None:
        """Remove the entry."""
        with _Call("delete", props["name"]):
            _file(id_).unlink(missing_ok=True)


class Entry(Resource, module="ledger", name="Entry"):
    """An entry: `text` may change in place, another `place` is another entry; `first` deletes before it replaces.

    The ledger knows it as `entry`, or by its resource's name.
    """

    line: pulumi.Output[str]

    def __init__(
        self, name: str, text: Any = "", place: str = "here", *, first: bool = False, opts: Any = None, entry: str | None = None
    ) -> None:
        props = {"name": entry or name, "text": text, "place": place, "first": first, "line": None}
        super().__init__(LedgerProvider(), name, props, opts)


class Shelf(pulumi.ComponentResource):
    """A component to hold entries."""

    def __init__(self, name: str, opts: Any = None) -> None:
        super().__init__("ledger:index:Shelf", name, {}, opts)
        self.register_outputs({})
