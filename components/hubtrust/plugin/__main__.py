"""`python -m hubtrust.plugin <engine address>`: the same as `pulumi-resource-hubtrust`."""

from hubtrust.plugin.server import main

main()
