"""Our client for Azure's doors: which cloud, which login, and the certificate operations behind ARM; no Pulumi, no X.509."""
