"""The version of this package, plugin and schema: the last tag `v1.2.3` of the repository, in the forms that Python and Pulumi read.

`python -P components/hubtrust/version.py` prints Python's form, `… --plugin` Pulumi's: a release compares them with its tag.
"""

import re
import sys
import tomllib
import warnings
from functools import cache
from pathlib import Path

_PEP_440 = re.compile(r"(?P<release>\d+(?:\.\d+){0,2})(?:(?P<phase>a|b|rc)(?P<pre>\d+))?(?:\.dev(?P<dev>\d+))?(?:\+(?P<local>[a-z0-9.]+))?")
_PHASES = {"a": "alpha", "b": "beta", "rc": "rc"}


@cache
def package_version() -> str:
    """The version in Python's form (PEP 440), such as `1.2.3`, or `1.2.4.dev5+g0123abc` five commits after the tag `v1.2.3`.

    Returns:
        What the build wrote beside this file; in a repository what Git says now, and `0.0.0+unknown` if it says nothing.
    """
    package = Path(__file__).resolve().parent
    project = package.parents[1] / "pyproject.toml"
    if package.parent.name == "components" and project.is_file():
        return _of_repository(project)
    return (package / "version.txt").read_text(encoding="utf-8").strip()


def plugin_version() -> str:
    """The version in Pulumi's form (SemVer 2.0.0), such as `1.2.3` or `1.2.4-dev.5+g0123abc`."""
    return semantic(package_version())


def semantic(version: str) -> str:
    """A version of Python's form in Pulumi's: the only place that converts one.

    Raises:
        ValueError: The version has a part that SemVer has no place for, such as `.post1` or an epoch.
    """
    found = _PEP_440.fullmatch(version)
    if not found:
        message = f"version {version!r} has no form in SemVer: tag a release as v1.2.3, or a preview as v1.2.3-rc.1"
        raise ValueError(message)
    numbers = [str(int(number)) for number in found["release"].split(".")]
    before = [_PHASES[found["phase"]], str(int(found["pre"]))] if found["phase"] else []
    if found["dev"]:
        before += ["dev", str(int(found["dev"]))]
    written = ".".join((*numbers, "0", "0")[:3])
    return written + (f"-{'.'.join(before)}" if before else "") + (f"+{found['local']}" if found["local"] else "")


def _of_repository(project: Path) -> str:
    file = tomllib.loads(project.read_text(encoding="utf-8"))
    if "version" in file["project"]:  # the source that a release published: the build wrote its version there
        return str(file["project"]["version"])
    rules = file["tool"]["pdm"]["version"]
    # `.git` is asked for, because Git itself would answer with the tags of a repository around an unpacked copy of this one.
    if (project.parent / ".git").exists():
        try:
            # The build's own way to read tags. It is in the repository's locks, and programs that install the package don't need it.
            from pdm.backend.hooks.version.scm import default_version_formatter, get_version_from_scm
        except ImportError:
            return str(rules["fallback_version"])
        with warnings.catch_warnings(action="ignore"):  # that there is no tag yet, or the clone is shallow: both have a version
            found = get_version_from_scm(project.parent, tag_regex=rules["tag_regex"], tag_filter=rules["tag_filter"])
        if found:
            return default_version_formatter(found)
    return str(rules["fallback_version"])


if __name__ == "__main__":
    sys.stdout.write(f"{plugin_version() if '--plugin' in sys.argv else package_version()}\n")
