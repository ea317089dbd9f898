"""The sandbox: local Azure, an embedded Pulumi engine and stand-in plugins, for laptops, CI and demos."""
