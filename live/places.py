"""Where a run goes: to a local Azure of its own, or where this shell's environment leads."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from live.consent import leads_to_local_azure
from live.errors import LiveRefusedError
from live.stack import EMBEDDED, ROOT, Stack
from local_azure_iot.installation import Installation, environment
from local_azure_iot.start_command import FREE_PORTS
from sandbox.plugins.installed import install_stand_ins

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_STAND_INS = ROOT / "sandbox" / "plugins" / "bin"
_PULUMI = ("pulumi",)
# With its waits as Azure has them: a quicker local Azure (--retry-after) sends a header that Azure does not send.
LOCAL_AZURE = (*FREE_PORTS, "--data", ":memory:")


def engine(wanted: str, variables: Mapping[str, str]) -> Sequence[str]:
    """The engine's command: Pulumi's CLI, or the embedded engine where Azure's names lead to this machine.

    Raises:
        LiveRefusedError: it is not there, or may not be used for this.
    """
    if wanted == "embedded":
        if leads_to_local_azure(variables):
            return EMBEDDED
        remedy = "leave out --engine and use Pulumi's CLI, https://www.pulumi.com/docs/install/"
        raise LiveRefusedError("--engine embedded", "its plugins are for local Azure, and HTTPS_PROXY does not lead to one", remedy)
    if not shutil.which("pulumi", path=variables.get("PATH")):
        raise LiveRefusedError("Pulumi's CLI", "`pulumi` is not on PATH", "install it: https://www.pulumi.com/docs/install/")
    return _PULUMI


def azure(folder: Path, command: Sequence[str], variables: Mapping[str, str], subscription: str) -> Stack:
    """The stack on the Azure that this environment leads to; ``command`` is the engine's."""
    own = dict(variables) | {"ARM_SUBSCRIPTION_ID": subscription}
    return Stack(folder, command, _with_stand_ins(own) if tuple(command) == EMBEDDED else own)


@contextmanager
def local_azure(folder: Path, command: Sequence[str], variables: Mapping[str, str]) -> Iterator[tuple[Stack, str]]:
    """A stack on a local Azure that ends with the block, and its subscription.

    Raises:
        InstallationError: local Azure does not start.
    """
    with Installation(folder / "local-azure").started(*LOCAL_AZURE) as ready:
        own = {**variables, **environment(ready), "PULUMI_HOME": str(folder / "pulumi")}
        install_stand_ins(folder / "pulumi")
        yield Stack(folder / "stack", command, _with_stand_ins(own), quiet=True), ready["subscription_id"]


def _with_stand_ins(variables: Mapping[str, str]) -> dict[str, str]:
    path = (str(_STAND_INS), str(Path(sys.executable).parent), variables.get("PATH", os.defpath))
    return {**variables, "PATH": os.pathsep.join(path)}
