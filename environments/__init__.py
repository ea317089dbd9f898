"""Environments: a new stack of this program, derived from one that is up, without a shared key, CA or hub."""
