"""Property values, URNs and property paths: what every room speaks in."""
