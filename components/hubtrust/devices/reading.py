"""Devices read from the registry itself, one by one: the query index shows changes late."""

from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

from hubtrust.azure.device_description import Twin
from hubtrust.azure.errors import AzureError
from hubtrust.azure.registry import Registry

_T = TypeVar("_T")
PARALLEL = 8  # calls at a time: enough to use a hub's quota, few enough to wait in its queue
MOST_READ = 1000  # devices that are read one by one where the index could be believed instead: more would be slow


def read_each(registry: Registry, device_ids: Collection[str]) -> dict[str, Twin | None]:
    """Each device by its id; None: it does not exist.

    Raises:
        AzureError: see ``Registry``.
    """
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        return dict(zip(device_ids, pool.map(registry.twin, device_ids), strict=True))


def confirm_absent(registry: Registry, device_ids: Collection[str]) -> dict[str, Twin | None]:
    """Devices that did not exist a moment ago, as ``read_each``: all that are absent are asked for again, see ``Registry.find``.

    Raises:
        AzureError: see ``Registry``.
    """
    found: dict[str, Twin | None] = dict.fromkeys(device_ids)

    def all_of_them() -> dict[str, Twin | None] | None:
        found.update(read_each(registry, [one for one, twin in found.items() if twin is None]))
        return None if None in found.values() else found

    if found and registry.found_again(all_of_them) is None:
        with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
            list(pool.map(registry.require_absent, [one for one, twin in found.items() if twin is None]))
    return found


def found_each(registry: Registry, device_ids: Collection[str]) -> dict[str, Twin | None]:
    """As ``read_each``; that a device does not exist is confirmed.

    Raises:
        AzureError: see ``Registry``.
    """
    found = read_each(registry, device_ids)
    return found | confirm_absent(registry, [one for one, twin in found.items() if twin is None])


def until_one_fails(futures: Collection[Future[_T]]) -> Iterator[Future[_T]]:
    """Each future as it completes. When one has failed, those that have not started are cancelled."""
    for future in as_completed(futures):
        if isinstance(future.exception(), AzureError):
            for other in futures:
                other.cancel()
        yield future
