"""The api-versions of provisioning services' service API, and the members of an enrollment that came with them.

Those of Microsoft's clients, and of
https://github.com/Azure/azure-rest-api-specs/tree/main/specification/deviceprovisioningservices/data-plane .
"""

from __future__ import annotations

_STARTED = "2019-03-31"
_POLICY_OF_PREVIEW = ("2025-07-01-preview",)
_DEVICE_REGISTRY = ("2026-07-01-preview", "2026-11-01", "2026-11-02-preview")
VERSIONS = (_STARTED, "2021-06-01", "2021-10-01", *_POLICY_OF_PREVIEW, *_DEVICE_REGISTRY)

# Where an enrollment names what issues operational certificates to its devices: Azure Device Registry.
_ADDED = {
    "credentialPolicyName": _POLICY_OF_PREVIEW,
    "namespaceName": _DEVICE_REGISTRY,
    "certificateAuthorityName": _DEVICE_REGISTRY,
    "certificatePolicyName": _DEVICE_REGISTRY,
}
ADDED_MEMBERS = tuple(_ADDED)


def has(member: str, version: str) -> bool:
    """Whether an api-version knows a member: one that it does not know is neither read nor shown, as JSON readers leave it out."""
    return member not in _ADDED or version.lower() in _ADDED[member]
