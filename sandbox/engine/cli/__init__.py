"""The command line of the engine: the part of `pulumi`'s that it does, one file a group of verbs."""
