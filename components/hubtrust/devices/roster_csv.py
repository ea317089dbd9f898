"""Devices from CSV: see ``csv_table``."""

from collections.abc import Iterator, Mapping
from typing import Any

from hubtrust.devices.csv_table import Columns, csv_records, edge, twin_columns
from hubtrust.reconcile_errors import DeclarationError

_COLUMNS = Columns(("id", "status", "reason", "edge", "thumbprint", "secondaryThumbprint"))


def csv_devices(text: str, *, what: str) -> Iterator[tuple[int, Mapping[str, Any] | DeclarationError]]:
    """Each device's description and the number of its first line, or what is wrong with this line. Rows without any value are passed over.

    Raises:
        RosterError: the first line, which names the columns, is invalid.
    """
    for number, cells in csv_records(text, _COLUMNS, what=what):
        try:
            yield number, cells if isinstance(cells, DeclarationError) else _device(cells)
        except DeclarationError as error:
            yield number, error


def _device(cells: Mapping[str, str]) -> dict[str, Any]:
    thumbprints = [cells[name] for name in ("thumbprint", "secondaryThumbprint") if cells.get(name)]
    return {
        "id": cells["id"],
        "status": cells.get("status", "").lower() or None,  # Azure reads it in any case too
        "reason": cells.get("reason") or None,
        "edge": edge(cells),
        "thumbprints": thumbprints or None,
        **twin_columns(cells),
    }
