"""What each registration calls for: aliases, replacements, targets, deletions, refresh."""
