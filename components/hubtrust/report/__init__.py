"""The trust map: one HTML page, complete in itself, from the document of an inventory. No script, no network."""
