"""Steps, their execution in parallel, the journal, hooks and events."""
