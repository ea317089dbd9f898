"""Seconds and memory of a fleet as it grows: create, no-op, a change of 1 %, destroy.

    python -m benchmarks.growth [--devices 10000,100000,1000000]

Each size has a hub of its own on one local Azure, which keeps its data on disk, and the embedded engine runs the program. The peer of each
size is the size before it: an exponent of 1.00 says that ten times the devices take ten times as long. What a run with one device takes is
measured first and subtracted, because a start would hide how the work grows. Processor time counts where other work shares the machine.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fleet import Azure, Stack, azure

_TARGET = 1.05
_COLUMNS = ("  devices", " operation", "seconds", "processor: ours", "local Azure", "ms each", "largest process", "local Azure's memory")
_OPERATIONS = ("create", "no-op", "change 1 %", "destroy")
_PROGRAM = """
import os
from hubtrust.azure.device_description import DeviceDescription
from hubtrust.devices.roster import Roster
from hubtrust.dynamic.device_fleet import DeviceFleet

count, changed = int(os.environ["COUNT"]), os.environ.get("CHANGED") == "1"
plain, disabled = DeviceDescription(), DeviceDescription(enabled=False, reason="benchmark")
DeviceFleet("bench", hub_id=os.environ["HUB"], host_name=os.environ["HOST"],
            roster=Roster.of((f"press-{n:07d}", disabled if changed and n % 100 == 0 else plain) for n in range(count)))
"""


@dataclass(frozen=True)
class Measured:
    """One run of the engine."""

    seconds: float
    ours: float  # processor seconds of the engine, the program and its providers
    azures: float  # processor seconds of local Azure
    megabytes: float  # of its largest process

    @property
    def processor(self) -> float:
        """Processor seconds of all processes."""
        return self.ours + self.azures


class GrowingStack(Stack):
    """A program on the embedded engine, with the memory that it takes."""

    def measured(self, at: Azure, *arguments: str, changed: bool = False) -> Measured:
        """Run a command that must succeed."""
        env = self.env | {"CHANGED": "1" if changed else "0"}
        with tempfile.TemporaryFile() as output:
            began, azure_began = time.perf_counter(), _processor(at.ready["pid"])
            process = subprocess.Popen(self.command(*arguments), cwd=self.folder, env=env, stdout=output, stderr=output)
            _, status, usage = os.wait4(process.pid, 0)  # with what its own children took
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            assert process.returncode == 0, output.read().decode()[-3000:]
        return Measured(seconds, usage.ru_utime + usage.ru_stime, _processor(at.ready["pid"]) - azure_began, usage.ru_maxrss / 1024)


def measure(at: Azure, folder: Path, devices: int) -> dict[str, Measured]:
    """All operations with this many devices."""
    name = f"grow-{devices}"
    stack = GrowingStack(folder / name, _PROGRAM, devices, HUB=at.hub(name), HOST=f"{name}.azure-devices.net")
    up = ("up", "--yes", "--skip-preview")
    return {
        "create": stack.measured(at, *up),
        "no-op": stack.measured(at, *up),
        "change 1 %": stack.measured(at, *up, changed=True),
        "destroy": stack.measured(at, "destroy", "--yes", "--skip-preview"),
    }


def _processor(pid: int) -> float:
    """The processor seconds that a process has used."""
    user, system = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    """The most memory, in MB, that a process has had."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"), re.MULTILINE)
    return int(found[1]) / 1024 if found else math.nan


def _exponent(few: float, many: float, factor: float) -> float:
    """The power of ``factor`` by which the time grew; not a number where a start alone took as long."""
    return math.log(many / few) / math.log(factor) if few > 0 and many > 0 else math.nan


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", default="10000,100000,1000000")
    sizes = sorted(int(text) for text in parser.parse_args().devices.split(","))
    results: dict[int, dict[str, Measured]] = {}
    with tempfile.TemporaryDirectory() as folder, azure(Path(folder), data=Path(folder) / "data") as at:
        start = measure(at, Path(folder), 1)
        print(" ".join(_COLUMNS))
        for size in sizes:
            results[size] = measure(at, Path(folder), size)
            for operation in _OPERATIONS:
                one = results[size][operation]
                each = 1000 * (one.processor - start[operation].processor) / size
                row = (
                    f"{size:,}",
                    operation,
                    f"{one.seconds:.1f}",
                    f"{one.ours:.1f}",
                    f"{one.azures:.1f}",
                    f"{each:.3f}",
                    f"{one.megabytes:.0f} MB",
                    f"{_peak(at.ready['pid']):.0f} MB",
                )
                print(" ".join(f"{value:>{len(title)}}" for value, title in zip(row, _COLUMNS, strict=True)), flush=True)
    for smaller, larger in itertools.pairwise(sizes):
        print(f"\n{smaller:,} → {larger:,}: exponent of processor time and of time (target: at most {_TARGET}), and memory")
        for operation in _OPERATIONS:
            few, many, base = results[smaller][operation], results[larger][operation], start[operation]
            worked = _exponent(few.processor - base.processor, many.processor - base.processor, larger / smaller)
            lasted = _exponent(few.seconds - base.seconds, many.seconds - base.seconds, larger / smaller)
            memory = (many.megabytes - few.megabytes) * 1024 * 1024 / (larger - smaller)
            print(f"{operation:12}{worked:8.2f}{lasted:8.2f}   {memory:8.0f} bytes for each further device")


if __name__ == "__main__":
    main()
