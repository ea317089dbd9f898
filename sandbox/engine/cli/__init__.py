"""The command line: the subset of `pulumi`'s commands that this engine supports, one file for each group."""
