"""Pulumi's state: deployments, checkpoints, the file backend, locks and history."""
