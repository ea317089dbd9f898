"""Azure Key Vault's data plane for keys: made, imported, described, switched off, and asked to sign; never told."""
