"""Runs a Pulumi program: a script for the program's own interpreter, which has `pulumi` but perhaps nothing of this engine.

Does what Pulumi's own `pulumi-language-python-exec` does. What to run is one JSON object on the command line; the configuration,
which may hold secrets, comes by the environment (PULUMI_CONFIG, PULUMI_CONFIG_SECRET_KEYS), as Pulumi sends it.
Exits 0, or 1 when the program failed, 32 when the failure has already been reported.
"""

import sys

del sys.path[0]  # this script's folder: its files must not hide modules of the program or of Python

import gc

# A program mostly imports, and lives for seconds: looking for garbage meanwhile takes a sixth of its processor time.
gc.set_threshold(100_000, 50, 50)

import atexit
import os

REPORTED = 32
_code: int | None = None


def _leave() -> None:
    if _code is not None:  # otherwise the program ended this process itself
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_code)


# It runs last, because it is asked for first: after all that the program asks for at its end. Python would then take apart all that it has
# loaded, which takes a fifth of a program's processor time, and nobody needs it.
atexit.register(_leave)

import asyncio
import json
import logging
import runpy
import signal
import traceback
from concurrent.futures import ThreadPoolExecutor


def _own_frames(program: str) -> str:
    """The traceback from where the program begins."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    inside = [at for at, frame in enumerate(frames) if os.path.abspath(frame.filename).startswith(program)]  # noqa: PTH100 - no pathlib in user land
    return traceback.format_exc(limit=-(len(frames) - inside[0])) if inside else traceback.format_exc()


def _run(program: str) -> None:
    runpy.run_path(program, run_name="__main__")


def _drop(*_: object, **__: object) -> None:
    """The engine shows no message for debugging, so that none is sent: the SDK has a hundred for each run, and waits for each answer."""


def main() -> int:
    """Run the program."""
    arguments = json.loads(sys.argv[1])
    # The engine sends SIGINT when something else has failed: a traceback of the program would hide that.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        import pulumi
        import pulumi.runtime
    except ImportError as error:
        sys.stderr.write(
            f"the program's interpreter {sys.executable} can't import pulumi ({error}): "
            "install the program's requirements into its virtual environment\n"
        )
        return 1
    pulumi.log.debug = _drop
    program, settings = arguments["program"], arguments["settings"]
    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env())
    pulumi.runtime.configure(pulumi.runtime.Settings(**settings))
    sys.argv = [program]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    pool = ThreadPoolExecutor(max_workers=max(settings["parallel"], 1) * 4)
    loop.set_default_executor(pool)
    # A program that fails leaves futures that nobody awaits: asyncio would log each of them beside the real error.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _run(program)))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return 1
    except Exception:  # noqa: BLE001 - the user must see whatever the program raised
        pulumi.log.error("Program failed with an unhandled exception:\n" + _own_frames(os.path.abspath(program)))  # noqa: PTH100 - no pathlib in user land
        return REPORTED
    finally:
        pool.shutdown(wait=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    _code = main()
    sys.exit(_code)
