"""How Pulumi's engine marks values that are not plain: in the messages to a plugin, and in its state.

A mark is the value of the member ``SIGNATURE`` (`sdk/go/common/resource/sig` and `.../plugin/rpc.go` of Pulumi).
"""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a public constant: the mark of a secret
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
