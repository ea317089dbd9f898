"""Environments: another stack of this program, made from one that is up, with no key, CA or hub in common."""
