"""Where a key is kept and what signs with it: one file for each custody."""
