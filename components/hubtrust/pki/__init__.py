"""Pure X.509 (RFC 5280): no Pulumi, no Azure, no network, no clock of its own."""
