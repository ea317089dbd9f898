"""Property values, URNs and property paths, which every other package uses."""
