"""The embedded engine: runs a Pulumi program where no Pulumi CLI is installed."""
