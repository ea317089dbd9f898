"""Evidence: in-toto statements in DSSE envelopes, chained in an append-only Merkle log, and the audit of a log.

Nothing here asks Azure, the network or a clock: a log is judged years later, by whoever has its text.
"""
