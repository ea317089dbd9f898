"""Decides which steps each resource needs: aliases, replacements, targets, deletions, refresh."""
