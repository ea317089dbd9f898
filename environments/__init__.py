"""Environments: a new stack of this program, derived from a deployed one, without a shared key, CA or hub."""
