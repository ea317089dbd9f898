"""Microsoft Entra's part of local Azure: who may ask, and the tokens that say so."""
