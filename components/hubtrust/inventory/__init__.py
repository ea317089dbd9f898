"""What a stack's state says of trust: its CAs, what trusts them and how that was proven, its device certificates, and what is due."""
