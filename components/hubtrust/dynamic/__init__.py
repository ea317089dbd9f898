"""Dynamic resources and their providers, one resource a file; ``lifecycle`` holds their contract with the engine."""
