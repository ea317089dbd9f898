"""A program that declares the resources of `plan.json` in the ledger's folder.

Each item: name, text, place, first, protect; `uses` names earlier entries whose line becomes part of the text, `after` those it
merely depends on, `shelf` the component that holds it. What is `renamed` (or whose shelf is: `shelf_renamed`) has another name
as a resource, and an alias to the one it has otherwise.
"""

import json
import os

import pulumi
from ledger import LEDGER, Entry, Shelf


def named(name: str, renamed: bool) -> tuple[str, list[pulumi.Alias]]:
    """A resource's name, and the alias to the other one."""
    other = f"{name}-renamed"
    return (other, [pulumi.Alias(name=name)]) if renamed else (name, [pulumi.Alias(name=other)])


(LEDGER / "program.pid").write_text(str(os.getpid()))
plan = json.loads((LEDGER / "plan.json").read_text())
entries: dict[str, Entry] = {}
shelves: dict[str, Shelf] = {}
for item in plan:
    shelf = item.get("shelf")
    if shelf and shelf not in shelves:
        called, aliases = named(shelf, item.get("shelf_renamed", False))
        shelves[shelf] = Shelf(called, pulumi.ResourceOptions(aliases=aliases))
    lines = [entries[name].line for name in item.get("uses", [])]
    text = pulumi.Output.concat(item["text"], *lines) if lines else item["text"]
    called, aliases = named(item["name"], item.get("renamed", False))
    options = pulumi.ResourceOptions(
        depends_on=[entries[name] for name in item.get("after", [])],
        parent=shelves[shelf] if shelf else None,
        protect=item.get("protect"),
        aliases=aliases,
    )
    entries[item["name"]] = Entry(called, text, item.get("place", "here"), first=item.get("first", False), opts=options, entry=item["name"])
pulumi.export("names", sorted(entries))
