"""Azure Resource Manager's own part: the front door, subscriptions, resource groups, roles, operations."""
