"""Steps and their execution in parallel, with the journal, hooks and events."""
