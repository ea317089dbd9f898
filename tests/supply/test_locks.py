"""The locks have a hash for every file, fit together, and are all that make installs from."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.repository import ROOT
from tests.kit.requirement_locks import entries, names, pins, versions

LOCKS = ROOT / "requirements"
LOCAL_AZURE = ROOT / "sandbox/local-azure-iot/requirements.txt"  # beside its Dockerfile, which has that folder alone
HASHED = [*sorted(LOCKS.glob("*.txt")), LOCAL_AZURE]
_INPUTS = (ROOT / "requirements.in", *sorted(LOCKS.glob("*.in")), LOCAL_AZURE.with_suffix(".in"))


@pytest.mark.parametrize("lock", HASHED, ids=lambda lock: lock.stem)
def test_each_entry_is_one_version_with_hashes(lock: Path) -> None:
    """Nothing is open, editable, at an address, or from another index: pip installs these files, or nothing."""
    assert all(entry == "--only-binary :all:" for entry in entries(lock) if entry.startswith("-"))
    found = pins(lock)
    assert found
    for pin in found:
        assert pin.requirement.url is None, pin
        assert re.fullmatch(r"==[^,*]+", str(pin.requirement.specifier)), pin
        assert pin.hashes, pin
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in pin.hashes), pin


def test_only_two_are_built_from_source() -> None:
    """A source package runs its own code when it is installed; each other lock takes wheels alone."""
    from_source = {lock.name for lock in HASHED if "--only-binary :all:" not in entries(lock)}
    assert from_source == {"amqp.txt", "device.txt"}  # azure-iot-device's paho-mqtt, and Qpid Proton, which have no wheels


def test_each_lock_has_its_input_and_names_what_the_input_asks_for() -> None:
    """An input that was changed without `make lock` is found here."""
    assert {lock.with_suffix(".in") for lock in HASHED} == {inputs for inputs in _INPUTS if inputs.parent != ROOT}
    for inputs in _INPUTS:
        lock = inputs.with_suffix(".txt")
        assert names(inputs) <= {name for name, _, _ in versions(lock)}, f"{inputs.name}: run `make lock UPGRADE=`"


def test_the_locks_build_on_each_other() -> None:
    """What runs locally, in a pipeline and in the tests is one set of versions; program.txt adds what builds the package."""
    program, sandbox, dev = (versions(LOCKS / f"{name}.txt") for name in ("program", "sandbox", "dev"))
    assert {name for name, _, _ in program - versions(ROOT / "requirements.txt")} == {"pdm-backend"}
    assert versions(ROOT / "requirements.txt") < program < sandbox < dev
    assert {pin[:2] for pin in versions(LOCAL_AZURE)} < {pin[:2] for pin in sandbox}  # fewer packages: their markers differ


def test_the_locks_are_complete() -> None:
    """They are installed without dependencies, so nothing unnamed comes in: what runs these tests came from them, and lacks nothing."""
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_requirements_txt_installs_the_package_and_what_it_needs() -> None:
    """`pip install -r requirements.txt`, which `pulumi install` runs too: pip takes the file, and the package itself is in it."""
    command = ("install", "--dry-run", "--no-index", "--no-build-isolation", "--disable-pip-version-check", "-r", "requirements.txt")
    done = subprocess.run([sys.executable, "-m", "pip", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Would install hubtrust-" in done.stdout


def test_make_installs_by_hashes_alone() -> None:
    """Every `pip install` of every target asks for hashes, or asks no index at all; npm's lock has a hash for each package."""
    targets = ("up", "down", "environment", "demo-rotation", "test", "strangers", "bench", "docs", "faults")
    command = ("make", "--dry-run", "--always-make", "FROM=a", "TO=b", *targets)
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    installed = re.findall(r"(?:pip|run_module\(\"pip\"[^;&']*') install [^;&]*", printed)
    assert {lock for each in installed for lock in re.findall(r"-r requirements/(\w+)\.txt", each)} >= {"sandbox", "dev", "az", "device"}
    for each in installed:
        words = each.split()
        assert "--no-deps" in words, each
        assert "--require-hashes" in words or {"--no-index", "--no-build-isolation"} <= set(words), each

    assert set(re.findall(r"npm \w+", printed)) == {"npm ci"}
    for lock in (ROOT / "tests/strangers").glob("*/package-lock.json"):
        packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
        assert [name for name, package in packages.items() if name and "integrity" not in package] == [], lock


def test_the_plugin_installs_a_lock() -> None:
    """Its folder names the program's lock and nothing else: a line beside it would be installed without a hash, or end pip."""
    file = ROOT / "plugin/requirements.txt"
    (line,) = entries(file)
    assert line.startswith("-r ")
    assert (file.parent / line.removeprefix("-r ").partition(" #")[0]).resolve() in HASHED
