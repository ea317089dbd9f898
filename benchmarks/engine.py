"""The embedded engine's time, compared with Pulumi's CLI where it is on PATH; how it grows; what a policy pack adds.

    python -m benchmarks.engine [--resources 200] [--growth 100,500,2000] [--judged 1000]

Resources are one-line dynamic resources, so that the engine, the program and the protocol are measured. Figures are seconds of
one cold command, best of `--repeat`; the ratio is ours to the CLI's (below 1 is faster).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROVIDER = """
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Nothing(ResourceProvider):
    serialize_as_secret_always = False
    def create(self, props):
        return CreateResult("n", dict(props))

class Item(Resource, module="bench", name="Item"):
    def __init__(self, name):
        super().__init__(Nothing(), name, {"text": "x" * 40})
"""
PROGRAM = """
import os
from items import Item

for number in range(int(os.environ["COUNT"])):
    Item(f"item-{number}")
"""
PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy, StackValidationPolicy

def short(args, report):
    if len(args.props.get("text", "")) > 100:
        report("too long")

def few(args, report):
    if len(args.resources) > 100000:
        report("too many")

PolicyPack("bench", policies=[
    ResourceValidationPolicy("short", "Short texts.", short, enforcement_level=EnforcementLevel.MANDATORY),
    StackValidationPolicy("few", "Few resources.", few, enforcement_level=EnforcementLevel.MANDATORY),
])
"""
COMMANDS = {"up": ("up", "--yes", "--skip-preview"), "no-op up": ("up", "--yes", "--skip-preview"), "preview": ("preview",)}


class Engine:
    """One engine, with a project of its own."""

    def __init__(self, command: list[str], folder: Path, count: int) -> None:
        self._command, self._folder = command, folder
        folder.mkdir(parents=True)
        (folder / "backend").mkdir()
        (folder / "Pulumi.yaml").write_text(
            f"name: bench\nruntime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n", encoding="utf-8"
        )
        (folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
        (folder / "items.py").write_text(PROVIDER, encoding="utf-8")
        self._env = {
            **os.environ,
            "COUNT": str(count),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PYTHONPATH": str(ROOT),
        }
        pack = folder / "pack"
        pack.mkdir()
        (pack / "PulumiPolicy.yaml").write_text("runtime: python\n", encoding="utf-8")
        (pack / "__main__.py").write_text(PACK, encoding="utf-8")
        self.call("stack", "init", "dev")

    def call(self, *args: str) -> float:
        """Run a command; returns seconds."""
        began = time.perf_counter()
        done = subprocess.run(
            [*self._command, *args], cwd=self._folder, env=self._env, capture_output=True, text=True, check=False, encoding="utf-8"
        )
        took = time.perf_counter() - began
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return took

    def measure(self, repeat: int, *, judged: bool = False) -> dict[str, float]:
        """Seconds of each command: the first `up` once, the others the best of all; with `judged`, a policy pack is used."""
        flags = ["--policy-pack", str(self._folder / "pack")] if judged else []
        figures = {}
        for name, command in COMMANDS.items():
            times = [self.call(*command, "--stack", "dev", "--non-interactive", *flags) for _ in range(1 if name == "up" else repeat)]
            figures[name] = min(times)
        return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, default=200)
    parser.add_argument("--growth", default="100,500,2000", help="resource counts for the growth table, ours alone")
    parser.add_argument("--judged", type=int, default=1000, help="resources that a policy pack judges, and does not")
    parser.add_argument("--repeat", type=int, default=2)
    args = parser.parse_args()
    ours = [sys.executable, "-m", "sandbox.engine"]
    theirs = shutil.which("pulumi")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for count, judged in ((args.resources, False), (args.judged, False), (args.judged, True)):
            if not count:
                continue
            name = f"{count}-{judged}"
            mine = Engine(ours, work / f"ours-{name}", count).measure(args.repeat, judged=judged)
            other = Engine([theirs], work / f"cli-{name}", count).measure(args.repeat, judged=judged) if theirs else {}
            title = f"{count} resources{', a policy pack' if judged else ''}"
            print(f"{title:32}embedded   pulumi    ratio")
            for command, seconds in mine.items():
                beside = f"{other[command]:9.2f}{seconds / other[command]:9.2f}" if other else "  (no pulumi on PATH)"
                print(f"{command:32}{seconds:8.2f}{beside}")
        counts = [int(text) for text in args.growth.split(",") if text]
        print("\nresources      up   ms each   no-op up   ms each    preview   ms each")
        for count in counts:
            row = Engine(ours, work / f"growth-{count}", count).measure(1)
            print(f"{count:9}" + "".join(f"{seconds:9.2f}{1000 * seconds / count:10.2f}  " for seconds in row.values()))


if __name__ == "__main__":
    main()
