"""Our client for Azure: clouds, login, retries, certificates, device registries and device sessions; no Pulumi, no X.509."""
