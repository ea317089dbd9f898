"""Enrollments of a provisioning service: what is declared of them, what is checked before they are written, and how they are reconciled."""
