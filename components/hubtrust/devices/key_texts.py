"""Texts that look like a symmetric key of a device: messages about a roster leave them out.

A hub's export has keys, and a file that is cut or read as another format has them in any place, also where an id is expected.
"""

import re

# Azure's keys are base64 of 16 to 64 bytes: learn.microsoft.com/azure/iot-hub/iot-hub-devguide-identity-registry
_BASE64 = re.compile(r"[A-Za-z0-9+/]{22,}={0,2}")
_LONG = 32  # characters: a shorter text of letters and digits is a name


def without_keys(text: str) -> str:
    """``text`` with … in place of each part that may be a key."""
    return _BASE64.sub(lambda found: "…" if _may_be_key(found[0]) else found[0], text)


def _may_be_key(text: str) -> bool:
    """Whether it has what no id has (padding, + or /), or is so long and mixed as hex digits and words are not."""
    mixed = any(char.islower() for char in text) and any(char.isupper() for char in text) and any(char.isdecimal() for char in text)
    return not text.isalnum() or (len(text) >= _LONG and mixed)
