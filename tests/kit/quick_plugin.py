"""`pulumi-resource-hubtrust` whose waits, before it asks again for what it did not find, are a fifth: as `quick_waits.py`."""

from tests.kit.quick_waits import shorten

shorten()

from hubtrust.plugin.server import main  # noqa: E402 - the waits are taken by name when their modules are imported

if __name__ == "__main__":
    main()
