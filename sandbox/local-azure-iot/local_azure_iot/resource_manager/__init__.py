"""Azure Resource Manager's own part: subscriptions, resource groups, roles, long-running operations."""
