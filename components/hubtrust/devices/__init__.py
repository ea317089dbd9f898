"""Device identities: their description, rosters, reconciliation and the connection check."""
