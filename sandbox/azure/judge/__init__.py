"""The judge: decides about certificates and proofs with code of its own, sharing none with the product it judges."""
