"""`python -m pulumi.dynamic` whose waits, before it asks again for what it did not find, are a fifth.

How often it asks, and every deadline, are as in a run. The whole waits are in `tests/azure/test_absence.py` (also their values), in the
fault sweep and in each run of `tests/e2e`.
"""

import runpy

from hubtrust.azure import retry

_SHARE = 0.2


def shorten() -> None:
    """Shorten the waits of this process. To be called before the modules are imported that use them: they take the values by name."""
    for name in ("ABSENCE_WAITS", "INDEX_WAITS", "VAULT_ABSENCE_WAITS"):
        setattr(retry, name, tuple(wait * _SHARE for wait in getattr(retry, name)))


if __name__ == "__main__":
    shorten()
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)
