"""A program that declares what `plan.json` in the ledger's folder says.

Each item: name, text, place, first; `uses` names earlier entries whose line becomes part of the text, `after` those it
merely depends on, `shelf` the component that holds it.
"""

import json
import os

import pulumi
from ledger import LEDGER, Entry, Shelf

(LEDGER / "program.pid").write_text(str(os.getpid()))
plan = json.loads((LEDGER / "plan.json").read_text())
entries: dict[str, Entry] = {}
shelves: dict[str, Shelf] = {}
for item in plan:
    shelf = item.get("shelf")
    if shelf and shelf not in shelves:
        shelves[shelf] = Shelf(shelf)
    lines = [entries[name].line for name in item.get("uses", [])]
    text = pulumi.Output.concat(item["text"], *lines) if lines else item["text"]
    options = pulumi.ResourceOptions(
        depends_on=[entries[name] for name in item.get("after", [])],
        parent=shelves[shelf] if shelf else None,
        protect=item.get("protect"),
    )
    entries[item["name"]] = Entry(item["name"], text, item.get("place", "here"), first=item.get("first", False), opts=options)
pulumi.export("names", sorted(entries))
