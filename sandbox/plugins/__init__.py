"""Stand-ins for the azure-native and tls provider plugins, for machines where Pulumi's own cannot be installed.

`bin/` holds the executables that a Pulumi engine looks for on PATH. `launch` starts a plugin and `process` serves it.
`provider` implements Pulumi's gRPC service on top of the protocol in `resource`; `property_values` converts values.
`tls` and `azure_native` each describe their resource types as tables, which one resource class interprets.
Where the real plugins are installed, nothing here is needed: the same program runs with either, unchanged.
"""
