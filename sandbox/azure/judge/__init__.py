"""Decides about certificates and proofs with its own code; it shares none with the product that it checks."""
