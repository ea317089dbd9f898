"""Runs the program and hears what it registers."""
