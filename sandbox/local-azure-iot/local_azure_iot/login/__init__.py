"""Microsoft Entra's part of local Azure: applications that may log in, and their tokens."""
