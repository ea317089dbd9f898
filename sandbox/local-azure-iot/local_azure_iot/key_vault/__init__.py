"""Azure Key Vault's data plane for keys: create, import, read, disable and sign; a private key is never returned."""
