"""ARCHITECTURE.md names the files and folders that exist, and the import contracts every file of local Azure's services."""

import re
import subprocess
import tomllib

from tests.kit.repository import ROOT

PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
MOST_AT_THE_TOP = 34


def section(title: str) -> str:
    """The text below one heading."""
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def tracked() -> list[str]:
    """Every file that Git tracks, from the root."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return listed.splitlines()


def test_every_top_level_entry_has_a_reason() -> None:
    """The top level has few tracked entries, and the page gives a reason for each."""
    entries = {path.partition("/")[0] for path in tracked()}
    named = {name.rstrip("/") for name in re.findall(r"`([^`]+)`", section("The top level"))}

    assert entries - named == set()
    assert len(entries) <= MOST_AT_THE_TOP


def test_every_file_that_the_page_names_exists() -> None:
    """Each Python file, grammar and folder in backticks exists under that name or below another folder."""
    folders = {f"/{'/'.join(path.split('/')[:depth])}/" for path in tracked() for depth in range(1, path.count("/") + 1)}
    existing = {f"/{path}" for path in tracked()} | folders
    named = set(re.findall(r"`([\w./-]+(?:\.py|\.lark|/))`", PAGE))

    assert {name for name in named if not any(path.endswith(f"/{name}") for path in existing)} == set()


# What knows HTTP by its purpose: each service's errors and way in, what its routes are made of, and tables of operations.
KNOWS_HTTP = re.compile(r"(?:\w+_)?errors|endpoint|route_table|request_ids|known_operations|__init__")


def test_each_file_of_a_service_keeps_to_rules_or_to_routes() -> None:
    """Import contracts hold rules free of HTTP and routes free of the store: a new file must be in one of their two lists."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {each["name"]: each for each in settings["tool"]["importlinter"]["contracts"]}
    rules = contracts["Local Azure: rules use the store and no HTTP; only their errors are HTTP replies"]["source_modules"]
    routes = contracts["Local Azure: routes use HTTP and leave the store to the rules"]["source_modules"]
    package = ROOT / "sandbox" / "local-azure-iot" / "local_azure_iot"
    services = ("graph", "hub_registry", "key_vault", "login", "microsoft_devices", "resource_manager")
    files = {f"local_azure_iot.{service}.{file.stem}" for service in services for file in (package / service).glob("*.py")}
    named = {name for name in {*rules, *routes} if name.split(".")[1] in services}

    assert named - files == set()
    assert {name for name in files - named if not KNOWS_HTTP.fullmatch(name.rpartition(".")[2])} == set()
