"""The embedded engine: runs a Pulumi program where no Pulumi CLI is installed."""

import os

# gRPC reads this when it is loaded. Without it, gRPC reports on the error output that a program has ended while it was connected, as every
# program with a transform does.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
