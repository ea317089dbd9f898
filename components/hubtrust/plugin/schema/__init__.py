"""The schema of the plugin: which components and resources there are, for every Pulumi language. It is generated and checked in."""
