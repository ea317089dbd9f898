"""The options of a run, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sandbox.engine.state.deployment import Deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sandbox.engine.project.config import ConfigValue
    from sandbox.engine.project.project_file import Project

Verb = Literal["preview", "up", "refresh", "destroy"]


@dataclass(frozen=True)
class PolicyPackRef:
    """A policy pack: its folder, and the file with its configuration where there is one."""

    path: Path
    config: Path | None = None


@dataclass(frozen=True)
class RunOptions:
    """Everything a run needs besides the state, as plain values.

    `config` maps `namespace:name` to a value; `env` is the whole environment for the program and the plugins;
    `dry_run` (and the verb preview) changes nothing; `refresh` reads every resource before anything else;
    `targets` are URNs or globs of URNs; `stack_outputs` gives another stack's outputs by its name (`stack_reference.py`);
    `invocation` is how this engine is started, as remedies name it.
    """

    verb: Verb
    project: Project
    stack: str
    config: Mapping[str, ConfigValue]
    env: Mapping[str, str]
    organization: str = "organization"
    parallel: int = 16
    refresh: bool = False
    targets: tuple[str, ...] = ()
    policy_packs: tuple[PolicyPackRef, ...] = ()
    continue_on_error: bool = False
    dry_run: bool = False
    plugin_path: tuple[Path, ...] = ()
    stack_outputs: Callable[[str], Mapping[str, Any]] | None = None
    invocation: str = "pulumi"

    @property
    def preview(self) -> bool:
        """Whether it only shows what it would do."""
        return self.dry_run or self.verb == "preview"


@dataclass(frozen=True)
class Outcome:
    """How a run ended. `changes` counts resources by operation; `deployment` is the state after it (of a preview: before)."""

    succeeded: bool
    changes: Mapping[str, int] = field(default_factory=dict)
    deployment: Deployment = field(default_factory=Deployment)
    cancelled: bool = False
