"""Checks certificates, proofs of possession and connections with its own code; it shares none with the product that it checks."""
