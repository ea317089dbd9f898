"""Policy packs: their configuration and their findings."""
