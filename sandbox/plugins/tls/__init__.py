"""The stand-in for the tls plugin (pulumi-tls over terraform-provider-tls)."""
