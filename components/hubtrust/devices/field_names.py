"""The names of a device's fields: which one was meant by a name that there is not."""

import difflib
import functools
import re
from collections.abc import Iterable

# How others name the same: Azure, its exports, and people.
_OTHER_NAMES = {
    "deviceid": ("id",),
    "device": ("id",),
    "iotcdeviceid": ("id",),
    "name": ("id", "registrationId"),
    "id": ("registrationId",),
    "enrollmentid": ("registrationId",),
    "cn": ("registrationId",),
    "commonname": ("registrationId",),
    "primarycertificate": ("certificate",),
    "x509certificate": ("certificate",),
    "secondary": ("secondaryCertificate",),
    "iothubs": ("hubs",),
    "hub": ("hubs",),
    "provisioningstatus": ("status",),
    "allocationpolicy": ("allocation",),
    "reprovisionpolicy": ("reprovision",),
    "optionaldeviceinformation": ("information",),
    "statusreason": ("reason",),
    "iotedge": ("edge",),
    "primarythumbprint": ("thumbprint", "thumbprints"),
    "x509thumbprint": ("thumbprint", "thumbprints"),
    "thumbprints": ("thumbprint",),
    "thumbprint": ("thumbprints",),
}
_PREFIXES = {"tag": "tag", "tags": "tag", "desired": "desired", "properties.desired": "desired"}
_LONGEST = 100  # characters of a name that is compared
_NOT_IN_NAMES = re.compile(r"[^a-z0-9.]")


@functools.lru_cache(maxsize=32)  # a million lines may have the same wrong name
def _nearest(plain: str, names: tuple[str, ...]) -> str | None:
    near = difflib.get_close_matches(plain, names, n=1, cutoff=0.82)
    return near[0] if near else None


def meant_by(name: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``name`` is, but for case, white space, hidden characters, or how Azure names it; None if it is unlike all.

    In ``known`` a name that ends with a dot, such as `tag.`, stands for all that begin with it.
    """
    names = tuple(known)
    plain = _NOT_IN_NAMES.sub("", name.casefold())
    by_plain = {_NOT_IN_NAMES.sub("", one.casefold()): one for one in names}
    if plain in by_plain:
        return by_plain[plain]
    if other := next((one for one in _OTHER_NAMES.get(plain, ()) if one in names), None):
        return other
    for written, prefix in _PREFIXES.items():
        if plain.startswith(f"{written}.") and f"{prefix}." in names:
            return f"{prefix}.{name.split('.', written.count('.') + 1)[-1].strip()}"
    near = _nearest(plain[:_LONGEST], tuple(one for one in by_plain if not one.endswith(".")))
    return None if near is None else by_plain[near]
