"""Requirements files as pip reads them: the locks, and the inputs that they are made of."""

from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class Pin:
    """One entry of a lock: what it asks for, and its hashes."""

    requirement: Requirement
    hashes: tuple[str, ...]


def entries(lock: Path) -> list[str]:
    """The entries of a requirements file, each with its continuation lines, without comments."""
    lines = [line for line in lock.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    return [" ".join(entry.split()) for entry in "\n".join(lines).replace("\\\n", " ").splitlines() if entry.strip()]


def pins(lock: Path) -> list[Pin]:
    """What a lock pins; options and the package itself (`-e .`) left out."""
    found = []
    for entry in entries(lock):
        if entry.startswith("-"):
            continue
        requirement, *hashes = entry.split(" --hash=")
        found.append(Pin(Requirement(requirement), tuple(hashes)))
    return found


def versions(lock: Path) -> set[tuple[str, str, str]]:
    """Name, version and marker of each pin."""
    return {
        (canonicalize_name(pin.requirement.name), str(pin.requirement.specifier), str(pin.requirement.marker or "")) for pin in pins(lock)
    }


def names(inputs: Path) -> set[str]:
    """What an input file asks for by name."""
    stated = (entry.partition(" #")[0] for entry in entries(inputs) if not entry.startswith("-"))
    return {canonicalize_name(Requirement(one).name) for one in stated}
