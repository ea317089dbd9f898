"""Goes through a hub's twins or jobs, of which there may be a million, and lets others have their turn meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from local_azure_iot.hub_registry import index, modules, scheduled_jobs, twin_shape
from local_azure_iot.query_language.query import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from local_azure_iot.local_azure import Azure
    from local_azure_iot.query_language.query import Query

CHUNK = 100  # documents before others have their turn: some ten milliseconds


async def scan(azure: Azure, hub_key: str, source: Source, after: str, look: Callable[[str, dict[str, Any]], bool]) -> None:
    """Give ``look`` the place and the document of each twin or job after the place ``after``, in their order, while it returns True.

    What is written meanwhile is seen or not, as by Azure's index. Not within a transaction.
    """
    for number, (place, document) in enumerate(documents(azure, hub_key, source, after), 1):
        if not look(place, document):
            return
        if not number % CHUNK:
            await asyncio.sleep(0)


async def counts(azure: Azure, hub_key: str, texts: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], int]:
    """How many documents each valid query selects, by the queries' names; 0 for the empty text."""
    from local_azure_iot.query_language import parser

    found = dict.fromkeys(texts, 0)
    queries = {name: parser.parse(text) for name, text in texts.items() if text}
    for source in {query.source for query in queries.values()}:
        wanted = [(name, query) for name, query in queries.items() if query.source is source]

        def look(_place: str, document: dict[str, Any], wanted: list[tuple[tuple[str, str], Query]] = wanted) -> bool:
            for name, query in wanted:
                found[name] += query.selects(document)
            return True

        await scan(azure, hub_key, source, "", look)
    return found


def documents(azure: Azure, hub_key: str, source: Source, after: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The place and the document of each twin or job after the place ``after``, in their order. Only the index of devices lags."""
    if source is Source.JOBS:
        return scheduled_jobs.parts_of_hub(azure, hub_key, after)
    if source is Source.MODULES:
        return modules.twins_of_hub(azure, hub_key, after)
    return ((found["id"], twin_shape.to_json(azure, hub_key, found)) for found in index.devices(azure, f"{hub_key}/", after))
