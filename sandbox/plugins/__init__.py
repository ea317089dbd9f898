"""Stand-ins for the azure-native and tls provider plugins, for machines where Pulumi's own cannot be installed.

`bin/` holds what a Pulumi engine finds on PATH; `launch` starts one of them, `process` serves it. `provider` is Pulumi's
gRPC service over `resource`s, `wire` their values. `tls` and `azure_native` are each a table of their resource types
and one engine that does everything to each row. With the real plugins installed nothing here is needed: a program
that runs with these runs with those, unchanged.
"""
