"""Device identities: their description, rosters, reconciliation with a hub, and the canary that connects to it."""
