"""The models of Azure's generated clients.

A model's class completes itself when its first object is made, with no lock: a second thread then finds it half done, and reads a `dict`
where a model belongs. Providers serve several calls at a time, so the classes are completed before any of them is used.
"""

import sys
import threading
from typing import Any

_LOCK = threading.Lock()
_complete: set[str] = set()


def complete(package: str) -> None:
    """Complete every model of ``package``, which has been imported, once in a process."""
    with _LOCK:
        if package in _complete:
            return
        # Copies: other threads import while these are read.
        modules = [module for name, module in list(sys.modules.items()) if f"{name}.".startswith(f"{package}.")]
        models: set[Any] = {found for module in modules for found in list(vars(module).values()) if isinstance(found, type)}
        for model in models:
            if hasattr(model, "_calculated"):  # where a model notes that its class is complete
                model.__new__(model)
        _complete.add(package)
