"""A world in a box: local Azure, an embedded engine and stand-in plugins, for laptops, CI and demos."""
