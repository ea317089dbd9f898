"""The plugin: components and custom resources for every Pulumi language."""
