"""The project on disk: Pulumi.yaml, stack settings, configuration, secrets."""
