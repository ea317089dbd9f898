"""Runs the program and serves the resource monitor it registers resources with."""
