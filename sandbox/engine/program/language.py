"""The program as a child process: started with its own interpreter, watched, stopped."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.engine.project.python_environment import environment
from sandbox.engine.providers import plugins

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.engine.steps.run_options import RunOptions

REPORTED = 32  # the exit code of a program whose failure has already been reported
_HOST = Path(__file__).with_name("language_host.py")


class Program:
    """A running program."""

    def __init__(self, process: asyncio.subprocess.Process, on_line: Callable[[str, bool], None]) -> None:
        self._process = process
        assert process.stdout is not None  # both were asked for
        assert process.stderr is not None
        self._readers = [
            asyncio.create_task(plugins.forward_lines(process.stdout, lambda line: on_line(line, False))),
            asyncio.create_task(plugins.forward_lines(process.stderr, lambda line: on_line(line, True))),
        ]

    async def ended(self) -> int:
        """Wait until it ends; returns its exit code."""
        await asyncio.gather(*self._readers)
        return await self._process.wait()

    async def stop(self) -> None:
        """Ask it to stop, and kill it if it does not."""
        await plugins.end(self._process, ask=signal.SIGINT)
        await asyncio.gather(*self._readers)

    def kill(self) -> None:
        """End it at once."""
        plugins.kill(self._process)


async def start(options: RunOptions, *, monitor: str, engine: str, on_line: Callable[[str, bool], None]) -> Program:
    """Start the program.

    Args:
        options: the options of the run.
        monitor: address of the ResourceMonitor service.
        engine: address of the Engine service.
        on_line: gets (text, is_error) of each line that it prints.
    """
    project = options.project
    arguments = {
        "program": str(project.entry),
        "settings": {
            "monitor": monitor,
            "engine": engine,
            "project": project.name,
            "stack": options.stack,
            "parallel": options.parallel,
            "dry_run": options.preview,
            "organization": options.organization,
            "root_directory": str(project.root),
        },
    }
    env = environment(project.python, options.env)
    env["PULUMI_CONFIG"] = json.dumps({key: item.value for key, item in options.config.items()})
    env["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps([key for key, item in options.config.items() if item.secret])
    process = await plugins.spawn([str(project.python), "-u", str(_HOST), json.dumps(arguments)], project.program_dir, env)
    return Program(process, on_line)


def failure(code: int) -> str | None:
    """The error message for a program's exit code; None if there is nothing to report."""
    if code in (0, REPORTED):
        return None
    ended = f"was ended by signal {-code}" if code < 0 else f"exited with non-zero exit code: {code}"
    return f"an unhandled error occurred: Program {ended}"
