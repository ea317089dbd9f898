"""Devices of ours that a provisioning service has taken over: whoever registers under an id gets the entry that has it.

The service writes the thumbprint of the certificate with which the device registered, in place of any other authentication
(azure-iot-cli-extension's live tests; github.com/MicrosoftDocs/azure-docs/issues/70976).
"""

from collections.abc import Collection

from hubtrust.many_errors import named

_MOST_NAMED = 3


def taken_over(what: str, device_ids: Collection[str], *, where: str) -> str:
    """That these devices have thumbprints, although a CA is declared to authenticate them. ``where`` they are declared."""
    one, ids = len(device_ids) == 1, named(device_ids, _MOST_NAMED)
    return (
        f"{what}: {ids} {'has' if one else 'have'} the thumbprint of one certificate, not the CA that is declared: a provisioning "
        "service writes that when a device registers. Such a device connects with that certificate alone, and must register again when it "
        f"is renewed. If {'it is' if one else 'they are'} to enrol, remove {'it' if one else 'them'} from {where}; otherwise `up` sets "
        f"{'it' if one else 'them'} back, until {'it registers' if one else 'they register'} again"
    )
